"""Time-stamps for everybody (RFC 3161 §3.4): a request in a POST, a response in its answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from config.runtime.malformed import Malformed
from config.runtime.web.answer import Answer, bytes_answer
from config.runtime.web.call import Call
from config.runtime.web.sites import Route
from keystore.authority.addresses import STAMPING_PATH
from keystore.door import KeyServiceUnavailable
from keystore.timestamping.messages import LONGEST_REQUEST

QUERY = "application/timestamp-query"
REPLY = "application/timestamp-reply"
RETRY_AFTER = b"5"


class TimeStamps(Protocol):
    """What of the key service is needed here (`keystore.signing.door.Documents`)."""

    async def timestamp_response(self, request: bytes) -> bytes:
        """Return a TimeStampResp to a TimeStampReq, both in DER."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class TsaEndpoint:
    """The time-stamp authority at ``origins``."""

    authority: TimeStamps
    origins: Sequence[str] = ()
    budget: str = "tokens"

    def routes(self) -> list[Route]:
        """Return the one address."""
        return [
            Route(
                path=STAMPING_PATH,
                endpoints={"POST": self.stamp},
                budget=self.budget,
                origins=self.origins,
                operations={"POST": {"summary": "A time-stamp (RFC 3161)"}},
            )
        ]

    async def stamp(self, call: Call) -> Answer:
        """Answer a request; what is wrong inside it is said in the response (§2.4.2)."""
        if call.header("content-type") != QUERY:
            raise Malformed(f"a request is sent as {QUERY}", 415)
        try:
            reply = await self.authority.timestamp_response(await call.body(LONGEST_REQUEST))
        except KeyServiceUnavailable:
            return Answer(503, [(b"retry-after", RETRY_AFTER)])
        return bytes_answer(reply, REPLY)
