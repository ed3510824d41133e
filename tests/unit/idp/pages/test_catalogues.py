"""Every text of every page is said in every language, with the same places for values."""

import ast
import re
from collections.abc import Iterator

import pytest
from babel.messages.pofile import read_po
from jinja2 import Environment, nodes

from config.settings import Features, Issuer
from config.settings import Pages as PageSettings
from config.wiring.details import detail_types
from idp.endpoints import me_factors, own_forms, page_refusals
from idp.pages.claim_names import CLAIM_GROUPS, CLAIM_NAMES, FACTOR_NAMES
from idp.pages.languages import CATALOGUES
from idp.pages.pages import TEMPLATES
from idp.protocol.claims import STANDARD

ENDPOINTS = TEMPLATES.parent.parent / "endpoints"
OTHERS = [tag for tag in PageSettings().languages if tag != "en"]
PLACE = re.compile(r"\{\w+\}")


def in_templates() -> Iterator[str]:
    for file in TEMPLATES.glob("*.html"):
        for call in Environment(autoescape=True).parse(file.read_text()).find_all(nodes.Call):
            if isinstance(call.node, nodes.Name) and call.node.name == "t":
                assert isinstance(call.args[0], nodes.Const), file
                yield call.args[0].value


def in_endpoints() -> Iterator[str]:
    for file in ENDPOINTS.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "id", "") or getattr(node.func, "attr", "")
                if name == "t" and isinstance(node.args[0], ast.Constant):
                    yield str(node.args[0].value)


def texts() -> set[str]:
    explained = (*page_refusals.REFUSALS.values(), *page_refusals.FAILURES.values())
    failures = {text for one in explained for text in (one.heading, *one.lines)}
    failures |= {onward.value for onward in page_refusals.Onward}
    names = {*CLAIM_NAMES.values(), *FACTOR_NAMES.values(), *CLAIM_GROUPS}
    said = {*own_forms.DONE.values(), *me_factors.WEAK.values()}
    issuer = Issuer(address="", features=Features(signing_service="https://sign.example"))
    details = {text for one in detail_types(issuer).values() for text in one.texts}
    return {*details, *in_templates(), *in_endpoints(), *failures, *names, *said}


@pytest.mark.parametrize("tag", OTHERS)
def test_every_text_is_said_in_every_language(tag: str) -> None:
    with (CATALOGUES / tag / "LC_MESSAGES" / "messages.po").open("rb") as file:
        catalogue = read_po(file, locale=tag)
    said = {str(m.id): str(m.string) for m in catalogue if m.id}
    assert set(said) == texts(), "nothing is missing, and nothing is left over"
    for original, text in said.items():
        assert text.strip(), original
        assert sorted(PLACE.findall(text)) == sorted(PLACE.findall(original)), original
        assert not [m for m in catalogue if m.fuzzy and m.id]


def test_every_claim_has_a_name() -> None:
    assert set(CLAIM_NAMES) == STANDARD


def test_every_claim_is_in_one_group() -> None:
    grouped = [name for names in CLAIM_GROUPS.values() for name in names]
    assert len(grouped) == len(set(grouped)) and set(grouped) == STANDARD


def test_no_template_says_anything_that_is_not_translated() -> None:
    for file in TEMPLATES.glob("*.html"):
        text = re.sub(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}|<[^>]*>", " ", file.read_text(), flags=re.S)
        assert not re.search(r"[A-Za-z]{2,}", text), (file.name, text.split())
