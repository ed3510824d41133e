"""From documents to what is approved: for the first signer, and for each who comes after."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from esignet.flows.appearing import Looks, Turn, judge_appearances, turns
from esignet.flows.request_contents import ToApprove
from esignet.flows.uploaded import Uploaded
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
    uploaded: Uploaded
    looks: Looks

    async def first(self, asked: Asked, now: int) -> list[Prepared]:
        """Return what the first signer approves, or raise BadRequest or PdfBusy."""
        form = self.formats.get(asked.format)
        if form is None:
            raise BadRequest(f"format is one of {', '.join(sorted(self.formats))}", 422)
        _judge_level(asked)
        _judge_signers(asked)
        judge_appearances(asked)
        wish = Wish(
            hash_algorithm=asked.algorithm, envelope=asked.envelope, commitment=asked.commitment
        )
        try:
            items = await asyncio.to_thread(_items, asked)
            groups = [items] if asked.format in CONTAINERS else [[item] for item in items]
            first, *later = turns(asked.appearances, asked.signers, now)
            prepared = await self._prepared(form, groups, wish, first)
            if asked.appearances:
                await self._tried(form, prepared, wish, later)
            return prepared
        except FormatError as reason:
            raise BadRequest(str(reason), 422) from None

    async def following(
        self, form: Format, before: Sequence[Prepared], made: Sequence[bytes], turn: Turn
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
            [await self._next_item(form.name, one, document)]
            for one, document in zip(before, made, strict=True)
        ]
        prepared = await self._prepared(form, groups, wish, turn)
        if form.name != "cades":
            return prepared
        # what was made is where the signature goes; what it is of are the documents, as before
        return [replace(one, items=old.items) for one, old in zip(prepared, before, strict=True)]

    async def _tried(
        self, form: Format, prepared: Sequence[Prepared], wish: Wish, later: Sequence[Turn]
    ) -> None:
        """Refuse now what could only fail when others have signed before."""
        for turn in later:
            groups = [[replace(one.items[0], content=one.content)] for one in prepared]
            prepared = await self._prepared(form, groups, wish, turn)

    async def _prepared(
        self, form: Format, groups: Sequence[Sequence[Item]], wish: Wish, turn: Turn
    ) -> list[Prepared]:
        if form.name != "pades":
            return await asyncio.to_thread(lambda: [form.prepare(one, wish) for one in groups])
        return [await self._pdf(form, items[0], wish, turn) for items in groups]

    async def _pdf(self, form: Format, item: Item, wish: Wish, turn: Turn) -> Prepared:
        if item.content is None and not item.upload:
            return form.prepare([item], wish)
        wanted = replace(wish, pdf=self.looks.wish(turn, item.name))
        if item.upload:
            async with self.uploaded.lent(item.upload) as pdf:
                prepared = await pdf.prepare(item, wanted)
        else:
            prepared = await self.pdf.prepare(item, wanted)
        # fonts and pictures are in the PDF now, and would be kept beside it else
        return replace(prepared, wish=replace(wish, pdf=PdfWish(at=turn.at)))

    async def _next_item(self, format_name: str, before: Prepared, made: bytes) -> Item:
        """Return what was made as what is signed next: under its name, and a digest of its own."""
        item, algorithm = replace(before.items[0], content=made), before.wish.hash_algorithm
        if item.upload:
            return replace(item, digest=await self.uploaded.digest(item, algorithm))
        if format_name == "cades":  # the digest is that of the document, as the first had it
            return item
        return replace(item, digest=algorithm.of(made))


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


def _judge_level(asked: Asked) -> None:
    """Refuse a level that could only fail after the signature was made."""
    whole = all(_is_whole(one, asked) for one in asked.documents)
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


def _is_whole(document: Document, asked: Asked) -> bool:
    """Return whether a document is here for its format: of an upload that stays, a PDF is."""
    return document.content is not None or (asked.format == "pades" and bool(document.upload))


def _items(asked: Asked) -> list[Item]:
    return [_item(one, asked) for one in asked.documents]


def _item(document: Document, asked: Asked) -> Item:
    content = document.content
    digest = document.digest if content is None else asked.algorithm.of(content)
    return Item(
        name=document.name,
        digest=digest,
        media_type=document.media_type,
        content=content,
        upload=document.upload if asked.format == "pades" else "",
    )
