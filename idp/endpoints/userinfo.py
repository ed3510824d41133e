"""The userinfo endpoint (OpenID Connect Core 1.0 §5.3, RFC 6750)."""

import re
from dataclasses import dataclass

from config.runtime.clock import Clock
from config.runtime.web.answer import Answer, bytes_answer
from config.runtime.web.call import Call
from config.runtime.web.sites import Route
from idp.endpoints.answers import bearer_challenge, refusal_answer
from idp.endpoints.mounting import Mount
from idp.flows.userinfo import Userinfo
from idp.protocol.errors import InvalidRequest, OAuthError, TemporarilyUnavailable
from idp.protocol.parameters import Parameters
from keystore.door import KeyServiceUnavailable

_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*\Z", re.ASCII)  # RFC 6750 §2.1


@dataclass(frozen=True, slots=True)
class UserinfoEndpoint:
    """``GET`` and ``POST /userinfo``."""

    userinfo: Userinfo
    clock: Clock

    def routes(self) -> list[Route]:
        """Return the route under the issuer's address."""
        mount = Mount.of(self.userinfo.issuer.address)
        return [
            Route(
                path=f"{mount.path}/userinfo",
                endpoints={"GET": self.tell, "POST": self.tell},
                budget="tokens",
                cors=True,
                origins=(mount.origin,),
            )
        ]

    async def tell(self, call: Call) -> Answer:
        """Tell the bearer of an access token what was granted."""
        try:
            token = await _token(call)
            if token is None:
                return bearer_challenge(None, call)
            told = await self.userinfo.tell(token, self.clock.now())
        except OAuthError as refusal:
            if refusal.status in (400, 401, 403):
                return bearer_challenge(refusal, call, "openid" if refusal.status == 403 else "")
            return refusal_answer(refusal, call)
        except KeyServiceUnavailable:
            return refusal_answer(
                TemporarilyUnavailable("no answer can be signed at present"), call
            )
        return bytes_answer(told.body, told.content_type)


async def _token(call: Call) -> str | None:
    """Return the token of the header or of the form body; never of the query (RFC 9700 §4.3.2)."""
    header = call.header("authorization")
    presented = None
    if call.method == "POST" and call.header("content-type") is not None:
        presented = Parameters.parse(await call.form()).get("access_token")
    if header is not None:
        if presented is not None:  # RFC 6750 §2: one method in each request
            raise InvalidRequest("two access tokens")
        scheme, _, presented = header.partition(" ")
        if scheme.lower() != "bearer":
            return None
        presented = presented.strip(" ")
    if presented is not None and not _TOKEN.match(presented):
        raise InvalidRequest("the access token is malformed")
    return presented
