"""Validation for anybody: a file in, the report out. Nothing of it is kept or logged."""

import asyncio
import binascii
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from config.runtime.clock import Clock
from config.runtime.malformed import Malformed
from config.runtime.web import Answer, Call, Route, json_answer
from esignet.formats.format import Format, FormatError, Item
from esignet.pdf.pool import PdfBusy, PdfPool
from esignet.validation.engine import Trust, judge
from esignet.validation.reading import Validated, validate
from esignet.validation.recognise import PDF, recognised
from esignet.validation.report import report

LONGEST_NAME = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidationEndpoint:
    """``POST /validate``: the file is the body; ``name`` and ``digest`` stand in the address.

    ``digest`` (hexadecimal, SHA-256, SHA-384 or SHA-512) is of the document outside a detached
    signature, which stays where it is. ``trust`` returns which authorities are believed.
    """

    formats: Mapping[str, Format]
    pdf: PdfPool
    trust: Callable[[], Awaitable[Trust]]
    clock: Clock
    largest: int
    origins: Sequence[str] = ()

    def routes(self) -> list[Route]:
        """Return the one address."""
        return [
            Route(
                path="/validate",
                endpoints={"POST": self.validate},
                budget="logins",
                origins=self.origins,
                operations={"POST": {"summary": "What the signatures in a file come to"}},
            )
        ]

    async def validate(self, call: Call) -> Answer:
        """Answer the report (JSON), or 422 with what is wrong with the file."""
        asked = dict(call.query())
        name = (asked.get("name") or "file")[:LONGEST_NAME]
        items = _items(asked.get("digest"), name)
        content = await call.body(self.largest)
        now = self.clock.now()
        try:
            found = await self._validated(content, items, now)
        except FormatError as reason:
            told = {"error": "unreadable_signature", "error_description": str(reason)}
            return json_answer(told, 422)
        except PdfBusy:
            return Answer(503, [(b"retry-after", b"5")])
        return json_answer(report(name, found.form, found.signatures, now))

    async def _validated(self, content: bytes, items: Sequence[Item], now: int) -> Validated:
        trust = await self.trust()
        if recognised(content) == PDF:
            found = await self.pdf.check(content)
            return Validated("pades", tuple(judge(one, trust, now) for one in found))
        return await asyncio.to_thread(validate, content, items, self.formats, trust, now)


def _items(digest: str | None, name: str) -> list[Item]:
    if digest is None:
        return []
    try:
        octets = binascii.unhexlify(digest)
    except (ValueError, binascii.Error):
        raise Malformed("digest is hexadecimal") from None
    if len(octets) not in (32, 48, 64):
        raise Malformed("digest is of SHA-256, SHA-384 or SHA-512")
    return [Item(name=name, digest=octets)]
