"""Authorization details: strictly read, shown whole, and only ever narrowed (RFC 9396)."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.settings import Issuer
from config.wiring.details import detail_types
from idp.protocol.details import MOST, narrowed, parse
from idp.protocol.errors import InvalidAuthorizationDetails

TYPES = detail_types(Issuer(address="https://id.example"))
ALLOWED = tuple(TYPES)
PAYMENT: dict[str, Any] = {
    "type": "payment_initiation",
    "instructedAmount": {"amount": "123.50", "currency": "EUR"},
    "creditorName": "Merchant A",
    "creditorAccount": {"iban": "DE02100100109307118603"},
    "remittanceInformationUnstructured": "Ref Number Merchant",
}
RECORDS: dict[str, Any] = {
    "type": "record_access",
    "actions": ["read", "add"],
    "records": ["vaccinations", "prescriptions"],
    "until": "2030-12-31",
}


def read(*details: object, allowed: tuple[str, ...] = ALLOWED) -> tuple[dict[str, Any], ...]:
    return parse(json.dumps(list(details)), TYPES, allowed)


@pytest.mark.spec("RFC 9396 §2")
def test_what_is_well_formed_is_read_as_it_was_said() -> None:
    assert read(PAYMENT, RECORDS) == (PAYMENT, RECORDS)
    assert parse(None, TYPES, ()) == ()


@pytest.mark.spec("RFC 9396 §5")
@pytest.mark.parametrize(
    "wrong",
    [
        PAYMENT | {"hidden": "member"},
        PAYMENT | {"instructedAmount": {"amount": "0.00", "currency": "EUR"}},
        PAYMENT | {"instructedAmount": {"amount": "-1", "currency": "EUR"}},
        PAYMENT | {"instructedAmount": {"amount": "1e9", "currency": "EUR"}},
        PAYMENT | {"instructedAmount": {"amount": 5, "currency": "EUR"}},
        PAYMENT | {"instructedAmount": {"amount": "1", "currency": "eur"}},
        PAYMENT | {"instructedAmount": {"amount": "1", "currency": "EUR", "fee": "9"}},
        PAYMENT | {"creditorAccount": {"iban": "DE02100100109307118604"}},
        PAYMENT | {"creditorName": "A\u202eB"},
        PAYMENT | {"creditorName": ""},
        PAYMENT | {"creditorName": "x" * 141},
        PAYMENT | {"type": "unheard_of"},
        {key: value for key, value in PAYMENT.items() if key != "type"},
        {key: value for key, value in PAYMENT.items() if key != "creditorAccount"},
        RECORDS | {"actions": ["delete"]},
        RECORDS | {"actions": []},
        RECORDS | {"actions": ["read", "read"]},
        RECORDS | {"until": "20301231"},
        RECORDS | {"until": "2030-02-30"},
        RECORDS | {"until": "2030-W10"},
        "payment_initiation",
        None,
    ],
)
def test_what_is_not_is_refused(wrong: object) -> None:
    with pytest.raises(InvalidAuthorizationDetails):
        read(wrong)


def test_a_type_must_be_registered_for_the_client() -> None:
    with pytest.raises(InvalidAuthorizationDetails):
        read(PAYMENT, allowed=("record_access",))


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", "[", "[NaN]", '[{"type":"a","type":"b"}]', '["\\ud800"]', "[" * 9000]
)
def test_what_is_no_list_of_objects_is_refused(text: str) -> None:
    with pytest.raises(InvalidAuthorizationDetails):
        parse(text, TYPES, ALLOWED)


def test_more_than_a_person_reads_is_refused() -> None:
    assert len(read(*[RECORDS] * MOST)) == MOST
    with pytest.raises(InvalidAuthorizationDetails):
        read(*[RECORDS] * (MOST + 1))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
members = st.sampled_from([*PAYMENT, *RECORDS, "x"])


@pytest.mark.long
@given(st.dictionaries(members, json_values), st.sampled_from([PAYMENT, RECORDS]))
def test_whatever_comes_is_read_whole_or_refused(changes: dict[str, Any], good: Any) -> None:
    try:
        [detail] = read(good | changes)
    except InvalidAuthorizationDetails:
        return
    shown = TYPES[detail["type"]].shown(detail)
    assert shown.rows and all(row.value.isprintable() for row in shown.rows)


@pytest.mark.spec("RFC 9396 §6.1")
def test_a_token_request_gets_what_was_granted_or_less() -> None:
    granted = (PAYMENT, RECORDS)
    assert narrowed(None, TYPES, granted) == granted
    less = RECORDS | {"actions": ["read"], "until": "2029-01-01"}
    assert narrowed(json.dumps([less]), TYPES, granted) == (less,)
    for more in (
        RECORDS | {"records": ["vaccinations", "letters"]},
        RECORDS | {"until": "2031-01-01"},
        {key: value for key, value in RECORDS.items() if key != "until"},
        PAYMENT | {"creditorName": "Merchant B"},
    ):
        with pytest.raises(InvalidAuthorizationDetails):
            narrowed(json.dumps([more]), TYPES, granted)


def test_everything_that_decides_is_shown() -> None:
    rows = {row.label: row.value for row in TYPES["payment_initiation"].shown(PAYMENT).rows}
    assert rows == {
        "To": "Merchant A",
        "Amount": "123.50 EUR",
        "Account": "DE02100100109307118603",
        "What for": "Ref Number Merchant",
    }
