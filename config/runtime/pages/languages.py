"""The languages of the pages: catalogues read at start, and which of them a person gets."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from babel import Locale
from babel.dates import format_datetime, format_timedelta
from babel.messages.pofile import read_po
from babel.units import format_unit
from markupsafe import Markup, escape

from config.runtime.pages.own_texts import own_texts
from config.runtime.pages.rooms import SHARED, Room

_COMPLETE = "fr"
"""A catalogue of ours: each of them has every original."""

_REMEMBERED = 1000
"""Texts, and lengths of time (the seconds of waits, said on every page), that a language knows by
heart."""

_SIZES = (("megabyte", 1_000_000), ("kilobyte", 1000), ("byte", 1))

_UNSEEN = dict.fromkeys(
    [*range(32), 0x7F, 0x200E, 0x200F, 0x061C, *range(0x202A, 0x202F), *range(0x2066, 0x206A)]
)
"""Control characters: the direction of one text must not reach into the next (attack A10)."""


@dataclass(frozen=True, slots=True, eq=False)
class Language:
    """One language: its BCP 47 tag and the texts, by their English originals.

    ``direction`` is ``ltr`` or ``rtl``, ``name`` what the language calls itself: found once, as
    every page names every language.
    """

    tag: str
    locale: Locale
    texts: Mapping[str, str]
    direction: str = field(init=False)
    name: str = field(init=False)
    _durations: dict[int, str] = field(init=False, default_factory=dict)
    _spoken: dict[str, Markup] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        direction = "rtl" if self.locale.text_direction == "rtl" else "ltr"
        name = self.locale.get_display_name(self.locale) or self.tag
        object.__setattr__(self, "direction", direction)
        object.__setattr__(self, "name", name[:1].upper() + name[1:])

    def t(self, text: str, **values: object) -> Markup:
        """Return ``text`` in this language, each ``{value}`` escaped and isolated in direction."""
        spoken = self._spoken.get(text)
        if spoken is None:
            spoken = escape(self.texts.get(text, text))
            if len(self._spoken) < _REMEMBERED:
                self._spoken[text] = spoken
        if not values:
            return spoken
        placed = {name: _isolated(escape(visible(str(v)))) for name, v in values.items()}
        # As plain text: Markup's own way of formatting would escape the values once more.
        return Markup(str(spoken).format(**placed))  # noqa: S704 - every part was escaped

    def moment(self, at: int) -> str:
        """Return a NumericDate as people write it, in UTC."""
        return format_datetime(at, "d MMMM y HH:mm z", locale=self.locale)

    def duration(self, seconds: int) -> str:
        """Return a length of time in its largest unit."""
        spoken = self._durations.get(seconds)
        if spoken is None:
            spoken = format_timedelta(seconds, threshold=2, locale=self.locale)
            if len(self._durations) < _REMEMBERED:
                self._durations[seconds] = spoken
        return spoken

    def size(self, octets: int) -> str:
        """Return a number of octets as people say it, in the largest unit of a thousand."""
        unit, of = next(one for one in _SIZES if octets >= one[1] or one[1] == 1)
        return format_unit(round(octets / of, 1), f"digital-{unit}", "short", locale=self.locale)


class Languages:
    """The languages that a deployment offers, the default first."""

    def __init__(self, languages: Sequence[Language]) -> None:
        self.offered = tuple(languages)
        self._by_tag = {language.tag: language for language in self.offered}

    @property
    def default(self) -> Language:
        """Return the language of whoever asked for none of the others."""
        return self.offered[0]

    def find(self, tag: str) -> Language | None:
        """Return the language for a tag such as ``fr-CH`` (RFC 4647 §3.4), or None."""
        return self._by_tag.get(tag.partition("-")[0].lower())

    def choose(self, wishes: Iterable[str]) -> Language:
        """Return the first language that is offered of those wished for, else the default."""
        for tag in wishes:
            if found := self.find(tag):
                return found
        return self.default


def load_languages(tags: Iterable[str], rooms: Sequence[Room], own: str = "") -> Languages:
    """Read the catalogues of ``tags`` in ``rooms``; English is the language of the originals.

    ``own`` is a directory with texts that replace ours; raises UnfitTexts.
    """
    known = _texts(_COMPLETE, rooms)
    return Languages(
        [
            Language(
                tag,
                Locale.parse(tag, sep="-"),
                {**_texts(tag, rooms), **own_texts(own, tag, known)},
            )
            for tag in tags
        ]
    )


def accepted(header: str | None) -> list[str]:
    """Return the tags of an Accept-Language header, the dearest first (RFC 9110 §12.5.4)."""
    weighed = []
    for position, item in enumerate((header or "")[:1000].split(",")[:20]):
        tag, _, parameter = item.strip().partition(";")
        quality = parameter.strip().removeprefix("q=")
        try:
            weight = float(quality) if quality else 1.0
        except ValueError:
            weight = 0.0
        if tag and 0 < weight <= 1:
            weighed.append((-weight, position, tag))
    return [tag for _, _, tag in sorted(weighed)]


def _isolated(escaped: Markup) -> str:
    """Return what was escaped, isolated in direction; joined as plain text, not as Markup does."""
    return "".join(("\u2068", escaped, "\u2069"))


def visible(text: str) -> str:
    """Return ``text`` without control characters."""
    return text if text.isprintable() else text.translate(_UNSEEN)


def _texts(tag: str, rooms: Sequence[Room]) -> dict[str, str]:
    found: dict[str, str] = {}
    if tag == "en":
        return found
    for room in (*rooms, SHARED):
        with (room.locales / tag / "LC_MESSAGES" / "messages.po").open("rb") as file:
            catalogue = read_po(file, locale=tag)
        found |= {str(message.id): str(message.string) for message in catalogue if message.id}
    return found
