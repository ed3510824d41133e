"""From documents to what is approved: for the first signer, and for each who comes after."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from esignet.flows.request_contents import ToApprove
from esignet.formats.format import Format, FormatError, Item, Level, Prepared, Wish
from esignet.formats.pdf_wish import PdfWish
from esignet.pdf.pool import PdfPool
from esignet.protocol.asking import Asked, BadRequest, Document

CONTAINERS = frozenset(("asic_cades", "asic_xades"))
"""Formats whose one signature covers all documents of a request."""

_TOGETHER = CONTAINERS | {"cades"}
"""Formats in which whoever signs next is added to what the one before signed."""

_LEVELS = tuple(Level)
_HIGHEST = {"jws": Level.B_B, "cose": Level.B_T}
_HIGHEST_OF_DIGESTS = {
    **_HIGHEST,
    "pades": Level.B_T,  # what B-LT adds has its place in the PDF
    "xades": Level.B_LT,  # an archive time-stamp covers the documents themselves
    "jades": Level.B_LT,
    "asic_xades": Level.B_LT,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Preparing:
    """``formats`` are those that are switched on; whole PDFs have their ``pdf`` processes."""

    formats: Mapping[str, Format]
    pdf: PdfPool

    async def first(self, asked: Asked, now: int) -> list[Prepared]:
        """Return what the first signer approves, or raise BadRequest or PdfBusy."""
        form = self.formats.get(asked.format)
        if form is None:
            raise BadRequest(f"format is one of {', '.join(sorted(self.formats))}", 422)
        _judge_level(asked)
        _judge_signers(asked)
        wish = Wish(hash_algorithm=asked.algorithm, envelope=asked.envelope)
        try:
            items = await asyncio.to_thread(_items, asked)
            groups = [items] if asked.format in CONTAINERS else [[item] for item in items]
            return await self._prepared(form, groups, wish, now)
        except FormatError as reason:
            raise BadRequest(str(reason), 422) from None

    async def following(
        self, form: Format, before: Sequence[Prepared], made: Sequence[bytes], now: int
    ) -> list[Prepared]:
        """Return what the next signer approves after ``made`` came of ``before``.

        Where signatures stand together it is what was made; else the same documents once more.
        Raises FormatError, PdfBusy.
        """
        if not stands_together(form.name, before[0]):
            return list(before)
        wish = before[0].wish
        if form.name != "pades":
            wish = replace(wish, envelope="parallel")
        groups = [
            [_next_item(form.name, one, document)]
            for one, document in zip(before, made, strict=True)
        ]
        return await self._prepared(form, groups, wish, now)

    async def _prepared(
        self, form: Format, groups: Sequence[Sequence[Item]], wish: Wish, now: int
    ) -> list[Prepared]:
        if form.name != "pades":
            return await asyncio.to_thread(lambda: [form.prepare(one, wish) for one in groups])
        return [await self._pdf(form, items[0], wish, now) for items in groups]

    async def _pdf(self, form: Format, item: Item, wish: Wish, now: int) -> Prepared:
        if item.content is None:
            return form.prepare([item], wish)
        return await self.pdf.prepare(item, replace(wish, pdf=PdfWish(at=now)))


def stands_together(format_name: str, prepared: Prepared) -> bool:
    """Return whether the next signature is added to the document that this one makes."""
    if format_name == "pades":
        return prepared.content is not None
    return format_name in _TOGETHER or prepared.wish.envelope == "parallel"


def to_approve(prepared: Sequence[Prepared]) -> Iterator[ToApprove]:
    """Yield what a person approves of what was prepared."""
    for one in prepared:
        for digest, item in zip(one.digests, one.items, strict=True):
            yield ToApprove(item.name, digest, item.digest)


def _next_item(format_name: str, before: Prepared, made: bytes) -> Item:
    """Return what was made as what is signed next: under its name, and a digest of its own."""
    item = before.items[0]
    if format_name == "cades":  # the digest is that of the document, as the first had it
        return replace(item, content=made)
    return replace(item, content=made, digest=before.wish.hash_algorithm.of(made))


def _judge_level(asked: Asked) -> None:
    """Refuse a level that could only fail after the signature was made."""
    whole = all(one.content is not None for one in asked.documents)
    highest = (_HIGHEST if whole else _HIGHEST_OF_DIGESTS).get(asked.format, Level.B_LTA)
    if _LEVELS.index(Level(asked.level)) > _LEVELS.index(highest):
        given = "documents" if whole else "digests"
        raise BadRequest(f"from {given}, {asked.format} goes up to {highest}", 422)


def _judge_signers(asked: Asked) -> None:
    """Refuse an envelope that has no place for a second signature."""
    if len(asked.signers) == 1:
        return
    if asked.envelope == "enveloped":
        raise BadRequest("several signers of one XML document need the envelope parallel", 422)
    if (asked.format, asked.envelope) == ("asic_xades", "asic-s"):
        raise BadRequest("an asic-s with XAdES has one signer; asic-e has several", 422)


def _items(asked: Asked) -> list[Item]:
    return [_item(one, asked) for one in asked.documents]


def _item(document: Document, asked: Asked) -> Item:
    content = document.content
    digest = document.digest if content is None else asked.algorithm.of(content)
    return Item(name=document.name, digest=digest, media_type=document.media_type, content=content)
