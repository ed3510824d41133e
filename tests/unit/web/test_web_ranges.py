"""Downloads that are gone on with: what is asked for in a range, and what is answered."""

from collections.abc import AsyncGenerator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.runtime.readable import Readable, held
from config.runtime.web import Answer, Call, Malformed
from config.runtime.web.ranges import download
from tests.unit.web.asking import Asked

OCTETS = bytes(range(100))
SIZE = len(OCTETS)
FOUND = held(OCTETS)
TAG = f'"{FOUND.tag}"'


def asked(*headers: tuple[str, str], method: str = "GET") -> Call:
    return Asked(method, "/file", headers).call()


async def body(answer: Answer) -> bytes:
    if answer.streamed is None:
        return answer.body
    return b"".join([piece async for piece in answer.streamed.pieces])


def header(answer: Answer, name: bytes) -> str | None:
    [*values] = [value.decode() for key, value in answer.headers if key == name]
    assert len(values) < 2
    return values[0] if values else None


@pytest.mark.spec("RFC 9110 §14.2")
@pytest.mark.parametrize(
    ("wanted", "first", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=0-9", 0, 10),
        ("bytes=10-", 10, 100),
        ("bytes=99-", 99, 100),
        ("bytes=0-99", 0, 100),
        ("bytes=0-100", 0, 100),
        ("bytes=50-999999999999999999", 50, 100),
        ("bytes=-1", 99, 100),
        ("bytes=-100", 0, 100),
        ("bytes=-999999", 0, 100),
        ("Bytes=3-4", 3, 5),
        ("bytes= ,3-4 ,", 3, 5),
    ],
)
async def test_a_range_is_answered_and_named(wanted: str, first: int, end: int) -> None:
    answer = download(asked(("range", wanted)), FOUND, "text/plain")
    assert answer.status == 206
    assert await body(answer) == OCTETS[first:end]
    assert answer.streamed is not None and answer.streamed.length == end - first
    assert header(answer, b"content-range") == f"bytes {first}-{end - 1}/{SIZE}"
    assert (header(answer, b"etag"), header(answer, b"accept-ranges")) == (TAG, "bytes")
    assert header(answer, b"content-type") == "text/plain"


@pytest.mark.spec("RFC 9110 §14.2")
@pytest.mark.parametrize(
    "wanted",
    [
        *("", "bytes", "bytes=", "bytes=-", "bytes=a-b", "bytes=5-3", "bytes=--5", "bytes=1-2-3"),
        *("bytes=0-1,5-6", "bytes=-1,-2", "lines=0-5", "bytes 0-5", "bytes=0x0-5", "bytes=+1-2"),
        *("bytes=\u0661-\u0662", f"bytes={'9' * 5000}-", "bytes=0- 5", "byte=0-5", "bytes=1.0-2"),
    ],
)
async def test_what_is_no_single_range_is_answered_with_all(wanted: str) -> None:
    call = Asked("GET", "/file", []).call()
    call.scope["headers"].append((b"range", wanted.encode()))
    answer = download(call, FOUND, "text/plain")
    assert (answer.status, await body(answer)) == (200, OCTETS)
    assert header(answer, b"content-range") is None
    assert (header(answer, b"etag"), header(answer, b"accept-ranges")) == (TAG, "bytes")


@pytest.mark.spec("RFC 9110 §15.5.17")
@pytest.mark.parametrize("wanted", ["bytes=100-", "bytes=100-200", "bytes=-0", "bytes=9999-"])
async def test_a_range_without_octets_is_told_how_many_there_are(wanted: str) -> None:
    answer = download(asked(("range", wanted)), FOUND, "text/plain")
    assert (answer.status, header(answer, b"content-range")) == (416, "bytes */100")
    assert b"range_not_satisfiable" in await body(answer)
    assert header(answer, b"etag") == TAG


@pytest.mark.spec("RFC 9110 §13.1.5")
@pytest.mark.parametrize(
    ("condition", "status"),
    [
        (TAG, 206),
        (f"  {TAG} ", 206),
        (f"W/{TAG}", 200),
        ('"another"', 200),
        (TAG.strip('"'), 200),
        ("Wed, 25 Nov 2026 08:00:00 GMT", 200),
        ("*", 200),
        ("", 200),
    ],
)
async def test_a_range_of_something_else_is_answered_with_all(condition: str, status: int) -> None:
    call = asked(("range", "bytes=10-19"), ("if-range", condition))
    answer = download(call, FOUND, "text/plain")
    assert answer.status == status
    assert await body(answer) == (OCTETS[10:20] if status == 206 else OCTETS)
    without = download(asked(("if-range", condition)), FOUND, "text/plain")
    assert without.status == 200


@pytest.mark.spec("RFC 9110 §13.2.2")
@pytest.mark.parametrize(
    ("name", "value", "status"),
    [
        ("if-match", TAG, 206),
        ("if-match", "*", 206),
        ("if-match", f'"another", {TAG}', 206),
        ("if-match", f"W/{TAG}", 412),
        ("if-match", '"another"', 412),
        ("if-match", "", 412),
        ("if-none-match", TAG, 304),
        ("if-none-match", f'W/{TAG}, "another"', 304),
        ("if-none-match", "*", 304),
        ("if-none-match", '"another"', 206),
    ],
)
async def test_conditions_come_before_ranges(name: str, value: str, status: int) -> None:
    answer = download(asked(("range", "bytes=0-0"), (name, value)), FOUND, "text/plain")
    assert answer.status == status
    assert (answer.streamed is None) == (status in (304, 412))
    assert header(answer, b"etag") == TAG


@pytest.mark.spec("RFC 9110 §14.2")
def test_of_the_head_all_is_told() -> None:
    call = asked(("range", "bytes=0-0"), method="HEAD")
    answer = download(call, FOUND, "text/plain")
    assert (answer.status, header(answer, b"accept-ranges")) == (200, "bytes")
    assert answer.streamed is not None and answer.streamed.length == SIZE


def test_two_fields_are_not_guessed_about() -> None:
    for name in ("range", "if-range"):
        twice = asked((name, "bytes=0-0"), (name, "bytes=1-1"), ("range", "bytes=0-1"))
        with pytest.raises(Malformed):
            download(twice, FOUND, "text/plain")


@given(st.text(st.characters(codec="latin-1", exclude_characters="\n"), max_size=60))
def test_whatever_is_sent_is_answered(text: str) -> None:
    for name in ("range", "if-range", "if-match", "if-none-match"):
        beside = () if name == "range" else (("range", "bytes=5-"),)
        answer = download(asked((name, text), *beside), FOUND, "text/plain")
        assert answer.status in (200, 206, 304, 412, 416)


@given(st.lists(st.integers(0, 120), max_size=8), st.integers(0, 130))
async def test_pieces_of_any_size_make_the_whole(sizes: list[int], last: int) -> None:
    taken = b""
    for size in [*sizes, 200]:
        wanted = f"bytes={len(taken)}-{len(taken) + size - 1}" if size else f"bytes=-{last}"
        answer = download(asked(("range", wanted)), FOUND, "text/plain")
        if not size:
            expected = OCTETS[max(SIZE - last, 0) :]
            assert answer.status == (206 if last else 416)
            assert await body(answer) == expected or not last
        elif len(taken) < SIZE:
            taken += await body(answer)
        else:
            assert answer.status == 416
    assert taken == OCTETS


async def test_of_nothing_there_is_no_range() -> None:
    async def read(_: range) -> AsyncGenerator[bytes, None]:
        yield b""

    empty = Readable(size=0, tag="e", read=read)
    statuses: dict[str, Any] = {"bytes=0-": 416, "bytes=-5": 416, "": 200}
    for wanted, status in statuses.items():
        assert download(asked(("range", wanted)), empty, "text/plain").status == status
