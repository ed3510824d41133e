"""The offline verifier: formats as files, trusted authorities as PEM, no server and no network."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from pkgutil import iter_modules

import esignet.formats
from config.runtime.plugins import plugins
from esignet.formats.format import Format
from esignet.validation.engine import Trust
from keystore.checking.paths import pem_certificates


def every_format() -> Mapping[str, Format]:
    """Return every signature format that there is, by its name."""
    names = (module.name for module in iter_modules(esignet.formats.__path__))
    modules = plugins("esignet.formats", names)
    found: list[Format] = [one.FORMAT for one in modules.values() if hasattr(one, "FORMAT")]
    return {one.name: one for one in found}


def trust_of(files: Iterable[Path]) -> Trust:
    """Return the authorities in PEM files; ValueError says which one cannot be read."""
    anchors: list[bytes] = []
    for path in files:
        try:
            anchors += pem_certificates(path.read_bytes())
        except ValueError as reason:
            raise ValueError(f"{path} holds no certificates in PEM: {reason}") from None
    return Trust(anchors=tuple(anchors), stamp_anchors=tuple(anchors))
