"""Fonts of visible signatures, read and judged when the signing service starts."""

from pathlib import Path

from config.settings import SettingsError
from config.settings.esignet import Esignet
from esignet.formats.format import FormatError
from esignet.formats.pdf_font_files import Font, read_font


def fonts(esignet: Esignet) -> tuple[Font, ...]:
    """Return the fonts of the settings in their order; SettingsError names the first unfit file."""
    return tuple(map(_font, esignet.fonts))


def _font(file: str) -> Font:
    try:
        return read_font(Path(file).read_bytes())
    except OSError as fault:
        reason = fault.strerror or "it cannot be read"
    except FormatError as fault:
        reason = str(fault)
    raise SettingsError(f"esignet.fonts: {file}: {reason}")
