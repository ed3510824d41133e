"""Registered clients: looked up from memory, and proven by exactly one method."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace

from config.runtime.cache import Cache
from config.runtime.database.unit import Database, Refused, Write
from idp.client_auth.method import Carrier, Method, Presented
from idp.client_auth.presented import read
from idp.flows.client_documents import ClientDocuments
from idp.protocol.carried import Carried
from idp.protocol.client import Client
from idp.protocol.errors import InvalidClient, InvalidDpopProof
from idp.protocol.parameters import Parameters
from idp.protocol.profile import PROFILES, stricter
from idp.protocol.signing_client import OWN_LIST, acting_for, for_itself, party_of
from idp.stores.clients import Clients

CACHE_SECONDS = 5.0
"""How old a registration in memory may be at most."""

CACHE_ENTRIES = 10_000

_STRANGER_KEYS = (  # a point that nobody here has the private key of (RFC 7515 §A.3)
    b'{"keys":[{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",'
    b'"y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}'
)
_STRANGER_METHODS = {
    Carrier.BASIC: "client_secret_basic",
    Carrier.POST: "client_secret_post",
    Carrier.ASSERTION: "private_key_jwt",
    Carrier.NONE: "none",
}


@dataclass(frozen=True, slots=True)
class SigningService:
    """The ``address`` of the issuer's signing service; ``keys`` returns the JWKS of its proofs."""

    address: str
    keys: Callable[[], Awaitable[bytes]]


@dataclass(frozen=True, slots=True)
class KnownClients:
    """The clients of one issuer. A registration may be a few seconds old.

    ``profile`` is the issuer's: no client is held to less. ``documents`` are those of clients that
    nobody registered, where the issuer takes them. ``signing`` acts for any of them.
    """

    issuer: str
    profile: str
    clients: Clients
    cache: Cache[tuple[str, str], Client | None]
    documents: ClientDocuments | None = None
    signing: SigningService | None = None

    async def find(self, client_id: str) -> Client | None:
        """Return the client of this issuer, or None."""
        return await self.cache.get((self.issuer, client_id), lambda: self._load(client_id))

    async def named(self, client_id: str) -> Client | None:
        """Return the client as far as it is known here: enough to name it to a person."""
        if client_id == OWN_LIST:
            return await self._signing()
        if party := party_of(client_id):
            client = await self.named(party)
            return client and await self._acting(client)
        client = await self._registered(client_id)
        if client is None and self.documents is not None:
            client = self.documents.remembered(client_id)
        return client

    async def _load(self, client_id: str) -> Client | None:
        if client_id == OWN_LIST:
            return await self._signing()
        if party := party_of(client_id):
            client = await self._load(party)
            return client and await self._acting(client)
        client = await self._registered(client_id)
        if client is None and self.documents is not None:
            client = await self.documents.find(client_id)
        return client

    async def _acting(self, party: Client) -> Client | None:
        if self.signing is None:
            return None
        return acting_for(party, self.signing.address, await self.signing.keys())

    async def _signing(self) -> Client | None:
        if self.signing is None:
            return None
        return for_itself(self.issuer, self.signing.address, await self.signing.keys())

    async def _registered(self, client_id: str) -> Client | None:
        client = await self.clients.find(client_id)
        if client is None or client.issuer != self.issuer:
            return None
        return replace(client, profile=stricter(client.profile, self.profile))


@dataclass(frozen=True, slots=True)
class Proven:
    """A client that proved who it is. ``writes`` use the proof up: put them into the unit."""

    client: Client
    writes: tuple[Write, ...]


@dataclass(frozen=True, slots=True)
class ClientAuthentication:
    """Proves clients by the method that they registered, and by no other."""

    known: KnownClients
    methods: Mapping[str, Method]
    database: Database

    async def prove(self, asked: Parameters, carried: Carried, now: int) -> Proven:
        """Return the client, or raise InvalidClient; InvalidRequest for two methods at once.

        A stranger costs the same work as a client
        with wrong credentials.
        """
        presented = read(asked, carried)
        client = await self.known.find(presented.client_id)
        if client is None:
            client = self._stranger(presented)
        method = self.methods.get(client.token_endpoint_auth_method)
        if method is None or method.carrier is not presented.carrier:
            raise InvalidClient("the client did not authenticate with the method it registered")
        if not PROFILES[client.profile].allows_method(method.name):
            raise InvalidClient(f"the profile {client.profile} does not allow {method.name}")
        writes = await method.prove(presented, client, now)
        if client.issuer != self.known.issuer:
            raise InvalidClient("wrong client credentials")
        return Proven(client, writes)

    async def spend(self, proven: Proven, *proofs: Write) -> None:
        """Use the proof up by itself, where nothing else is written, and ``proofs`` of the sender.

        Raises InvalidClient or InvalidDpopProof.
        """
        if proven.writes or proofs:
            try:
                await self.database.submit(*proven.writes, *proofs)
            except Refused as refused:
                if any(refused.write is write for write in proofs):
                    raise InvalidDpopProof("the proof was used before") from None
                raise InvalidClient("the assertion was used before") from None

    def _stranger(self, presented: Presented) -> Client:
        return Client(
            client_id=presented.client_id,
            issuer="",  # nobody's: what it proves counts for nothing
            profile=self.known.profile,
            names={},
            redirect_uris=(),
            token_endpoint_auth_method=_STRANGER_METHODS[presented.carrier],
            sector="",
            jwks=_STRANGER_KEYS,
        )
