"""Lines of text as glyphs: every script that a font has, from left to right or right to left.

The order of letters is that of the Unicode Bidirectional Algorithm (UAX #9), their shapes are those
of the font's own rules (OpenType), by HarfBuzz.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

import uharfbuzz
from bidi import algorithm

from esignet.formats.format import FormatError

_NO_LETTER = "a visible signature has letters that no font here has"
JOINERS = frozenset("\u200c\u200d")
_RESOLVING = (
    algorithm.resolve_weak_types,
    algorithm.resolve_neutral_types,
    algorithm.resolve_implicit_levels,
)


class Typeface:
    """A TrueType font that was read. Lengths are in thousandths of its size."""

    def __init__(self, octets: bytes) -> None:
        """Raise FormatError for what is no TrueType font."""
        self.face = uharfbuzz.Face(octets)
        try:
            tables = self.face.table_tags
        except UnicodeDecodeError:  # tables are named in ASCII
            tables = ()
        if "glyf" not in tables or not self.face.upem:
            raise FormatError("a font is no TrueType font")
        self.font = uharfbuzz.Font(self.face)

    @cached_property
    def letters(self) -> frozenset[int]:
        """Return the code points that it has."""
        return frozenset(self.face.unicodes)

    def scaled(self, length: float) -> float:
        """Return a length of the font's own units."""
        return length * 1000 / float(self.face.upem)

    def width(self, glyph: int) -> float:
        """Return how far a glyph moves on."""
        return self.scaled(self.font.get_glyph_h_advance(glyph))


@dataclass(frozen=True, slots=True, kw_only=True)
class Glyph:
    """One glyph of the typeface at ``face``: where it stands in its line, and what it means."""

    face: int
    glyph: int
    across: float
    up: float
    meaning: str


@dataclass(frozen=True, slots=True)
class Line:
    """A line in the order in which it is drawn; ``begins_right`` says where reading begins."""

    text: str
    glyphs: tuple[Glyph, ...]
    width: float
    begins_right: bool


def laid(text: str, faces: Sequence[Typeface]) -> Line:
    """Return one line of text; FormatError where no typeface has one of its letters.

    What cannot be seen is refused, for it could change the order of what can.
    """
    if not all(letter.isprintable() or letter in JOINERS for letter in text):
        raise FormatError("a visible signature has letters that cannot be seen")
    glyphs: list[Glyph] = []
    width = 0.0
    base = algorithm.get_base_level(text)
    for run in _as_shown(list(_runs(text, base, faces))):
        for glyph, advance in _shaped(run, faces[run.face], width):
            glyphs.append(glyph)
            width += advance
    return Line(text, tuple(glyphs), width, base == 1)


@dataclass(frozen=True, slots=True)
class _Run:
    """A piece of text of one typeface and one level, in the order in which it is read."""

    text: str
    face: int
    level: int

    @property
    def direction(self) -> str:
        """Return HarfBuzz's word for the direction of an embedding level."""
        return "rtl" if self.level % 2 else "ltr"


def _runs(text: str, base: int, faces: Sequence[Typeface]) -> Iterator[_Run]:
    face = -1
    pieces: list[tuple[str, int, int]] = []
    for letter, level in zip(text, _levels(text, base), strict=True):
        face = _face_of(letter, faces, face if face >= 0 else None)
        pieces.append((letter, face, level))
    for (face, level), run in groupby(pieces, key=lambda piece: piece[1:]):
        yield _Run("".join(letter for letter, _, _ in run), face, level)


def _levels(text: str, base: int) -> list[int]:
    """Return the embedding level of every letter (UAX #9 §3.3), which is even or odd as it runs."""
    storage = algorithm.get_empty_storage()
    storage["base_level"], storage["base_dir"] = base, "LR"[base]
    algorithm.get_embedding_levels(text, storage)
    kind = storage["base_dir"]
    for letter in storage["chars"]:
        if letter["ch"] in JOINERS:  # they are part of the word that they stand in
            letter["type"] = letter["orig"] = kind
        kind = letter["type"]
    algorithm.explicit_embed_and_overrides(storage)
    for step in _RESOLVING:
        step(storage, False)
    return [int(letter["level"]) for letter in storage["chars"]]


def _as_shown(runs: list[_Run]) -> list[_Run]:
    """Return the runs in the order in which they are drawn (UAX #9 L2)."""
    odd = [run.level for run in runs if run.level % 2]
    highest = max((run.level for run in runs), default=0)
    for level in range(highest, min(odd, default=highest + 1) - 1, -1):
        turned: list[_Run] = []
        for deep, group in groupby(runs, key=lambda run: run.level >= level):
            piece = list(group)
            turned += piece[::-1] if deep else piece
        runs = turned
    return runs


def _face_of(letter: str, faces: Sequence[Typeface], current: int | None) -> int:
    """Return the first typeface that has a letter; the current one goes on where it can."""
    if current is not None and (letter in JOINERS or ord(letter) in faces[current].letters):
        return current
    for place, face in enumerate(faces):
        if ord(letter) in face.letters:
            return place
    raise FormatError(_NO_LETTER)


def _shaped(run: _Run, typeface: Typeface, begins: float) -> Iterator[tuple[Glyph, float]]:
    """Yield the glyphs of a run that ``begins`` there, each with how far it moves on."""
    buffer = uharfbuzz.Buffer()
    buffer.add_str(run.text)
    buffer.guess_segment_properties()
    buffer.direction = run.direction
    uharfbuzz.shape(typeface.font, buffer)
    meanings = _meanings(run.text, [one.cluster for one in buffer.glyph_infos])
    for one, position, meaning in zip(
        buffer.glyph_infos, buffer.glyph_positions, meanings, strict=True
    ):
        if one.codepoint == 0:
            raise FormatError(_NO_LETTER)
        glyph = Glyph(
            face=run.face,
            glyph=one.codepoint,
            across=begins + typeface.scaled(position.x_offset),
            up=typeface.scaled(position.y_offset),
            meaning=meaning,
        )
        advance = typeface.scaled(position.x_advance)
        yield glyph, advance
        begins += advance


def _meanings(text: str, clusters: Sequence[int]) -> list[str]:
    """Return which letters each glyph stands for: those of its cluster are dealt out in order."""
    starts = sorted({*clusters, len(text)})
    meanings = []
    for start, run in groupby(clusters):
        letters, count = text[start : starts[starts.index(start) + 1]], len(list(run))
        dealt = [letters[at : at + 1] or letters[-1:] for at in range(count)]
        dealt[-1] = letters[count - 1 :] or dealt[-1]
        meanings += dealt
    return meanings
