"""Bytes from outside are read strictly: what is not right is Malformed, and nothing else is."""

import asyncio
import json
from typing import Any
from urllib.parse import quote_plus, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.runtime.malformed import Malformed
from config.runtime.strict_json import strict_json
from config.runtime.web import arriving as reading
from config.runtime.web.arriving import Disconnected
from config.runtime.web.call import Call
from config.runtime.web.forms import MOST_FIELDS, fields
from tests.unit.web.asking import Asked, form

plain_text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
pairs = st.lists(st.tuples(plain_text, plain_text), max_size=20)

REJECTED_FORMS = [
    (b"a=%00", "NUL"),
    (b"a=\0", "NUL"),
    (b"a=%ff", "UTF-8"),
    (b"a=\xff", "UTF-8"),
    (b"a=%c3", "UTF-8"),
    (b"a=%ed%a0%80", "UTF-8"),  # a lone surrogate
    (b"a=%c0%af", "UTF-8"),  # a longer encoding than needed
    (b"a=%", "percent"),
    (b"a=%4", "percent"),
    (b"a=%zz", "percent"),
    (b"a=%+1", "percent"),
    (b"a=%4\xc3\xa9", "percent"),
]


@given(pairs)
@pytest.mark.spec("WHATWG URL §5")
def test_a_form_reads_back_as_it_was_written(written: list[tuple[str, str]]) -> None:
    expected = [pair for pair in written if pair != ("", "")]
    body = "&".join(f"{quote_plus(n)}={quote_plus(v)}" for n, v in expected).encode()
    assert fields(body) == expected


@pytest.mark.attack("A26")
@given(st.binary(max_size=400))
def test_no_bytes_make_a_form_reader_fail_otherwise(body: bytes) -> None:
    try:
        found = fields(body)
    except Malformed:
        return
    for name, value in found:
        assert "\0" not in name + value
        (name + value).encode()


@pytest.mark.attack("A26")
@pytest.mark.parametrize(("body", "reason"), REJECTED_FORMS)
def test_a_form_is_not_guessed_at(body: bytes, reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        fields(body)


def test_a_form_keeps_duplicates_and_order_for_the_protocol_to_judge() -> None:
    assert fields(b"b=1&a=2&b=3&c&=d&&a=%2b+") == [
        ("b", "1"),
        ("a", "2"),
        ("b", "3"),
        ("c", ""),
        ("", "d"),
        ("a", "+ "),
    ]


@pytest.mark.attack("A26")
def test_too_many_fields_are_refused() -> None:
    assert len(fields(b"&".join([b"a=1"] * MOST_FIELDS))) == MOST_FIELDS
    with pytest.raises(Malformed) as refusal:
        fields(b"&".join([b"a=1"] * (MOST_FIELDS + 1)))
    assert refusal.value.status == 413


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | plain_text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(plain_text, inner, max_size=4),
    max_leaves=20,
)


@given(json_values)
def test_json_reads_back_as_it_was_written(value: Any) -> None:
    assert strict_json(json.dumps(value).encode()) == value


@pytest.mark.attack("A26")
@given(st.binary(max_size=300) | st.text('[]{}":,\\u0d8tn1e-. ', max_size=200).map(str.encode))
def test_no_bytes_make_the_json_reader_fail_otherwise(body: bytes) -> None:
    try:
        value = strict_json(body)
    except Malformed:
        return
    assert "\\u0000" not in json.dumps(value).replace("\\\\", "")


@pytest.mark.attack("A26")
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"{} {}",
        b'{"a":1,"a":1}',
        b'{"a":{"b":1,"b":2}}',
        b'"\\u0000"',
        b'{"\\u0000":1}',
        b'"\\ud800"',
        b'{"\\udc00":1}',
        b"NaN",
        b"[Infinity]",
        b"-Infinity",
        b"1e400",
        b"1" * 5000,
        b"\xef\xbb\xbf{}",
        "{}".encode("utf-16"),
        b'"\xff"',
        b'"\x00"',
        b'"\n"',
        b"[" * 33 + b"]" * 33,
        b'{"a":' * 33 + b"1" + b"}" * 33,
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"01",
        b"'a'",
        b"[1,]",
    ],
)
def test_json_that_parsers_disagree_on_is_refused(body: bytes) -> None:
    with pytest.raises(Malformed):
        strict_json(body)


def test_json_takes_what_is_right() -> None:
    assert strict_json(b'"\\\\u0000 \\ud83d\\ude00"') == "\\u0000 \U0001f600"
    assert strict_json(b"[" * 32 + b"]" * 32)
    assert strict_json(b'{"a": "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["}')


async def test_a_body_comes_together_from_its_pieces() -> None:
    asked = form("/token", b"")
    asked.pieces = [b"a=", b"1&b", b"=2"]
    assert await asked.call().form() == [("a", "1"), ("b", "2")]


@pytest.mark.attack("A26")
@pytest.mark.parametrize("announced", [True, False])
async def test_a_body_over_the_limit_is_left_unread(announced: bool) -> None:
    asked = form("/token", b"a" * 65_537)
    if announced:
        asked.headers = [*asked.headers, ("content-length", "65537")]
        asked.pieces = []  # reading it would be a disconnect
    with pytest.raises(Malformed) as refusal:
        await asked.call().form()
    assert refusal.value.status == 413


async def test_a_body_of_exactly_the_limit_is_read() -> None:
    asked = form("/token", b"a" * 65_536, [("content-length", "65536")])
    assert len(await asked.call().form()) == 1


async def test_a_body_is_read_once_and_kept() -> None:
    call = form("/token", b"a=1").call()
    assert await call.body() == await call.body() == b"a=1"


async def test_a_client_that_goes_away_gets_no_answer() -> None:
    asked = form("/token", b"a=")
    asked.hangs_up = True
    with pytest.raises(Disconnected):
        await asked.call().form()


@pytest.mark.attack("A26")
async def test_a_client_that_never_ends_its_body_is_told_so(monkeypatch: Any) -> None:
    monkeypatch.setattr(reading, "BODY_SECONDS", 0.01)

    async def never() -> dict[str, Any]:
        await asyncio.Event().wait()
        raise AssertionError

    with pytest.raises(Malformed) as refusal:
        await Call(form("/token", b"").scope(), never).form()
    assert refusal.value.status == 408


@pytest.mark.attack("A26")
@pytest.mark.parametrize(
    ("header", "status"),
    [
        (("content-type", "application/json"), 415),
        (("content-type", "text/plain"), 415),
        (("content-type", "multipart/form-data; boundary=x"), 415),
        (("content-type", ""), 415),
        (("content-type", "application/x-www-form-urlencoded; charset=utf-7"), 415),
        (("content-type", "application/x-www-form-urlencoded; charset=utf-8; x=y"), 415),
    ],
)
async def test_a_form_of_another_type_is_refused(header: tuple[str, str], status: int) -> None:
    with pytest.raises(Malformed) as refusal:
        await Asked("POST", "/", [header], [b"a=1"]).call().form()
    assert refusal.value.status == status


@pytest.mark.parametrize(
    "kind",
    [
        "application/x-www-form-urlencoded",
        "Application/X-WWW-Form-URLencoded",
        "application/x-www-form-urlencoded; charset=UTF-8",
        "application/x-www-form-urlencoded;charset=utf-8",
        'application/x-www-form-urlencoded; charset="utf-8"',
    ],
)
async def test_a_form_by_each_of_its_names_is_read(kind: str) -> None:
    asked = Asked("POST", "/", [("content-type", kind)], [b"a=1"])
    assert await asked.call().form() == [("a", "1")]


@pytest.mark.attack("A26")
@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "identity, gzip", "GZIP"])
async def test_a_compressed_body_is_refused(coding: str) -> None:
    with pytest.raises(Malformed) as refusal:
        await form("/", b"a=1", [("content-encoding", coding)]).call().form()
    assert refusal.value.status == 415


@pytest.mark.attack("A26")
@pytest.mark.parametrize("length", ["-1", "+1", "1_0", "0x1", "1 1", "", "٣", "9" * 30])
async def test_a_wrong_length_is_refused(length: str) -> None:
    asked = form("/", b"a=1")
    call = asked.call()
    call.scope["headers"].append((b"content-length", length.encode()))
    with pytest.raises(Malformed):
        await call.form()


@pytest.mark.spec("RFC 9110 §5.3")
@pytest.mark.attack("A26")
@pytest.mark.parametrize("name", ["authorization", "content-type", "dpop", "host", "origin"])
def test_a_header_with_one_value_must_not_come_twice(name: str) -> None:
    call = Asked(headers=[(name, "a"), (name, "a")], host=None).call()
    with pytest.raises(Malformed, match=name):
        call.header(name)


@pytest.mark.spec("RFC 9110 §5.3")
def test_a_list_may_come_in_several_lines() -> None:
    call = Asked(headers=[("accept", "a"), ("x", "1"), ("accept", "b")]).call()
    assert call.header("accept") == "a, b"
    assert call.header("x") == "1"
    assert call.header("missing") is None


def test_a_query_is_read_as_a_form_is() -> None:
    assert Asked(query=urlencode([("a", "ü"), ("a", "+")]).encode()).call().query() == [
        ("a", "ü"),
        ("a", "+"),
    ]
    assert Asked().call().query() == []
    with pytest.raises(Malformed):
        Asked(query=b"a=%FF").call().query()


@pytest.mark.spec("RFC 6265 §8.6")
def test_a_cookie_planted_beside_ours_makes_both_untrusted() -> None:
    call = Asked(headers=[("cookie", "a=1; b=2;c=3"), ("cookie", "b=other; =x; d; e=")]).call()
    assert call.cookies() == {"a": "1", "c": "3", "": "x", "e": ""}


def test_our_cookie_has_its_prefix_under_https_alone() -> None:
    call = Asked(headers=[("cookie", "browser=forged; __Host-browser=true")]).call()
    call.origin = "https://id.example"
    assert call.cookie("browser") == "true"
    call.origin = "http://127.0.0.1:8080"
    assert call.cookie("browser") == "forged"


@pytest.mark.attack("A26")
@given(st.lists(st.text(st.characters(max_codepoint=255), max_size=60), max_size=4))
def test_no_cookie_makes_the_reader_fail(lines: list[str]) -> None:
    Asked(headers=[("cookie", line) for line in lines]).call().cookies()
