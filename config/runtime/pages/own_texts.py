"""Texts that an operator puts in the place of ours: a catalogue per language, checked at start."""

import difflib
from collections.abc import Collection
from pathlib import Path
from string import Formatter

from babel.messages.pofile import PoFileError, read_po


class UnfitTexts(Exception):
    """A text of the settings' catalogues cannot be used; the message says which and why."""


def own_texts(directory: str, tag: str, known: Collection[str]) -> dict[str, str]:
    """Return the texts of ``directory``/``tag``.po by their English originals; {} without one.

    ``known`` are the originals that pages have: another one is a mistake, and so are other
    ``{values}`` than the original's. Raises UnfitTexts.
    """
    path = Path(directory) / f"{tag}.po"
    if not directory or not path.exists():
        return {}
    try:
        with path.open("rb") as file:
            catalogue = read_po(file, locale=tag.replace("-", "_"), abort_invalid=True)
    except (OSError, ValueError, PoFileError) as error:
        raise UnfitTexts(f"{path}: {error}") from error
    found = {str(m.id): str(m.string) for m in catalogue if m.id and m.string}
    for original, text in found.items():
        if original not in known:
            near = difflib.get_close_matches(original, known, 1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise UnfitTexts(f"{path}: no page says {original!r}{hint}")
        if _values(text) != _values(original):
            raise UnfitTexts(f"{path}: {text!r} has other values than {original!r}")
    return found


def _values(text: str) -> set[str]:
    try:
        return {name for _, name, _, _ in Formatter().parse(text) if name is not None}
    except ValueError:
        return {text}  # a single brace: never the values of an original
