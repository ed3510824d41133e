"""Backchannel authentication: collecting the tokens (OpenID Connect CIBA Core 1.0 §10.1, §11)."""

from dataclasses import dataclass

from idp.grants.collecting import Collecting
from idp.grants.grant_type import Redemption, TokenRequest
from idp.protocol.ciba import GRANT_TYPE, PUSH
from idp.protocol.decoupled import Kind
from idp.protocol.errors import UnauthorizedClient


@dataclass(frozen=True, slots=True)
class Ciba:
    """``urn:openid:params:grant-type:ciba``, for clients that poll or are pinged."""

    collecting: Collecting

    name = GRANT_TYPE

    async def redeem(self, request: TokenRequest, now: int) -> Redemption:
        """Return the tokens' authorization, or raise the OAuthError that says how it stands."""
        if request.client.backchannel_token_delivery_mode == PUSH:
            raise UnauthorizedClient("the tokens of this client are pushed to it")
        secret = request.asked.require("auth_req_id")
        return await self.collecting.collect(Kind.BACKCHANNEL, secret, request, now)
