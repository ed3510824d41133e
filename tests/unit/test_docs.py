"""The docs promise what there is: links lead somewhere, commands exist, made pages are fresh."""

import ast
import json
import re
import shlex
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from config.cli.settings import reference
from config.settings import Settings
from tests import cli_page, coverage_table, errors_page

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
REFERENCE = ROOT / "docs" / "reference"
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`(?:\./)?(symbolon [^`]+)`")
COMMAND = re.compile(r"(?:^|\s)(?:\S*/)?symbolon ((?:--settings \S+ )?[a-z][^#>|]*)")
TAKES_MORE = ("check", "test")


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def blocks(page: Path, *languages: str) -> Iterator[str]:
    for language, text in FENCED.findall(page.read_text()):
        if language in languages:
            yield text


def anchors(page: Path) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", FENCED.sub("", page.read_text()), re.MULTILINE)
    plain = (re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles)
    return set(plain)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in LINK.findall(FENCED.sub("", page.read_text())):
        if re.match(r"https?:|mailto:", target):
            continue
        file, _, anchor = target.partition("#")
        there = (page.parent / file).resolve() if file else page
        assert there.exists(), target
        if anchor and there.suffix == ".md":
            assert anchor in anchors(there), target


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_command_exists(page: Path) -> None:
    known = dict(cli_page.commands())
    for words in commands(page):
        name = words[0] if words[0] in known else ""
        assert name, words
        if len(words) > 1 and f"{name} {words[1]}" in known:
            name = f"{name} {words[1]}"
        elif any(other.startswith(f"{name} ") for other in known):
            assert len(words) == 1, words
        if name in TAKES_MORE:
            continue
        options = {*cli_page.options(known[name]), "--help"}
        for word in words:
            if word.startswith("--"):
                assert word.partition("=")[0] in options, (name, word)


def commands(page: Path) -> Iterator[list[str]]:
    text = page.read_text()
    shell = "\n".join(blocks(page, "sh", "")).replace("\\\n", " ")
    lines = [*shell.splitlines(), *INLINE.findall(FENCED.sub("", text))]
    for line in lines:
        if line.startswith(("symbolon:", "symbolon_")) or "VERB" in line:
            continue
        for found in COMMAND.findall(line):
            words = shlex.split(found.strip("`. "), comments=True)
            if words[:1] == ["--settings"]:
                words = words[2:]
            if words:
                yield words


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_example_can_be_read(page: Path) -> None:
    for text in blocks(page, "json"):
        json.loads(text)
    for text in blocks(page, "python"):
        ast.parse(text)
    for text in blocks(page, "toml"):
        with_issuer = tomllib.loads(text)
        msgspec.convert(with_issuer, Settings, strict=False)


def settings_reference() -> str:
    return CliRunner().invoke(reference).stdout


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("settings.md", settings_reference),
        ("behaviours.md", lambda: coverage_table.page(coverage_table.marked())),
        ("cli.md", cli_page.page),
        ("errors.md", errors_page.page),
    ],
    ids=["settings", "behaviours", "cli", "errors"],
)
def test_a_made_page_is_fresh(name: str, make: Callable[[], str]) -> None:
    assert (REFERENCE / name).read_text() == make(), f"make docs/reference/{name} anew"


def test_every_number_has_a_test() -> None:
    assert coverage_table.missing(coverage_table.marked()) == []


def test_every_metric_is_explained() -> None:
    page = (REFERENCE / "metrics.md").read_text()
    sources = (path.read_text() for path in (ROOT / "config").rglob("*.py"))
    names = {name for text in sources for name in re.findall(r'"(symbolon_[a-z_]+)"', text)}
    assert len(names) > 4 and not [name for name in names if name not in page]


def test_every_page_can_be_found() -> None:
    docs = ROOT / "docs"
    found = {str(page.relative_to(docs)) for page in docs.rglob("*.md")} - {"index.md"}
    index, features = (docs / "index.md").read_text(), (docs / "features" / "README.md").read_text()
    linked = {page for page in found if f"({page})" in index}
    linked |= {page for page in found if f"({page.removeprefix('features/')})" in features}
    assert not found - linked
