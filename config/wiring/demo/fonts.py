"""Fonts of this machine that the demonstration shows names with: Noto, where it is installed."""

from pathlib import Path

PLACE = Path("/usr/share/fonts")
PACKAGE = "fonts-noto-core"
"""What Debian calls them."""

SCRIPTS = (
    *("", "Arabic", "Devanagari", "Bengali", "Gurmukhi", "Gujarati", "Oriya", "Tamil", "Telugu"),
    *("Kannada", "Malayalam", "Sinhala", "Thaana", "Thai", "Lao", "Khmer", "Myanmar"),
    *("Hebrew", "Armenian", "Georgian", "Ethiopic", "NKo", "Adlam", "Tifinagh", "Mongolian"),
)
"""Scripts that people write their names in today, as the files are named; the first, without a
name, has Latin, Greek and Cyrillic letters."""


def noto(place: Path = PLACE) -> list[str]:
    """Return the files that are below ``place``, the one with Latin letters first, or none."""
    found = {file.name: str(file) for file in sorted(place.rglob("NotoSans*-Regular.ttf"))}
    named = [f"NotoSans{script}-Regular.ttf" for script in SCRIPTS]
    return [found[name] for name in named if name in found] if named[0] in found else []
