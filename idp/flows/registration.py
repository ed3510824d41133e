"""Registering relying parties: what ``symbolon rp`` does."""

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, replace

from config.runtime.database.unit import Database, Refused
from config.runtime.entropy import Entropy
from config.runtime.journal import Fact
from config.settings import Issuer
from idp.client_auth.private_key_jwt import ALGS
from idp.client_auth.tls_client_auth import check_subject
from idp.flows.resource_servers import signing_server
from idp.protocol import registration
from idp.protocol.client import Client
from idp.protocol.errors import InvalidClientMetadata
from idp.protocol.grant import digest_of
from idp.protocol.registration import Possible
from idp.protocol.sector import addresses_of, sector_listed, sector_of
from idp.stores.clients import Clients
from idp.stores.grants import Grants
from idp.stores.records import Records
from keystore.door import Door, SealPurpose
from keystore.jose.jwe import CONTENT, KEY_MANAGEMENT
from keystore.jose.jwk import KeyRefused, parse_set

OPERATOR = "operator"
"""Who acts, in the records."""


@dataclass(frozen=True, slots=True)
class Registered:
    """A client, and its secret, which is shown this once and kept nowhere."""

    client: Client
    secret: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Registrar:
    """Registers clients at any of ``issuers``.

    ``fetch`` reads a JSON document from an address; ``detail_types`` names the types of
    authorization details that an issuer offers.
    """

    issuers: tuple[Issuer, ...]
    clients: Clients
    grants: Grants
    records: Records
    database: Database
    door: Door
    entropy: Entropy
    fetch: Callable[[str], Awaitable[object]]
    detail_types: Callable[[Issuer], Collection[str]]

    async def add(self, wish: Client, sector: str, now: int) -> Registered:
        """Register what ``wish`` says, or raise InvalidClientMetadata or InvalidRedirectUri.

        The client_id is made when it is "", and so is the secret where the method needs one.
        ``sector`` is the address of a list of redirect URIs, a host, or "" to take the host of the
        redirect URIs.
        """
        # No hyphen in front: on a command line it would be taken for an option.
        client_id = wish.client_id or self.entropy.token(16).lstrip("-")
        client = replace(wish, client_id=client_id, created_at=now)
        client = replace(client, sector=await self._sector(client, sector))
        registration.check(client, await self._possible(client))
        _check_keys(client)
        client, secret = await self._with_secret(client)
        fact = Fact(name="client.registered", at=now, about=client_id)
        try:
            await self.database.submit(
                self.clients.insert(client), *self.records.write(fact, OPERATOR)
            )
        except Refused:
            raise InvalidClientMetadata("a client with this client_id exists") from None
        return Registered(client, secret)

    async def change(
        self,
        client_id: str,
        edit: Callable[[Client], Client],
        now: int,
        *,
        new_secret: bool = False,
    ) -> Registered | None:
        """Put what ``edit`` makes of the client in its place, checked as when it was registered.

        None when there is no such client. What its subjects depend on stays as it is. A secret is
        made where the method needs one that the client does not have, or with ``new_secret``.
        """
        held = await self.clients.held(client_id)
        if held is None:
            return None
        client, before = edit(held.client), held.client
        registration.check(client, await self._possible(client))
        _check_keys(client)
        secret = None
        if new_secret or client.token_endpoint_auth_method != before.token_endpoint_auth_method:
            bare = replace(client, secret_digest=None, sealed_secret=None)
            client, secret = await self._with_secret(bare)
        fact = Fact(name="client.changed", at=now, about=client_id)
        try:
            await self.database.submit(
                self.clients.change(held, client), *self.records.write(fact, OPERATOR)
            )
        except Refused:
            raise InvalidClientMetadata("the client was changed by somebody else") from None
        return Registered(client, secret)

    async def remove(self, client_id: str, now: int) -> bool:
        """Remove the client and end every grant of it; say whether there was one."""
        fact = Fact(name="client.removed", at=now, about=client_id)
        try:
            await self.database.submit(
                self.clients.remove(client_id),
                self.grants.revoke_client(client_id, now),
                *self.records.write(fact, OPERATOR),
            )
        except Refused:
            return False
        return True

    async def _sector(self, client: Client, sector: str) -> str:
        if sector.startswith("https:"):
            document = await self.fetch(sector)
            return sector_listed(document, sector, addresses_of(client))
        return sector or sector_of(client)

    async def _possible(self, client: Client) -> Possible:
        address = client.issuer
        issuer = next((issuer for issuer in self.issuers if issuer.address == address), None)
        if issuer is None:
            raise InvalidClientMetadata(f"there is no issuer {address}")
        types = frozenset(self.detail_types(issuer))
        others = await self.clients.resource_servers(address, but=client.client_id)
        signing = signing_server(issuer.features.signing_service)
        servers = {server.address: server for server in (*others, *signing)}
        return Possible(issuer, frozenset(ALGS), KEY_MANAGEMENT, CONTENT, types, servers)

    async def _with_secret(self, client: Client) -> tuple[Client, str | None]:
        if client.token_endpoint_auth_method not in registration.SECRET_METHODS:
            return client, None
        secret = self.entropy.token()
        if client.token_endpoint_auth_method != "client_secret_jwt":
            return replace(client, secret_digest=digest_of(secret)), secret
        sealed = await self.door.seal(
            SealPurpose.CLIENT_SECRET, secret.encode(), client.client_id.encode()
        )
        return replace(client, sealed_secret=sealed), secret


def _check_keys(client: Client) -> None:
    if client.jwks is not None:
        try:
            parse_set(client.jwks)
        except KeyRefused as reason:
            raise InvalidClientMetadata(f"jwks: {reason}") from None
    check_subject(client)
