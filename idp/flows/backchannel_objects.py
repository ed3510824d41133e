"""Backchannel requests as they come in: signed in an object, or plain (CIBA Core 1.0 §7.1)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from config.runtime.database.unit import Write
from idp.client_auth.keys import ClientKeys
from idp.flows.object_signatures import verified
from idp.protocol import ciba, jar
from idp.protocol.client import Client
from idp.protocol.errors import InvalidRequest, InvalidRequestObject, RequestNotSupported
from idp.protocol.parameters import Parameters
from idp.stores.used import Used


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
        claims = await self._verified(asked["request"], client)
        said = ciba.judge_object(claims, client, self.issuer, now)
        once = self.used.once(
            "backchannel request",
            client.client_id,
            claims["jti"],
            int(claims["exp"]) + jar.SKEW,
            int(claims["nbf"]) - jar.SKEW,
        )
        return Stated(asked=said, signed=True, writes=(once,))

    async def _verified(self, token: str, client: Client) -> Mapping[str, Any]:
        try:
            return await verified(token, client, ciba.accepted_algs(client), self.keys)
        except (InvalidRequestObject, RequestNotSupported) as refusal:  # CIBA §13 has one code
            raise InvalidRequest(refusal.description, detail=refusal.detail) from None
