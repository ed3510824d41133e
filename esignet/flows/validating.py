"""Validating a file of anybody's: PDFs in a process of their own, all else beside the loop."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from esignet.formats.format import Format, Item
from esignet.pdf.pool import PdfPool
from esignet.validation.engine import Trust, judge
from esignet.validation.reading import Validated, validate
from esignet.validation.recognise import PDF, recognised


@dataclass(frozen=True, slots=True, kw_only=True)
class Validating:
    """``trust`` returns which authorities are believed."""

    formats: Mapping[str, Format]
    pdf: PdfPool
    trust: Callable[[], Awaitable[Trust]]

    async def validated(self, content: bytes, items: Sequence[Item], now: int) -> Validated:
        """Return what every signature in ``content`` comes to; ``items`` are documents outside it.

        Raises FormatError (no signature can be read), PdfBusy or KeyServiceUnavailable.
        """
        trust = await self.trust()
        if recognised(content) == PDF:
            found = await self.pdf.check(content)
            return Validated("pades", tuple(judge(one, trust, now) for one in found))
        return await asyncio.to_thread(validate, content, items, self.formats, trust, now)
