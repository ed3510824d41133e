"""What a person signed, as they alone read it, and the place in the list at which a page begins."""

import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from esignet.protocol.asking import BadRequest
from keystore.signing.digests import HashAlgorithm

SCOPE = "signing_history"
"""What an access token of the person needs."""

MOST_PER_PAGE = 50

MOST_DIGESTS = 20
"""Digests of an entry that are kept: enough to find a document of one's own in it."""

HASH = "hash"
"""What stands for the format where a client made the signature around a hash that was signed."""

_CURSOR = re.compile(r"(?P<at>[1-9][0-9]{0,11})\.(?P<id>[A-Za-z0-9_-]{1,64})", re.ASCII)
_LIMIT = re.compile(r"[1-9][0-9]?", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One approval of a person that was signed. ``signer`` is a hash of who it is for one client.

    ``count`` is of the documents; what is told of them lies encrypted beside it (``Told``).
    """

    id: str
    signer: str
    client_id: str
    signed_at: int
    format: str
    level: str
    count: int
    expires_at: int


class Told(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is known of the documents of an entry.

    They have ``labels`` where a request named them. Of those that a client had signed through the
    CSC API only the approved ``digests`` came here, under ``algorithm``; ``certificates`` are the
    serial numbers of those that signed them, in hexadecimal.
    """

    labels: tuple[str, ...] = ()
    digests: tuple[bytes, ...] = ()
    algorithm: str = ""
    certificates: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiSignature:
    """What was signed with an approval that a client brought: the approved digests, and how.

    ``formats`` and ``levels`` are one each for all of it, or several.
    """

    formats: frozenset[str]
    levels: frozenset[str]
    algorithm: HashAlgorithm
    digests: Sequence[bytes]
    certificates: Sequence[str]

    @property
    def told(self) -> Told:
        """Return what the person is told of the documents."""
        return Told(
            digests=tuple(self.digests[:MOST_DIGESTS]),
            algorithm=self.algorithm.value,
            certificates=tuple(dict.fromkeys(self.certificates[:MOST_DIGESTS])),
        )


@dataclass(frozen=True, slots=True)
class Before:
    """Where a page begins: behind the entry ``id``, which was signed ``at``."""

    at: int
    id: str

    def __str__(self) -> str:
        return f"{self.at}.{self.id}"


NEWEST = Before(10**12, "~")
"""Before everything that was signed."""


def cursor(text: str) -> Before | None:
    """Return the place that a text names, None for a text that names none."""
    parts = _CURSOR.fullmatch(text)
    return None if parts is None else Before(int(parts["at"]), parts["id"])


def page_asked(pairs: Sequence[tuple[str, str]]) -> tuple[Before, int]:
    """Return where the page begins and how many it holds, or raise BadRequest."""
    query = dict(pairs)
    if len(query) != len(pairs) or not query.keys() <= {"before", "limit"}:
        raise BadRequest("known parameters are before and limit, once each")
    before = cursor(query["before"]) if "before" in query else NEWEST
    if before is None:
        raise BadRequest("before is what next said on the page before")
    limit = query.get("limit", "20")
    if not _LIMIT.fullmatch(limit) or int(limit) > MOST_PER_PAGE:
        raise BadRequest(f"limit is a number from 1 to {MOST_PER_PAGE}")
    return before, int(limit)


def shown(entry: Entry, told: Told, names: Mapping[str, str]) -> dict[str, Any]:
    """Return an entry as the person reads it; names of clients as OpenID Connect Registration 1.0
    §2.1 writes them by language. Nothing is said of what is not known.
    """
    named = {f"client_name#{tag}" if tag else "client_name": name for tag, name in names.items()}
    more: dict[str, Any] = {}
    if told.digests:
        more["hashAlgorithmOID"] = HashAlgorithm(told.algorithm).oid
        more["digests"] = [b64encode(digest).decode() for digest in told.digests]
    if told.certificates:
        more["certificates"] = told.certificates
    return {
        "id": entry.id,
        "signed_at": entry.signed_at,
        "client_id": entry.client_id,
        **named,
        "format": entry.format,
        "level": entry.level,
        "count": entry.count,
        "labels": told.labels,
        **more,
    }
