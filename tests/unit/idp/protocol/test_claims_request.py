"""The claims parameter: strict where readers differ, lenient where the specification says so."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.protocol.claims_request import NOTHING, Asked, ClaimsRequest, parse
from idp.protocol.errors import InvalidRequest

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, NOTHING),
        ("{}", NOTHING),
        ('{"userinfo":null,"id_token":{}}', NOTHING),
        ('{"unknown":[1]}', NOTHING),
        ('{"userinfo":{"name":null}}', ClaimsRequest({"name": Asked()})),
        (
            '{"userinfo":{"name":{"essential":true,"purpose":"x"}}}',
            ClaimsRequest({"name": Asked(True)}),
        ),
        (
            '{"id_token":{"acr":{"values":["a","b"]},"sub":{"value":"s"}}}',
            ClaimsRequest({}, {"acr": Asked(False, ("a", "b")), "sub": Asked(False, ("s",))}),
        ),
        ('{"userinfo":{"name#ar":null}}', ClaimsRequest({"name#ar": Asked()})),
        ('{"userinfo":{"a\\u0000b":null}}', NOTHING),
    ],
)
def test_what_is_asked(text: str | None, expected: ClaimsRequest) -> None:
    assert parse(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "1",
        '"x"',
        "null",
        '{"userinfo":[]}',
        '{"userinfo":"name"}',
        '{"userinfo":{"name":true}}',
        '{"userinfo":{"name":"x"}}',
        '{"userinfo":{"name":[]}}',
        '{"userinfo":{"name":{"essential":"true"}}}',
        '{"userinfo":{"name":{"essential":1}}}',
        '{"userinfo":{"name":{"values":"x"}}}',
        '{"userinfo":{"name":null,"name":{"essential":true}}}',
        '{"userinfo":{},"userinfo":{}}',
        '{"userinfo":{"name":{"value":NaN}}}',
        '{"userinfo":{"name":{"value":Infinity}}}',
        '{"userinfo":{"name":{"value":"\\u0000"}}}',
        '{"userinfo":{"name":{"value":"\\ud800"}}}',
        '{"userinfo":{"name":{"value":' + "9" * 400 + "}}}",
        '{"userinfo":{"name":{"value":1e400}}}',
        '{"userinfo":{"name":{"value":' + "[" * 9 + "]" * 9 + "}}}",
        '{"userinfo":{"name":{"value":' + "[" * 7000 + "]" * 7000 + "}}}",
        "[" * 16000,
        '{"a":' * 3000,
        json.dumps({"userinfo": {f"c{n}": None for n in range(201)}}),
        json.dumps({"userinfo": {"name": {"values": list(range(51))}}}),
    ],
)
def test_what_is_malformed_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest):
        parse(text)


@given(st.text() | JSON.map(json.dumps))
def test_whatever_comes_is_read_or_refused(text: str) -> None:
    with suppress(InvalidRequest):
        parse(text)


@given(st.dictionaries(st.sampled_from(["userinfo", "id_token"]), JSON))
def test_whatever_is_read_can_be_stored(asked: dict[str, object]) -> None:
    try:
        read = parse(json.dumps(asked))
    except InvalidRequest:
        return
    for claims in (read.userinfo, read.id_token):
        text = json.dumps({name: how.values for name, how in claims.items()}, allow_nan=False)
        assert "\\u0000" not in text
        json.dumps({name: how.values for name, how in claims.items()}, ensure_ascii=False).encode()
