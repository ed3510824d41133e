"""A row of a registry is taken as it is meant, or refused with a reason that tells nothing."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.residents.claims import CLAIMS, BadRow
from idp.residents.normalising import Numbering
from idp.residents.port import State
from idp.residents.rows import COLUMNS, Row, Virtual, parse

BRITAIN = Numbering(country_code="44")
LEAST = {"national_id": "4821009637"}


def refusal(record: dict[str, Any]) -> str:
    with pytest.raises(BadRow) as caught:
        parse(record, BRITAIN)
    return str(caught.value)


def test_a_national_number_is_all_that_is_needed() -> None:
    row = parse(LEAST, BRITAIN)
    assert (row.national_id, row.state, row.reachable) == ("4821009637", State.ACTIVE, False)
    assert [(each.name, each.value) for each in row.claims] == [("national_id", "4821009637")]


@pytest.mark.spec("OpenID Connect Core 1.0 §5.1")
def test_every_standard_claim_is_kept() -> None:
    claims = {
        "name": "Thandiwe Khumalo",
        "given_name": "Thandiwe",
        "family_name": "Khumalo",
        "middle_name": "N",
        "nickname": "Thandi",
        "preferred_username": "tk",
        "profile": "https://example.org/tk",
        "picture": "data:image/png;base64,AAAA",
        "website": "https://tk.example",
        "email": "tk@example.org",
        "email_verified": True,
        "gender": "female",
        "birthdate": "1978-11-02",
        "zoneinfo": "Africa/Johannesburg",
        "locale": "en-ZA",
        "phone_number": "07700 900124",
        "phone_number_verified": False,
        "address": {"street_address": "1 Street\nFlat 2", "country": "ZA"},
        "updated_at": 1_700_000_000,
    }
    assert set(claims) == set(CLAIMS)
    kept = {each.name: each.value for each in parse({**LEAST, **claims}, BRITAIN).claims}
    assert kept == {**claims, "phone_number": "+447700900124", "national_id": "4821009637"}


@pytest.mark.spec("OpenID Connect Core 1.0 §5.2")
def test_names_come_in_every_script() -> None:
    names = {"name#ar": "أمينة", "name#zh-Hans": "阿米娜", "address#fr": {"country": "Kenya"}}
    row = parse({**LEAST, **names}, BRITAIN)
    found = {f"{each.name}#{each.locale}": each.value for each in row.claims if each.locale}
    assert found == names


def test_two_spellings_of_one_row_are_equal_and_two_rows_are_not() -> None:
    one = {**LEAST, "name": "A", "phone_number": "07700 900124", "verified_at": 1704067200}
    other = {
        "verified_at": "2024-01-01T01:00:00+01:00",
        "phone_number": "+447700900124",
        "name": "A",
        "national_id": "4821009637",
    }
    assert parse(one, BRITAIN).content() == parse(other, BRITAIN).content()
    assert parse(LEAST, BRITAIN).content() != parse({**LEAST, "state": "locked"}, BRITAIN).content()


def test_virtual_numbers_have_ends_and_uses() -> None:
    written = [
        {"number": "8214 0093 5567 1204"},
        {"number": "8214009355671205", "valid_until": "2027-01-31T00:00:00Z"},
        {"number": "8214009355671206", "valid_until": 1_801_353_600, "uses": 1},
    ]
    assert parse({**LEAST, "virtual_ids": written}, BRITAIN).virtual == (
        Virtual("8214009355671204", None, None),
        Virtual("8214009355671205", 1_801_353_600, None),
        Virtual("8214009355671206", 1_801_353_600, 1),
    )


def test_a_claim_can_have_a_verification_of_its_own() -> None:
    record = {
        **LEAST,
        "name": "A",
        "email": "a@example.org",
        "authority": "Registry",
        "verified_at": 10,
        "verification": {"email": {"verified_at": 20, "authority": "Mail"}},
    }
    verified = {
        each.name: (each.verified_at, each.authority) for each in parse(record, BRITAIN).claims
    }
    assert verified["name"] == verified["national_id"] == (10, "Registry")
    assert verified["email"] == (20, "Mail")


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({}, "national_id"),
        ({"nmae": "A"}, "unknown column nmae: did you mean name?"),
        ({"nmae#ar": "A"}, "unknown column nmae#ar: did you mean name?"),
        ({"phone": "+447700900124"}, "unknown column phone: did you mean phone_number?"),
        ({"أمينة": "A"}, "unknown column: there are "),
        ({"national_id": "12"}, "length >= 4"),
        ({"national_id": "....  ...."}, "4 to 64 letters and digits"),
        ({"national_id": 4821009637}, "Expected `str`"),
        ({"state": "Amina"}, "state: must be one of active"),
        ({"email#ar": "a@example.org"}, "email: is not kept in several languages"),
        ({"name#": "A"}, "name: is not kept in several languages"),
        ({"name": ""}, "name: must be text"),
        ({"name": "a\x00b"}, "control character"),
        ({"name": "a\nb"}, "one line"),
        ({"name": "x" * 1001}, "longer than 1000"),
        ({"email": "amina"}, "email: is no e-mail"),
        ({"phone_number": "12"}, "phone_number: is no telephone"),
        ({"birthdate": "2023-02-29"}, "no day of the calendar"),
        ({"birthdate": "1.2.1990"}, "YYYY-MM-DD"),
        ({"email_verified": "yes"}, "true or false"),
        ({"picture": "javascript:alert(1)"}, "picture"),
        ({"website": "javascript:alert(1)"}, "http"),
        ({"address": "1 Street"}, "address: must have some of"),
        ({"address": {"contry": "KE"}}, "did you mean address.country?"),
        ({"updated_at": True}, "seconds since"),
        ({"verified_at": "2027-01-31T00:00:00"}, "offset from UTC"),
        ({"verified_at": "soon"}, "must be a time"),
        ({"pin": "12"}, "pin: must be 4 to 12 digits"),
        ({"totp": "0189"}, "base32"),
        ({"totp": "JBSWY3DP"}, "10 to 64 bytes"),
        ({"handles": ["amina"]}, "handles: must be"),
        ({"handles": "a@b"}, "Expected `array`"),
        ({"virtual_ids": [{"number": "12345", "uses": 0}]}, ">= 1"),
        ({"virtual_ids": [{"number": "12345"}, {"number": "123 45"}]}, "stands twice"),
        ({"virtual_ids": [{"number": "12345", "until": 1}]}, "a member that there is not"),
        ({"locked_factors": ["Über"]}, "names of factors"),
        ({"verification": {"name": {}}}, "speaks of a claim"),
    ],
)
def test_what_cannot_be_is_refused_with_a_reason(record: dict[str, Any], reason: str) -> None:
    base = {} if not record or "national_id" in record else LEAST
    assert reason in refusal({**base, **record})


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(
    st.dictionaries(
        st.sampled_from([*COLUMNS, "name#ar", "address#fr", "nmae"]) | st.text(max_size=8),
        ANY_JSON,
        max_size=6,
    )
)
def test_any_record_is_a_row_or_a_refusal(record: dict[str, Any]) -> None:
    try:
        row = parse({**LEAST, **record}, BRITAIN)
    except BadRow:
        return
    assert isinstance(row, Row)
    row.content()


@given(st.sampled_from([*COLUMNS]), st.text(min_size=9, max_size=40))
def test_a_reason_never_repeats_a_value(column: str, value: str) -> None:
    secret = f"CANARY{value}"
    for shape in (secret, [secret], {secret: secret}, {"country": [secret]}):
        try:
            parse({**LEAST, column: shape}, BRITAIN)
        except BadRow as refused:
            assert "CANARY" not in json.dumps([refused.column, refused.reason])
