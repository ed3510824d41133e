"""An assertion signed with the client's private key (OpenID Connect Core 1.0 §9, RFC 7523 §2.2)."""

from dataclasses import dataclass

from config.runtime.database.unit import Write
from idp.client_auth.assertion import TYPS, Audience, accept
from idp.client_auth.keys import ClientKeys
from idp.client_auth.method import Carrier, Presented
from idp.protocol.client import Client
from idp.protocol.errors import InvalidClient
from idp.protocol.profile import PROFILES
from idp.stores.used import Used
from keystore.jose import reader

ALGS = ("ES256", "PS256", "RS256", "EdDSA")
"""What a client may sign with, unless its registration names one of them."""


@dataclass(frozen=True, slots=True)
class PrivateKeyJwt:
    """``private_key_jwt``."""

    keys: ClientKeys
    used: Used
    audience: Audience

    name = "private_key_jwt"
    carrier = Carrier.ASSERTION

    async def prove(self, presented: Presented, client: Client, now: int) -> tuple[Write, ...]:
        """Return the write that uses the assertion up, or raise InvalidClient."""
        assertion = presented.assertion
        if assertion is None:
            raise InvalidClient("client_assertion is missing")
        registered = client.token_endpoint_auth_signing_alg
        algs = PROFILES[client.profile].algs_among(ALGS, registered)
        alg = assertion.header["alg"]
        if alg not in algs:  # before any key is fetched for it
            raise InvalidClient("alg of the assertion is not accepted")
        keys = await self.keys.of(client, alg, assertion.header.get("kid"))
        try:
            verified = reader.verify(assertion, keys, reader.Rules(algs=algs, typs=TYPS))
        except reader.BadToken as reason:
            raise InvalidClient("the assertion is not valid", detail=str(reason)) from reason
        return (accept(verified.claims, client, self.audience, self.used, now),)
