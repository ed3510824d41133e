"""Rules of the house that a machine can check. Imports are checked by import-linter."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("config", "keystore", "idp", "esignet", "wallet_bridge")
MODULES = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
REVISIONS = ROOT / "config" / "wiring" / "migrations"
PURE = [path for path in MODULES if "protocol" in path.parts]
FORBIDDEN = {"manager", "helper", "helpers", "util", "utils", "handler", "data", "info", "process"}
ENTRY_POINTS = {"config/cli"}

Function = ast.FunctionDef | ast.AsyncFunctionDef


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def functions(path: Path) -> Iterator[Function]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, Function):
            yield node


def parameters(function: Function) -> list[str]:
    arguments = function.args
    names = [a.arg for a in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
    return [name for name in names if name not in ("self", "cls")]


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_every_module_says_what_it_is_for(path: Path) -> None:
    text = ast.get_docstring(ast.parse(path.read_text()))
    assert text and len(text) > 20 and "TODO" not in text


@pytest.mark.parametrize("path", [m for m in MODULES if REVISIONS not in m.parents], ids=name_of)
def test_modules_and_functions_stay_small(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 300
    for function in functions(path):
        length = (function.end_lineno or 0) - function.lineno + 1
        assert length <= 40, f"{function.name} has {length} lines"
        if not any(name_of(path).startswith(point) for point in ENTRY_POINTS):
            assert len(parameters(function)) <= 5, f"{function.name} takes too much"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_names_say_something(path: Path) -> None:
    words = set(path.stem.split("_"))
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            words |= {word.lower() for word in node.name.split("_")}
    assert not words & FORBIDDEN


@pytest.mark.parametrize("path", PURE, ids=name_of)
def test_protocol_code_never_waits(path: Path) -> None:
    assert not [f.name for f in functions(path) if isinstance(f, ast.AsyncFunctionDef)]


def test_nothing_speaks_of_the_workplace() -> None:
    """No path of a developer's machine and no registry's host stands in the tree."""
    traces = (
        "/work" + "/",
        "/root" + "/",
        "registry." + "npmjs",
        "pypi." + "org",
        "files.python" + "hosted",
    )
    for path in ROOT.rglob("*"):
        parts = path.relative_to(ROOT).parts
        ignored = (
            any(p.startswith(".") and p != ".ci" for p in parts[:-1])
            or {"node_modules", "__pycache__"} & set(parts)
            or parts[0] in ("data", "dist", "test-results")  # what runs left, such as the demo
        )
        if ignored or not path.is_file() or path.stat().st_size > 1_000_000:
            continue
        text = path.read_text(errors="replace")
        assert not [trace for trace in traces if trace in text], path
