"""The device code (RFC 8628 §3.4, §3.5)."""

from dataclasses import dataclass

from idp.grants.collecting import Collecting
from idp.grants.grant_type import Redemption, TokenRequest
from idp.protocol.decoupled import Kind
from idp.protocol.device import GRANT_TYPE


@dataclass(frozen=True, slots=True)
class DeviceCode:
    """``urn:ietf:params:oauth:grant-type:device_code``."""

    collecting: Collecting

    name = GRANT_TYPE

    async def redeem(self, request: TokenRequest, now: int) -> Redemption:
        """Return the tokens' authorization, or raise the OAuthError that says how it stands."""
        secret = request.asked.require("device_code")
        return await self.collecting.collect(Kind.DEVICE, secret, request, now)
