"""Reading settings: a TOML file, then ``SYMBOLON_SECTION__FIELD`` from the environment.

``SYMBOLON_SECTION__FIELD_FILE`` names a file whose content is the value: for secrets.
"""

import difflib
import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from config.settings.esignet import Esignet
from config.settings.issuers import Issuer
from config.settings.sections import Settings

PREFIX = "SYMBOLON_"


class SettingsError(Exception):
    """The settings cannot be used; the text says where and what to write instead."""


def load(path: Path | None, environ: Mapping[str, str]) -> Settings:
    """Return the settings, or raise SettingsError. Relative paths in them are the caller's."""
    tree: dict[str, Any] = {}
    if path is not None:
        try:
            tree = tomllib.loads(path.read_text())
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise SettingsError(f"{path}: {error}") from error
    for name, text in environ.items():
        if name.startswith(PREFIX) and "__" in name:
            _place(tree, name, text)
    try:
        return msgspec.convert(tree, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise SettingsError(f"{path or 'environment'}: {_with_hint(str(error))}") from error


def _place(tree: dict[str, Any], name: str, text: str) -> None:
    *sections, field = name.removeprefix(PREFIX).lower().split("__")
    types = _types(sections)
    short = field.removesuffix("_file")
    if short != field and short in types and field not in types:
        field = short
        try:
            text = Path(text).read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"{name}: {error}") from error
    for section in sections:
        tree = tree.setdefault(section, {})
        if not isinstance(tree, dict):
            raise SettingsError(f"{name}: {section} is no section")
    tree[field] = text if types.get(field) is str else _value(text)


def _value(text: str) -> Any:
    """Return what is written as in TOML: numbers, lists, tables; else the text itself."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _types(sections: list[str]) -> dict[str, Any]:
    """Return the type of each field of a section; nothing when there is no such section."""
    kind: Any = Settings
    for section in sections:
        kind = next((f.type for f in msgspec.structs.fields(kind) if f.name == section), None)
        if not (isinstance(kind, type) and issubclass(kind, msgspec.Struct)):
            return {}
    return {field.name: field.type for field in msgspec.structs.fields(kind)}


def _with_hint(message: str) -> str:
    match = re.search(r"unknown field `(\w+)`", message)
    if match is None:
        return message
    near = difflib.get_close_matches(match.group(1), _names(Settings), 1)
    return f"{message}; did you mean `{near[0]}`?" if near else message


def _names(kind: Any) -> list[str]:
    names = []
    for field in msgspec.structs.fields(kind):
        names.append(field.name)
        if isinstance(field.type, type) and issubclass(field.type, msgspec.Struct):
            names.extend(_names(field.type))
    return names


def anchored(settings: Settings, directory: Path) -> Settings:
    """Return the settings with every relative path in them made absolute, from ``directory``."""

    def path(name: str) -> str:
        return str(directory / name) if name else ""

    def database(url: str) -> str:
        scheme, separator, name = url.partition(":///")
        return f"{scheme}{separator}{path(name)}" if scheme == "sqlite" else url

    replace = msgspec.structs.replace
    keys, web = settings.keys, settings.web
    return replace(
        settings,
        issuers=tuple(_anchored(issuer, path) for issuer in settings.issuers),
        database=replace(settings.database, url=database(settings.database.url)),
        keys=replace(
            keys,
            sockets=path(keys.sockets),
            database=database(keys.database),
            software_file=path(keys.software_file),
            software_secret_file=path(keys.software_secret_file),
            pin_file=path(keys.pin_file),
        ),
        web=replace(
            web,
            certificate=path(web.certificate),
            certificate_key=path(web.certificate_key),
            client_ca=path(web.client_ca),
        ),
        esignet=_signing(settings.esignet, path),
        pages=replace(
            settings.pages, logo=path(settings.pages.logo), texts=path(settings.pages.texts)
        ),
    )


def _signing(esignet: Esignet, path: Callable[[str], str]) -> Esignet:
    replace = msgspec.structs.replace
    sources = [replace(one, anchors=path(one.anchors)) for one in esignet.timestamps]
    fonts = tuple(map(path, esignet.fonts))
    return replace(esignet, trust=path(esignet.trust), timestamps=tuple(sources), fonts=fonts)


def _anchored(issuer: Issuer, path: Callable[[str], str]) -> Issuer:
    features = msgspec.structs.replace(
        issuer.features,
        attesters=path(issuer.features.attesters),
        attester_ca=path(issuer.features.attester_ca),
    )
    return msgspec.structs.replace(issuer, features=features)
