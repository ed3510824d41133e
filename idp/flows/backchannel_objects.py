"""Backchannel requests as they come in: signed in an object, or plain (CIBA Core 1.0 §7.1)."""

from dataclasses import dataclass

from config.runtime.database.unit import Write
from idp.client_auth.keys import ClientKeys
from idp.protocol import ciba, jar
from idp.protocol.client import Client
from idp.protocol.errors import InvalidClient, InvalidRequest
from idp.protocol.parameters import Parameters
from idp.protocol.profile import PROFILES
from idp.stores.used import Used
from keystore.jose import reader


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """What a request says. ``writes`` use its object up: put them into the unit."""

    asked: Parameters
    signed: bool
    writes: tuple[Write, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BackchannelObjects:
    """Reads requests of clients of one issuer."""

    issuer: str
    keys: ClientKeys
    used: Used

    async def read(self, asked: Parameters, client: Client, now: int) -> Stated:
        """Return what the client asks, or raise InvalidRequest."""
        if "request" not in asked:
            return Stated(asked=ciba.plain(asked), signed=False)
        ciba.only_signed(asked)
        claims = (await self._verified(asked["request"], client)).claims
        said = ciba.judge_object(claims, client, self.issuer, now)
        once = self.used.once(
            "backchannel request",
            client.client_id,
            claims["jti"],
            int(claims["exp"]) + jar.SKEW,
            int(claims["nbf"]) - jar.SKEW,
        )
        return Stated(asked=said, signed=True, writes=(once,))

    async def _verified(self, token: str, client: Client) -> reader.Verified:
        registered = client.backchannel_authentication_request_signing_alg
        profile = PROFILES[client.profile]
        algs = frozenset(alg for alg in ciba.SIGNING_ALGS if profile.allows_alg(alg))
        if registered is not None:
            algs &= {registered}
        try:
            parsed = reader.parse(token)
            alg = parsed.header["alg"]
            if alg not in algs:  # before any key is fetched for it
                raise InvalidRequest("alg of the request object is not accepted")
            keys = await self.keys.of(client, alg, parsed.header.get("kid"))
            return reader.verify(parsed, keys, reader.Rules(algs=algs, typs=jar.TYPS))
        except reader.BadToken as reason:
            raise InvalidRequest("the request object is not valid", detail=str(reason)) from reason
        except InvalidClient as reason:
            raise InvalidRequest(
                "the client has no keys to sign requests with", detail=reason.description
            ) from reason
