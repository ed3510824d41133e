"""What the page of a person's own list says of each signature."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from config.settings.localized import localized

MOST = 5
"""Names or digests of an entry that are shown: a page stays within 14 kB."""

LONGEST = 100
"""Characters of a name that is shown."""

_NAME = "client_name"

Words = Callable[..., str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownEntry:
    """One entry. ``names`` are of documents, or their ``digests``; ``more`` are not shown."""

    signed_at: int
    client: str
    names: tuple[str, ...]
    digests: tuple[str, ...]
    more: int
    kind: str
    certificates: tuple[str, ...]


def shown_entries(entries: Sequence[Mapping[str, Any]], language: str) -> tuple[ShownEntry, ...]:
    """Return entries of ``esignet.protocol.history.shown`` as the page tells them."""
    return tuple(_shown(one, language) for one in entries)


def _shown(entry: Mapping[str, Any], language: str) -> ShownEntry:
    names = tuple(label[:LONGEST] for label in entry["labels"][:MOST])
    digests = tuple(entry.get("digests", ())[:MOST])
    return ShownEntry(
        signed_at=entry["signed_at"],
        client=_client(entry, language)[:LONGEST],
        names=names,
        digests=digests,
        more=max(entry["count"] - len(names or digests), 0),
        kind=f"{entry['format']} {entry['level']}".strip(),
        certificates=tuple(entry.get("certificates", ())[:MOST]),
    )


def _client(entry: Mapping[str, Any], language: str) -> str:
    named = {
        key.removeprefix(_NAME).removeprefix("#"): str(value)
        for key, value in entry.items()
        if key == _NAME or key.startswith(f"{_NAME}#")
    }
    return localized(named, (language,)) or str(entry["client_id"])
