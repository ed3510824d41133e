"""Claims about a person: which are asked for, which are told, in which language."""

from dataclasses import replace
from typing import Any

import pytest

from idp.protocol.claims import (
    RequestedClaim,
    attribute_names,
    id_token_claims,
    requested_claims,
    told,
    userinfo_claims,
)
from idp.protocol.claims_request import Asked, ClaimsRequest
from idp.residents.port import Attribute
from tests.contracts.test_codes import AUTHORIZATION
from tests.unit.idp.protocol.test_checks import client, judged


def attribute(name: str, value: Any, locale: str = "", verified_at: int | None = None) -> Attribute:
    return Attribute(
        name=name, locale=locale, value=value, verified_at=verified_at, authority="registry"
    )


PERSON = [
    attribute("name", "Amina"),
    attribute("name", "أمينة", "ar"),
    attribute("name", "Amina (fr)", "fr"),
    attribute("email", "a@example.org", verified_at=5),
    attribute("phone_number", "+44", verified_at=None),
    attribute("phone_number_verified", True),
    attribute("address", {"country": "KE"}),
]


@pytest.mark.behaviour(12)
def test_what_a_scope_asks_for_is_voluntary_and_comes_in_order() -> None:
    everything = client(scope=frozenset(("openid", "email", "phone", "address", "profile")))
    request = judged(
        by=everything,
        scope="openid phone email",
        claims='{"userinfo":{"name#ar":{"essential":true},"email":{"essential":true},"x":null,'
        '"acr":null},"id_token":{"name":null,"birthdate":null,"sub":null}}',
    )
    assert requested_claims(request) == (
        RequestedClaim("name", True),
        RequestedClaim("birthdate", False),
        RequestedClaim("email", True),
        RequestedClaim("email_verified", False),
        RequestedClaim("phone_number", False),
        RequestedClaim("phone_number_verified", False),
    )


@pytest.mark.behaviour(11)
def test_only_what_was_agreed_is_told_and_only_where_it_was_asked() -> None:
    authorization = replace(
        AUTHORIZATION,
        scope=("openid", "email"),
        claims=ClaimsRequest({"name#ar": Asked()}, {"birthdate": Asked(), "acr": Asked()}),
        granted_claims=frozenset(("name", "email", "acr", "sub")),
    )
    assert set(userinfo_claims(authorization)) == {"email", "name#ar"}
    assert set(userinfo_claims(authorization, ("openid",))) == {"name#ar"}
    assert id_token_claims(authorization) == {}


@pytest.mark.parametrize(
    ("asked", "locales", "expected"),
    [
        (["name"], (), {"name": "Amina"}),
        (["name"], ("se",), {"name": "Amina"}),
        (["name"], ("ar",), {"name": "أمينة", "name#ar": "أمينة"}),
        (
            ["name"],
            ("se", "fr-CA", "ar"),
            {"name": "Amina (fr)", "name#fr": "Amina (fr)", "name#ar": "أمينة"},
        ),
        (["name#ar"], ("fr",), {"name#ar": "أمينة"}),
        (["name#AR"], (), {"name#AR": "أمينة"}),
        (["name#fr-CA"], (), {"name#fr-CA": "Amina (fr)"}),
        (["name#sw"], (), {}),
        (["name#"], (), {"name": "Amina"}),
        (["birthdate"], (), {}),
        (["email", "email_verified"], (), {"email": "a@example.org", "email_verified": True}),
        (["phone_number_verified"], (), {"phone_number_verified": True}),
        (["address"], ("ar",), {"address": {"country": "KE"}}),
    ],
)
def test_languages(asked: list[str], locales: tuple[str, ...], expected: dict[str, Any]) -> None:
    assert told(PERSON, dict.fromkeys(asked, Asked()), locales) == expected


def test_a_claim_in_one_language_only_is_told_without_a_tag_too() -> None:
    only = [attribute("name", "أمينة", "ar")]
    assert told(only, {"name": Asked()}, ()) == {"name": "أمينة"}


def test_a_claim_asked_for_with_a_value_is_told_when_it_has_it() -> None:
    assert told(PERSON, {"name": Asked(values=("Amina", "Bea"))}, ()) == {"name": "Amina"}
    assert told(PERSON, {"name": Asked(values=("Bea",))}, ()) == {}


def test_whether_something_was_verified_needs_the_thing_itself() -> None:
    assert attribute_names(["name#ar", "email_verified"]) == {"name", "email", "email_verified"}
