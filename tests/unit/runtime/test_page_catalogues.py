"""Every text of every page is said once in every language, with the same places for values."""

import re

import pytest

from config.runtime.pages.explanations import FAILURES, Onward
from config.runtime.pages.rooms import SHARED, Room
from config.settings import Features, Issuer
from config.settings import Pages as PageSettings
from config.wiring.details import detail_types
from esignet.endpoints.page_refusals import REFUSALS
from esignet.pages.room import ROOM as SIGNING
from esignet.pages.validation import WHYS
from esignet.validation.engine import Lack
from idp.endpoints import me_factors, own_forms, page_refusals
from idp.pages.claim_names import CLAIM_GROUPS, CLAIM_NAMES, FACTOR_NAMES
from idp.pages.room import ROOM as LOGIN
from tests.page_texts import in_code, in_explanations, in_templates, said

OTHERS = [tag for tag in PageSettings().languages if tag != "en"]
PLACE = re.compile(r"\{\w+\}")


def of_login() -> set[str]:
    explained = (*page_refusals.REFUSALS.values(), *page_refusals.FAILED.values())
    names = {*CLAIM_NAMES.values(), *FACTOR_NAMES.values(), *CLAIM_GROUPS, page_refusals.HOME}
    told = {*own_forms.DONE.values(), *me_factors.WEAK.values()}
    features = Features(signing_service="https://sign.example", signing_stored_keys=True)
    issuer = Issuer(address="", features=features)
    details = {text for one in detail_types(issuer).values() for text in one.texts}
    endpoints = LOGIN.directory.parent / "endpoints"
    return {
        *in_templates(LOGIN),
        *in_code(endpoints),
        *in_explanations(explained),
        *names,
        *told,
        *details,
    }


def of_signing() -> set[str]:
    endpoints = SIGNING.directory.parent / "endpoints"
    code = in_code(endpoints, SIGNING.directory)
    words = {*WHYS.values(), *(lack.value for lack in Lack)}
    return {*in_templates(SIGNING), *code, *in_explanations(REFUSALS.values()), *words}


def of_all() -> set[str]:
    onward = {one.value for one in Onward if one.value}
    return {*in_templates(SHARED), *in_explanations(FAILURES.values()), *onward}


@pytest.mark.parametrize("tag", OTHERS)
def test_every_text_is_said_in_every_language(tag: str) -> None:
    shared, login, signing = (set(said(room, tag)) for room in (SHARED, LOGIN, SIGNING))
    assert login == of_login() - shared, "nothing is missing, and nothing is left over"
    assert signing == of_signing() - shared, "nothing is missing, and nothing is left over"
    assert of_all() <= shared
    assert shared <= of_all() | (of_login() & of_signing()), (
        "what one product alone says is its own"
    )
    assert not login & signing, "what both say is said in the catalogue that they share"


@pytest.mark.parametrize("tag", OTHERS)
@pytest.mark.parametrize("room", [SHARED, LOGIN, SIGNING], ids=["shared", "login", "signing"])
def test_no_text_is_empty_or_loses_a_value(room: Room, tag: str) -> None:
    for original, text in said(room, tag).items():
        assert text.strip(), original
        assert sorted(PLACE.findall(text)) == sorted(PLACE.findall(original)), original


@pytest.mark.parametrize("room", [SHARED, LOGIN, SIGNING], ids=["shared", "login", "signing"])
def test_no_template_says_anything_that_is_not_translated(room: Room) -> None:
    for file in room.templates.glob("*.html"):
        text = re.sub(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}|<[^>]*>", " ", file.read_text(), flags=re.S)
        assert not re.search(r"[A-Za-z]{2,}", text), (file.name, text.split())
