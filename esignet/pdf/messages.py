"""What is said between the service and a worker; neither reads anything but these shapes."""

from typing import Any

import msgspec

from esignet.formats.format import Evidence, Found, Item, Level, Prepared, Wish
from esignet.pdf.preview import Seen
from keystore.signing.digests import HashAlgorithm
from keystore.signing.door import Signed

HEAD = 8
"""Octets of a frame's length, which comes first, big-endian."""


class Prepare(msgspec.Struct, frozen=True, tag="prepare"):
    """Make the place of a signature."""

    item: Item
    wish: Wish


class Embed(msgspec.Struct, frozen=True, tag="embed"):
    """Put the signature in."""

    prepared: Prepared
    signed: Signed


class ToStamp(msgspec.Struct, frozen=True, tag="to_stamp"):
    """Say what the signature time-stamp covers."""


class ToArchive(msgspec.Struct, frozen=True, tag="to_archive"):
    """Say the digest of what the document time-stamp covers."""

    algorithm: HashAlgorithm


class Augment(msgspec.Struct, frozen=True, tag="augment"):
    """Raise the level."""

    level: Level
    evidence: Evidence


class Check(msgspec.Struct, frozen=True, tag="check"):
    """Read every signature."""


class Preview(msgspec.Struct, frozen=True, tag="preview"):
    """Draw a page (see ``esignet.pdf.preview``)."""

    page: int


Step = Prepare | Embed | ToStamp | ToArchive | Augment | Check | Preview


class Lent(msgspec.Struct, frozen=True):
    """A PDF of which the worker is given the sealed chunks that it wants."""

    key: bytes
    name: bytes
    size: int


class Request(msgspec.Struct, frozen=True):
    """A step on ``pdf``, or on a ``lent`` one: then ``pdf`` is what was appended to it so far."""

    step: Step
    pdf: bytes = b""
    lent: Lent | None = None


class Wanted(msgspec.Struct, frozen=True, tag="wanted"):
    """What a worker says before it answers: the sealed chunk of that number comes back."""

    number: int


class Answer(msgspec.Struct, frozen=True, tag="answer"):
    """``result`` is one of the shapes below; ``refusal`` is there when nothing was done.

    A PDF in it is the whole, or what is appended to the lent one, as it was in the request.
    """

    result: msgspec.Raw = msgspec.Raw(b"\xc0")
    refusal: str = ""


RESULTS: dict[type, Any] = {
    Prepare: msgspec.msgpack.Decoder(Prepared),
    Embed: msgspec.msgpack.Decoder(bytes),
    ToStamp: msgspec.msgpack.Decoder(bytes),
    ToArchive: msgspec.msgpack.Decoder(bytes),
    Augment: msgspec.msgpack.Decoder(bytes),
    Check: msgspec.msgpack.Decoder(tuple[Found, ...]),
    Preview: msgspec.msgpack.Decoder(Seen),
}


def framed(message: bytes) -> bytes:
    """Return a message after its length."""
    return len(message).to_bytes(HEAD, "big") + message
