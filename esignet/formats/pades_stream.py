"""PAdES on a PDF in place: every step appends to its stream, or fills what was left for it.

So a PDF that is too large for memory is signed as one that fits: nothing here reads it whole.
"""

from collections.abc import Iterator
from dataclasses import replace
from io import SEEK_END
from typing import BinaryIO

from esignet.formats import cms_levels, pdf_checking, pdf_writing
from esignet.formats.cades import readable
from esignet.formats.format import Evidence, FormatError, Item, Level, Prepared, Wish
from esignet.formats.pdf_checking import Placed
from esignet.formats.pdf_filled import Filled, just_filled
from esignet.formats.pdf_prepared import prepared_place
from esignet.formats.pdf_writing import Gap
from keystore.checking.timestamp import BadTimestamp, read_token
from keystore.der.algorithms import HASHES
from keystore.der.cms_reading import read_message
from keystore.signing.digests import HashAlgorithm
from keystore.signing.plans import CmsPlan


def prepare(stream: BinaryIO, item: Item, wish: Wish) -> Prepared:
    """Make the signature's place as ``wish.pdf`` says, and return what will be signed around it.

    Without ``wish.pdf`` other software has made the place. ``content`` is left to `kept`.
    """
    if wish.pdf is None:
        gap = prepared_place(stream, wish.envelope)
    else:
        gap = pdf_writing.reserve(stream, wish.pdf)
    around = prepared(item, wish, pdf_writing.digest(stream, gap, wish.hash_algorithm))
    return replace(around, place=(gap.begins, gap.ends))


def kept(prepared: Prepared, stream: BinaryIO, content: bytes) -> Prepared:
    """Return what was prepared in a stream with its ``content``, the whole of it or its end."""
    begins, ends = prepared.place or (0, 0)
    before = stream.seek(0, SEEK_END) - len(content)
    return replace(prepared, content=content, place=(begins - before, ends - before))


def prepared(item: Item, wish: Wish, digest: bytes) -> Prepared:
    """Return what will be signed: ``digest`` is that of everything around /Contents."""
    return Prepared(
        digests=(digest,),
        plan=CmsPlan(0, signing_time=False, commitment=wish.commitment),
        items=(replace(item, content=None),),
        wish=replace(wish, pdf=None),
    )


def to_stamp(stream: BinaryIO) -> bytes:
    """Return the value of the last signature."""
    with readable():
        return cms_levels.unstamped(read_message(_last(stream).message)).signature


def to_archive(stream: BinaryIO) -> Iterator[bytes]:
    """Append a document time-stamp, and yield what it covers."""
    gap = pdf_writing.reserve_timestamp(stream)
    yield from pdf_writing.covered(stream, gap)


def augment(stream: BinaryIO, level: Level, evidence: Evidence) -> None:
    """Raise the last signature to ``level``."""
    if level is Level.B_T:
        _stamp(stream, evidence.timestamp)
    elif level is Level.B_LT:
        if evidence.timestamp:
            _stamp(stream, evidence.timestamp)
        signature = just_filled(stream) or _signature(stream)
        pdf_writing.add_material(stream, signature.contents, evidence)
    elif level is Level.B_LTA:
        gap = pdf_writing.reserve_timestamp(stream)
        _over(stream, gap, evidence.timestamp)
        pdf_writing.fill(stream, gap, evidence.timestamp)
    else:
        raise FormatError("every signature is at B-B already")


def _signature(stream: BinaryIO) -> Filled:
    """Return the newest signature of a PDF that is no time-stamp."""
    found = _placed(stream)
    return Filled(found.gap, found.contents)


def _last(stream: BinaryIO) -> Filled:
    """Return the newest signature, which nothing may follow."""
    if (filled := just_filled(stream)) is not None:
        return filled
    found = _placed(stream)
    if not found.last:
        raise FormatError("the PDF was continued after its signature")
    return Filled(found.gap, found.contents)


def _placed(stream: BinaryIO) -> Placed:
    every = [one for one in pdf_checking.placed(stream) if not one.is_stamp]
    if not every:
        raise FormatError("the PDF has no signature")
    return max(every, key=lambda one: one.gap.begins)


def _stamp(stream: BinaryIO, token: bytes) -> None:
    with readable():
        last = _last(stream)
        stamped = cms_levels.with_timestamp(read_message(last.message), token).der()
        pdf_writing.fill(stream, last.gap, stamped)


def _over(stream: BinaryIO, gap: Gap, token: bytes) -> None:
    try:
        said = read_token(token)
    except BadTimestamp as fault:
        raise FormatError(str(fault)) from fault
    if pdf_writing.digest(stream, gap, HashAlgorithm(HASHES[said.hash_oid])) != said.imprint:
        raise FormatError("the time-stamp is over something else")
