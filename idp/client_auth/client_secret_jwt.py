"""An assertion under the client's secret (OpenID Connect Core 1.0 §9, HS256)."""

from dataclasses import dataclass

from config.runtime.cache import Cache
from config.runtime.database.unit import Write
from idp.client_auth.assertion import TYPS, Audience, accept
from idp.client_auth.method import Carrier, Presented
from idp.protocol.client import Client
from idp.protocol.errors import InvalidClient
from idp.stores.used import Used
from keystore.door import BadSeal, Door, SealPurpose
from keystore.jose import reader

_RULES = reader.Rules(algs=frozenset(("HS256",)), typs=TYPS)


@dataclass(frozen=True, slots=True)
class ClientSecretJwt:
    """``client_secret_jwt``. ``secrets`` keeps opened secrets for a short while, by their seal."""

    door: Door
    used: Used
    audience: Audience
    secrets: Cache[bytes, bytes]

    name = "client_secret_jwt"
    carrier = Carrier.ASSERTION

    async def prove(self, presented: Presented, client: Client, now: int) -> tuple[Write, ...]:
        """Return the write that uses the assertion up, or raise InvalidClient."""
        if presented.assertion is None or client.sealed_secret is None:
            raise InvalidClient("the client has no secret for assertions")
        sealed = client.sealed_secret
        secret = await self.secrets.get(sealed, lambda: self._open(sealed, client))
        try:
            verified = reader.verify_mac(presented.assertion, secret, _RULES)
        except reader.BadToken as reason:
            raise InvalidClient("the assertion is not valid", detail=str(reason)) from reason
        return (accept(verified.claims, client, self.audience, self.used, now),)

    async def _open(self, sealed: bytes, client: Client) -> bytes:
        bound_to = client.client_id.encode()
        try:
            return await self.door.open(SealPurpose.CLIENT_SECRET, sealed, bound_to)
        except BadSeal as reason:
            raise InvalidClient("the client's secret cannot be opened") from reason
