"""The reference of limits that are built in: constants of modules, with their docstrings."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

PACKAGES = ("config", "keystore", "idp")


@dataclass(frozen=True, slots=True)
class Limit:
    """A number that the program does not let be set: where it stands, and what it means."""

    module: str
    name: str
    value: str
    meaning: str


def builtin_markdown(root: Path) -> str:
    """Return a table of every documented number among the constants of the program."""
    rows = [
        f"| `{limit.module}.{limit.name}` | `{limit.value}` | {limit.meaning} |"
        for package in PACKAGES
        for path in sorted((root / package).rglob("*.py"))
        for limit in limits_of(path, root)
    ]
    title = ["## Built in", "", "Limits that are no settings: to change one is to change the code."]
    return "\n".join([*title, "", "| constant | value | meaning |", "|---|---|---|", *rows, ""])


def limits_of(path: Path, root: Path) -> Iterator[Limit]:
    """Yield the numbers of a module that carry a docstring."""
    module = ".".join(path.relative_to(root).with_suffix("").parts)
    for assigned, text in pairwise(ast.parse(path.read_text()).body):
        match assigned, text:
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=value),
                ast.Expr(value=ast.Constant(value=str(meaning))),
            ) if name.isupper() and not name.startswith("_") and _is_number(value):
                yield Limit(module, name, ast.unparse(value), " ".join(meaning.split()))


def _is_number(value: ast.expr) -> bool:
    match value:
        case ast.Constant(value=bool()):
            return False
        case ast.Constant(value=int() | float()):
            return True
        case ast.BinOp(left=left, right=right):
            return _is_number(left) and _is_number(right)
    return False
