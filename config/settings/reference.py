"""The reference of all settings, made from the docstrings of their fields."""

import ast
import inspect
import json
import textwrap
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import msgspec

from config.settings.esignet import TimestampSource
from config.settings.features import Features
from config.settings.issuers import Acr, Issuer
from config.settings.sections import Settings


def reference_markdown() -> str:
    """Return a table per section: field, default, meaning."""
    lines = [
        "# Settings",
        "",
        "A TOML file, named by `--settings` or `SYMBOLON_SETTINGS`. A field can also be given in",
        "the environment as `SYMBOLON_SECTION__FIELD`, and a secret as `..._FILE`, the name of a",
        "file that holds it. Unknown names are refused. This page is made by",
        "`symbolon settings reference`.",
        "",
    ]
    for name, section in _sections("", Settings):
        lines += _table(name, section)
    lines += _table("esignet.timestamps[]", TimestampSource)
    lines += _table("issuers[]", Issuer)
    lines += _table("issuers[].features", Features) + _table("issuers[].ladder[]", Acr)
    return "\n".join(lines)


def _sections(prefix: str, kind: type[msgspec.Struct]) -> Iterator[tuple[str, type]]:
    yield prefix or "top level", kind
    for field in msgspec.structs.fields(kind):
        if isinstance(field.type, type) and issubclass(field.type, msgspec.Struct):
            yield from _sections(f"{prefix}.{field.name}".lstrip("."), field.type)


def _table(name: str, kind: type[msgspec.Struct]) -> list[str]:
    meanings = docstrings(kind)
    rows = [
        f"| `{field.name}` | {_default(field)} | {meanings[field.name]} |"
        for field in msgspec.structs.fields(kind)
        if field.name in meanings
    ]
    title = [f"## {name}", "", inspect.getdoc(kind) or "", ""]
    return [*title, "| field | default | meaning |", "|---|---|---|", *rows, ""] if rows else []


def _default(field: Any) -> str:
    default = field.default
    if default is msgspec.NODEFAULT and field.default_factory is not msgspec.NODEFAULT:
        default = field.default_factory()
    if default is msgspec.NODEFAULT:
        return "required"
    shown = json.dumps(msgspec.to_builtins(default), ensure_ascii=False)
    return f"`{shown}`" if len(shown) < 120 else "see the text"


def docstrings(kind: type) -> dict[str, str]:
    """Return the docstring that stands under each field of a settings class."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(kind)))
    body = tree.body[0].body  # type: ignore[attr-defined]
    found = {}
    for field, text in pairwise(body):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(text, ast.Expr)
            and isinstance(text.value, ast.Constant)
        ):
            found[field.target.id] = str(text.value.value)
    return found
