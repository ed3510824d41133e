"""Signing on our pages: where people may be sent back to, and how documents are told and shown."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urlsplit

from esignet.protocol.asking import BadRequest
from keystore.signing.digests import HashAlgorithm

LONGEST_ADDRESS = 2000
"""Characters of an address to go back to."""

PER_PAGE = 4000
"""Characters of a text that are shown at once: a page stays within 14 kB."""

MOST_LINKS = 20
"""Links that a signer of a request gets, one after the other."""

PSEUDONYM = "pseudonym"
OURS = ("request", "state")
"""What is added to the address that people go back to."""

_MEMBERS = frozenset(("certificateSubject", "return_to", "signer"))
_EOF, _ENDS = b"%%EOF", 4
"""What a PDF ends with, and how many ends are tried."""

_ADDRESS = re.compile(r"https?://[A-Za-z0-9.:\[\]-]+(/[!$-;=?-Z_a-z~]*)?")
_UNSHOWN = {
    *range(0x00, 0x09),
    *range(0x0B, 0x20),
    *range(0x7F, 0xA0),
    0x00AD,
    0x061C,
    0x180E,
    *range(0x200B, 0x2010),
    *range(0x2028, 0x202F),
    *range(0x2060, 0x2070),
    0xFEFF,
    *range(0xFFF9, 0xFFFC),
    *range(0xE0000, 0xE0080),
}
_TOLD = {code: f"[U+{code:04X}]" for code in _UNSHOWN}
_TEXTS = frozenset(("application/json", "application/xml"))


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkWish:
    """What a party wants of a link: for which signer, by the number of their place; where they go
    on; and whether the certificate tells a ``pseudonym`` or their ``name``.
    """

    place: int
    return_to: str
    tells: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """Who asks for a signature: what people know it as, by language, and the origins
    (``https://clinic.example``) that it has registered.
    """

    client_id: str
    names: Mapping[str, str]
    origins: frozenset[str]


def origin(address: str) -> str:
    """Return scheme, host and port of an address, "" where it has none that a browser opens."""
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        return ""
    return f"{parts.scheme}://{parts.netloc}".lower()


def link_wish(body: object) -> LinkWish:
    """Return what a body in JSON asks for, or raise BadRequest."""
    if not isinstance(body, dict) or not body.keys() <= _MEMBERS:
        raise BadRequest(f"a link has {', '.join(sorted(_MEMBERS))}, and nothing else")
    place, tells = body.get("signer", 0), body.get("certificateSubject", PSEUDONYM)
    if type(place) is not int:
        raise BadRequest("signer is the number of a signer, from 0")
    if tells not in (PSEUDONYM, "name"):
        raise BadRequest("certificateSubject is pseudonym or name", 422)
    address = body.get("return_to")
    if not isinstance(address, str):
        raise BadRequest("return_to is an address that has to be there")
    return LinkWish(place=place, return_to=address, tells=tells)


def judge_way_back(address: str, party: Party) -> None:
    """Raise BadRequest unless people of ``party`` may be sent back to this address.

    It lies at an origin where the party has registered a redirect URI: nobody can have us send
    people anywhere else.
    """
    if len(address) > LONGEST_ADDRESS:
        raise BadRequest(f"return_to is an address of at most {LONGEST_ADDRESS} characters")
    if not _ADDRESS.fullmatch(address):
        raise BadRequest("return_to is an https address without user, fragment or spaces")
    if origin(address) not in party.origins:
        raise BadRequest("return_to is at none of the origins of this client's redirect URIs", 422)
    if any(name in OURS for name, _ in parse_qsl(urlsplit(address).query, keep_blank_values=True)):
        raise BadRequest("return_to has a parameter request or state of its own", 422)


def went_back(return_to: str, request_id: str, state: str) -> str:
    """Return the address with what became of the request. It is told, not proven."""
    more = urlencode(dict(zip(OURS, (request_id, state), strict=True)))
    return f"{return_to}{'&' if '?' in return_to else '?'}{more}"


def is_text(media_type: str) -> bool:
    """Return whether a document of this type can be read as it is."""
    return (
        media_type.startswith("text/")
        or media_type in _TEXTS
        or media_type.endswith(("+json", "+xml"))
    )


def pages_of(content: bytes) -> list[str]:
    """Return a text page by page, [] where it is not UTF-8.

    Characters that show nothing, or turn the direction of others, stand there by their numbers:
    what a person reads is what they sign.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return []
    shown = text.replace("\r\n", "\n").translate(_TOLD)
    return [shown[at : at + PER_PAGE] for at in range(0, len(shown), PER_PAGE)]


def given_part(content: bytes, digest: bytes, algorithm: HashAlgorithm) -> bytes:
    """Return the beginning of a document that has this digest: the document as it was given.

    What was added for the signature of a PDF stands behind it (ISO 32000-1 §7.5.6). All of it
    where no beginning has the digest.
    """
    end = len(content)
    for _ in range(_ENDS):
        found = content.rfind(_EOF, 0, end)
        if found < 0:
            break
        for line_end in range(3):  # none, one of one character, one of two
            until = found + len(_EOF) + line_end
            if algorithm.of(content[:until]) == digest:
                return content[:until]
        end = found
    return content
