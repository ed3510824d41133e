"""Time-stamps through the CSC API (signatures/timestamp)."""

from base64 import b64encode
from dataclasses import dataclass
from typing import Protocol

from esignet.protocol.csc.faults import UNAVAILABLE, CscError
from esignet.protocol.csc.timestamp import Stamp
from keystore.timestamping.asking import Refused, token_of


class TimeStamps(Protocol):
    """What of the key service is needed here (`keystore.signing.door.Documents`)."""

    async def timestamp_response(self, request: bytes) -> bytes:
        """Return a TimeStampResp to a TimeStampReq, both in DER."""
        ...


@dataclass(frozen=True, slots=True)
class CscStamps:
    """Has digests stamped by our own authority."""

    authority: TimeStamps

    async def stamped(self, asked: Stamp) -> dict[str, str]:
        """Return the answer; an authority whose clock it does not trust itself stamps nothing."""
        try:
            token = token_of(await self.authority.timestamp_response(asked.request()))
        except Refused:
            raise CscError(UNAVAILABLE) from None
        return {"timestamp": b64encode(token).decode()}
