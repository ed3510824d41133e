"""What each error code means, why it is sent and what to do: read from ``errors.toml`` at start.

The pages below ``/errors`` and ``docs/reference/errors.md`` are made from it.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import msgspec
from markupsafe import Markup, escape

TABLE = Path(__file__).parent / "errors.toml"

WORDS = {
    "remedy": "What to do",
    "causes": "What error_description says, and what to do about it",
    "specification": "Where it is specified",
}
"""English as the reference is; what surrounds it is in the visitor's language."""

Seen = Literal["json", "challenge", "redirect", "page", "command line"]


class Explained(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One code. ``causes`` are pairs: the ``error_description``, in which ``...`` stands for what
    varies, and what to do about it.

    ``seen`` says how it travels: ``challenge`` is the header WWW-Authenticate.
    """

    seen: tuple[Seen, ...]
    meaning: str
    remedy: str
    specification: tuple[str, ...]
    causes: tuple[tuple[str, str], ...] = ()


def error_reference() -> Mapping[str, Explained]:
    """Return what is known of every code, in alphabetical order."""
    table = msgspec.convert(tomllib.loads(TABLE.read_text()), dict[str, Explained])
    return dict(sorted(table.items()))


def marked(text: str) -> Markup:
    """Return ``text`` as HTML: what stands between backticks is code."""
    pieces = [escape(piece) for piece in text.split("`")]
    for place in range(1, len(pieces), 2):
        pieces[place] = Markup("<code>{}</code>").format(pieces[place])
    return Markup("").join(pieces)
