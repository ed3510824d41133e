"""How the pages look: one style sheet with the deployment's colour, and its logo."""

from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from config.runtime.pages.rooms import SHARED, Room

LEAST_CONTRAST = 4.5
"""WCAG 2.2 §1.4.3 (AA)."""

DARK_PAPER = "#1e2227"
"""What lies under links in dark surroundings: ``--paper`` of the style sheet."""

LARGEST_LOGO = 4096
"""Bytes: a page with everything in it stays within 14 kB."""

_KINDS = {".svg": "image/svg+xml", ".png": "image/png"}


class UnfitLook(Exception):
    """A colour or logo of the settings cannot be used; the text says why."""


@dataclass(frozen=True, slots=True)
class Asset:
    """A file that pages refer to, at a name that changes with its content."""

    name: str
    content_type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Look:
    """The style sheet, the scripts by the names of their files, and the logo as a data address
    ("" for none).
    """

    style: Asset
    scripts: Mapping[str, Asset]
    logo: str

    @property
    def assets(self) -> tuple[Asset, ...]:
        """Return the files to serve."""
        return self.style, *self.scripts.values()


def load_look(accent: str, logo: str, rooms: Iterable[Room] = ()) -> Look:
    """Return the look for a colour such as ``#0b5d3b`` and a logo's path, with the scripts of
    ``rooms`` and those that are shared; or raise UnfitLook.
    """
    if contrast(accent, "#ffffff") < LEAST_CONTRAST:
        raise UnfitLook(
            f"pages.accent {accent} is too light for white text: its contrast must reach"
            f" {LEAST_CONTRAST}; take a darker colour"
        )
    sheet = (SHARED.static / "style.css").read_text()
    lighter = _readable_on(DARK_PAPER, accent)
    colours = f":root{{--accent:{accent};--accent-dark:{lighter}}}\n"
    return Look(
        _asset("style", ".css", "text/css; charset=utf-8", (colours + sheet).encode()),
        {
            file.stem: _script(file)
            for room in (SHARED, *rooms)
            for file in sorted(room.static.glob("*.js"))
        },
        _logo(Path(logo)) if logo else "",
    )


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours, 1 to 21 (WCAG 2.2, relative luminance)."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in _channels(colour)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _channels(colour: str) -> tuple[float, float, float]:
    digits = colour.removeprefix("#")
    if len(digits) == 3:
        digits = "".join(digit * 2 for digit in digits)
    try:
        if len(digits) != 6:
            raise ValueError
        red, green, blue = (int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4))
    except ValueError:
        raise UnfitLook(f"pages.accent {colour} is no colour such as #0b5d3b") from None
    return red, green, blue


def _readable_on(background: str, colour: str) -> str:
    """Return ``colour``, mixed with white until it can be read on ``background``."""
    channels = _channels(colour)
    for step in range(21):
        mixed = "#" + "".join(
            f"{round(255 * (part + (1 - part) * step / 20)):02x}" for part in channels
        )
        if contrast(mixed, background) >= LEAST_CONTRAST:
            return mixed
    return "#ffffff"


def _script(file: Path) -> Asset:
    name = file.stem.replace("_", "-")
    return _asset(name, ".js", "text/javascript; charset=utf-8", file.read_bytes())


def _asset(name: str, suffix: str, content_type: str, body: bytes) -> Asset:
    return Asset(f"{name}-{sha256(body).hexdigest()[:12]}{suffix}", content_type, body)


def _logo(path: Path) -> str:
    kind = _KINDS.get(path.suffix.lower())
    if kind is None:
        raise UnfitLook(f"pages.logo {path} is neither SVG nor PNG")
    try:
        body = path.read_bytes()
    except OSError as error:
        raise UnfitLook(f"pages.logo: {error}") from error
    if len(body) > LARGEST_LOGO:
        raise UnfitLook(f"pages.logo {path} has more than {LARGEST_LOGO} bytes")
    return f"data:{kind};base64,{b64encode(body).decode()}"
