"""What a signature request asks for in JSON: documents, how they are signed, and by whom."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error, a2b_base64
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from config.shown_text import LONGEST_TEXT, hidden
from esignet.protocol.appearance import Appearance, BadAppearance, appearances
from keystore.signing.digests import MOST, HashAlgorithm

LIFETIME = 3600
"""Seconds for which a request waits for its approvals, where its client says nothing."""

LONGEST_LIFETIME = 30 * 86400
MOST_SIGNERS = 20

_LEVELS = ("B-B", "B-T", "B-LT", "B-LTA")
_ENVELOPES = (
    *("detached", "enveloping", "enveloped", "parallel", "attached", "hashed"),
    *("asic-s", "asic-e"),
)
_ALGORITHMS = {algorithm.oid: algorithm for algorithm in HashAlgorithm}
_MEMBERS = frozenset(
    (
        *("format", "level", "envelope", "hashAlgorithmOID", "documents"),
        *("signers", "order", "appearance", "expires_in", "webhook", "return_to"),
    )
)
_GIVEN = ("content", "digest", "document")
_DOCUMENT = frozenset(("name", "media_type", *_GIVEN))
_SIGNER = frozenset(("label",))
_MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9.+-]{0,60}/[a-z0-9][a-z0-9.+-]{0,100}")
_UPLOAD = re.compile("[A-Za-z0-9_-]{1,100}")
_PATHS = frozenset("/\\")
_PIECE = 256 * 1024
"""Characters of base64 that are read at once: others have their turn in between."""


class Order(StrEnum):
    """In which order several signers sign."""

    SEQUENTIAL = "sequential"
    ANY = "any"


class BadRequest(Exception):
    """What is asked cannot be read (400), is too large (413), or cannot be done (422).

    The message never repeats what was sent.
    """

    def __init__(self, description: str, status: int = 400) -> None:
        super().__init__(description)
        self.description = description
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One document: its ``content``, or its ``digest`` where the content stays with the client.

    ``upload`` names a document that was given before.
    """

    name: str
    media_type: str
    content: bytes | None = None
    digest: bytes = b""
    upload: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What shall be signed, how, and by whom. ``format`` may be one that is not known here.

    ``signers`` are labels for people, one empty one where nobody is named. ``webhook`` is the
    address that is told of what happens, or empty; ``return_to`` is where people go on who sign on
    our pages, or empty. ``lifetime`` is in seconds. ``appearances`` has one for each signer, or
    none at all. ``commitment`` is what a seal commits to (an object identifier, or empty): what
    people commit to is asked where they approve it.
    """

    format: str
    level: str
    envelope: str
    algorithm: HashAlgorithm
    documents: tuple[Document, ...]
    signers: tuple[str, ...] = ("",)
    order: Order = Order.SEQUENTIAL
    lifetime: int = LIFETIME
    webhook: str = ""
    return_to: str = ""
    appearances: tuple[Appearance, ...] = ()
    commitment: str = ""


def asked(body: object, largest: int) -> Asked:
    """Return what ``body`` asks for, whose documents have ``largest`` octets together at most.

    Raises BadRequest.
    """
    members = _object(body, _MEMBERS, "the request")
    algorithm = _ALGORITHMS.get(_text(members, "hashAlgorithmOID", HashAlgorithm.SHA256.oid))
    if algorithm is None:
        raise BadRequest("hashAlgorithmOID is none of SHA-256, SHA-384 and SHA-512", 422)
    listed = members.get("documents")
    if not isinstance(listed, list) or not 0 < len(listed) <= MOST:
        raise BadRequest(f"documents is a list of 1 to {MOST}")
    if sum(_announced(one) for one in listed) > largest:
        raise BadRequest(f"the documents have more than {largest} octets", 413)
    documents = tuple(_document(one, algorithm) for one in listed)
    if len({one.name for one in documents}) != len(documents):
        raise BadRequest("two documents have one name")
    signers = _signers(members)
    return Asked(
        format=_text(members, "format"),
        level=_word(members, "level", _LEVELS, "B-LT"),
        envelope=_word(members, "envelope", _ENVELOPES, "detached"),
        algorithm=algorithm,
        documents=documents,
        signers=signers,
        order=Order(_word(members, "order", tuple(Order), Order.SEQUENTIAL)),
        lifetime=_lifetime(members),
        webhook=_text(members, "webhook") if "webhook" in members else "",
        return_to=_text(members, "return_to") if "return_to" in members else "",
        appearances=_appearances(members, len(signers)),
    )


def encoded(octets: bytes) -> str:
    """Return base64url without padding (RFC 7515 §2), as digests are written."""
    return urlsafe_b64encode(octets).rstrip(b"=").decode()


def _document(value: object, algorithm: HashAlgorithm) -> Document:
    members = _object(value, _DOCUMENT, "a document")
    name = _shown(members, "name")
    if not _PATHS.isdisjoint(name):
        raise BadRequest("a name has no slash")
    if sum(one in members for one in _GIVEN) != 1:
        raise BadRequest("a document has one of content, digest and document")
    if "document" in members and "media_type" not in members:  # it came with one
        return Document(name=name, media_type="", upload=_upload(members))
    media_type = _text(members, "media_type")
    if not _MEDIA_TYPE.fullmatch(media_type):
        raise BadRequest("media_type is a type and a subtype in lower case")
    if "document" in members:
        return Document(name=name, media_type=media_type, upload=_upload(members))
    if "content" in members:
        content = _content(_text(members, "content"))
        return Document(name=name, media_type=media_type, content=content)
    digest = _digest(_text(members, "digest"), algorithm)
    return Document(name=name, media_type=media_type, digest=digest)


def _upload(members: Mapping[str, object]) -> str:
    identifier = _text(members, "document")
    if not _UPLOAD.fullmatch(identifier):
        raise BadRequest("document is the id of a document that was uploaded")
    return identifier


def _signers(members: Mapping[str, object]) -> tuple[str, ...]:
    if "signers" not in members:
        return ("",)
    listed = members["signers"]
    if not isinstance(listed, list) or not 0 < len(listed) <= MOST_SIGNERS:
        raise BadRequest(f"signers is a list of 1 to {MOST_SIGNERS}")
    return tuple(_shown(_object(one, _SIGNER, "a signer"), "label") for one in listed)


def _appearances(members: Mapping[str, object], signers: int) -> tuple[Appearance, ...]:
    if "appearance" not in members:
        return ()
    try:
        return appearances(members["appearance"], signers)
    except BadAppearance as reason:
        raise BadRequest(str(reason)) from None


def _lifetime(members: Mapping[str, object]) -> int:
    value = members.get("expires_in", LIFETIME)
    if type(value) is not int or not 60 <= value <= LONGEST_LIFETIME:
        raise BadRequest(f"expires_in is a number of seconds from 60 to {LONGEST_LIFETIME}")
    return value


def _announced(value: object) -> int:
    """Return how many octets a document will have, before they are read."""
    content = value.get("content") if isinstance(value, dict) else None
    if not isinstance(content, str):
        return 0
    return len(content) // 4 * 3 - content[-2:].count("=")


def _content(text: str) -> bytes:
    """Return the octets of base64 with its padding (RFC 4648 §4)."""
    if not text.isascii() or len(text) % 4 or "=" in text[:-2]:
        raise BadRequest("content is not base64")
    pieces = range(0, len(text), _PIECE)
    try:
        octets = b"".join(a2b_base64(text[at : at + _PIECE], strict_mode=True) for at in pieces)
    except Error:
        raise BadRequest("content is not base64") from None
    return octets


def _digest(text: str, algorithm: HashAlgorithm) -> bytes:
    try:
        octets = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        raise BadRequest("digest is not base64url") from None
    if encoded(octets) != text:  # there is one way to write it
        raise BadRequest("digest is not base64url")
    if len(octets) != algorithm.length:
        raise BadRequest(f"a digest of {algorithm} has {algorithm.length} octets")
    return octets


def _object(value: object, known: frozenset[str], what: str) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise BadRequest(f"{what} is a JSON object")
    if not value.keys() <= known:
        raise BadRequest(
            f"{what} has a member that is not known; known: {', '.join(sorted(known))}"
        )
    return value


def _text(members: Mapping[str, object], name: str, default: str = "") -> str:
    value = members.get(name, default)
    if not isinstance(value, str) or not value:
        raise BadRequest(f"{name} is a text that has to be there")
    return value


def _shown(members: Mapping[str, object], name: str) -> str:
    """Return a text that idp's pages show too: what they would refuse later is refused here."""
    value = _text(members, name)
    if reason := hidden(value):
        raise BadRequest(f"{name} {reason}; it has at most {LONGEST_TEXT} characters")
    return value


def _word(members: Mapping[str, object], name: str, words: tuple[str, ...], default: str) -> str:
    value = _text(members, name, default)
    if value not in words:
        raise BadRequest(f"{name} is one of {', '.join(words)}", 422)
    return value
