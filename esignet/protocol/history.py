"""What a person signed, as they alone read it, and the place in the list at which a page begins."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from esignet.protocol.asking import BadRequest

MOST_PER_PAGE = 50

_CURSOR = re.compile(r"(?P<at>[1-9][0-9]{0,11})\.(?P<id>[A-Za-z0-9_-]{1,64})", re.ASCII)
_LIMIT = re.compile(r"[1-9][0-9]?", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One approval of a person that was signed. ``signer`` is a hash of who it is for one client.

    ``count`` is of the documents; what they are called lies encrypted beside it.
    """

    id: str
    signer: str
    client_id: str
    signed_at: int
    format: str
    level: str
    count: int
    expires_at: int


@dataclass(frozen=True, slots=True)
class Before:
    """Where a page begins: behind the entry ``id``, which was signed ``at``."""

    at: int
    id: str

    def __str__(self) -> str:
        return f"{self.at}.{self.id}"


NEWEST = Before(10**12, "~")
"""Before everything that was signed."""


def page_asked(pairs: Sequence[tuple[str, str]]) -> tuple[Before, int]:
    """Return where the page begins and how many it holds, or raise BadRequest."""
    query = dict(pairs)
    if len(query) != len(pairs) or not query.keys() <= {"before", "limit"}:
        raise BadRequest("known parameters are before and limit, once each")
    before = NEWEST
    if "before" in query:
        parts = _CURSOR.fullmatch(query["before"])
        if parts is None:
            raise BadRequest("before is what next said on the page before")
        before = Before(int(parts["at"]), parts["id"])
    limit = query.get("limit", "20")
    if not _LIMIT.fullmatch(limit) or int(limit) > MOST_PER_PAGE:
        raise BadRequest(f"limit is a number from 1 to {MOST_PER_PAGE}")
    return before, int(limit)


def shown(entry: Entry, labels: tuple[str, ...], names: Mapping[str, str]) -> dict[str, Any]:
    """Return an entry as the person reads it; names of clients as OpenID Connect Registration 1.0
    §2.1 writes them by language.
    """
    named = {f"client_name#{tag}" if tag else "client_name": name for tag, name in names.items()}
    return {
        "id": entry.id,
        "signed_at": entry.signed_at,
        "client_id": entry.client_id,
        **named,
        "format": entry.format,
        "level": entry.level,
        "count": entry.count,
        "labels": labels,
    }
