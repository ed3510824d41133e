"""Tokens encrypted to the client that they are for, where its registration asks (nested JWE)."""

from dataclasses import dataclass

from idp.client_auth.keys import ClientKeys
from idp.protocol.client import Client
from idp.protocol.errors import InvalidClient
from keystore.jose.jwe import CannotEncrypt, nest

DEFAULT_ENC = "A128GCM"
"""Where the client names an ``alg`` and no ``enc``: the registration's default needs CBC."""


@dataclass(frozen=True, slots=True)
class Nesting:
    """Encrypts to keys of clients."""

    keys: ClientKeys

    async def nest(self, token: str, client: Client, alg: str | None, enc: str | None) -> str:
        """Return ``token``, encrypted when ``alg`` is there (OpenID Connect Core 1.0 §10.2).

        Raises InvalidClient when the client has no key for it.
        """
        if alg is None:
            return token
        keys = await self.keys.of(client, alg, None)
        try:
            return nest(token, keys, alg, enc or DEFAULT_ENC)
        except CannotEncrypt as reason:
            raise InvalidClient("the client has no key to encrypt to", detail=str(reason)) from None
