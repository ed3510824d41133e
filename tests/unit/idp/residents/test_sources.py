"""Files of any content are read row by row, and one bad row costs no other."""

import csv
import io
import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from idp.residents.claims import BadRow
from idp.residents.normalising import Numbering
from idp.residents.rows import Row
from idp.residents.sources import (
    LONGEST_ROW,
    BadFile,
    Entry,
    Read,
    comma_separated,
    json_lines,
)
from tests.residents import SAMPLES

NOWHERE = Numbering()
HEADER = b"national_id,name,name#ar,address.country,email_verified,handles,virtual_ids\n"


def entries(read: Read, content: bytes, position: int = 0, line: int = 1) -> list[Entry]:
    return list(read(io.BytesIO(content), NOWHERE, position, line))


def persons(found: list[Entry]) -> list[str]:
    return [entry.what.national_id if isinstance(entry.what, Row) else "bad" for entry in found]


def test_json_lines_pass_over_empty_lines_and_go_on_after_bad_ones() -> None:
    content = (
        b'\xef\xbb\xbf{"national_id": "1001"}\r\n\n'
        b'{"national_id": "1002"\n'
        b'{"national_id": "1003", "national_id": "1004"}\n'
        b'["1005"]\n'
        b'{"national_id": "\xff"}\n'
        b'{"national_id": "1006", "name": "' + b"x" * LONGEST_ROW + b'"}\n'
        b'{"national_id": "1007"}'
    )
    found = entries(json_lines, content)
    assert persons(found) == ["1001", "bad", "bad", "bad", "bad", "bad", "1007"]
    assert [entry.line for entry in found] == [1, 3, 4, 5, 6, 7, 8]
    assert found[-1].end == len(content)


def test_csv_says_the_same_as_json() -> None:
    line = (
        '1001,"O\'Brien, ""Si""",أمينة,KE,TRUE,a@x; 5@card,'
        "9001;9002|99|2;9003|2027-01-31T00:00:00Z\n"
    )
    [entry] = entries(comma_separated, HEADER + line.encode())
    said: dict[str, Any] = {
        "national_id": "1001",
        "name": 'O\'Brien, "Si"',
        "name#ar": "أمينة",
        "address": {"country": "KE"},
        "email_verified": True,
        "handles": ["a@x", "5@card"],
        "virtual_ids": [
            {"number": "9001"},
            {"number": "9002", "valid_until": 99, "uses": 2},
            {"number": "9003", "valid_until": "2027-01-31T00:00:00Z"},
        ],
    }
    [other] = entries(json_lines, json.dumps(said).encode())
    assert isinstance(entry.what, Row) and entry.what == other.what


def test_csv_cells_may_hold_line_breaks_and_a_lost_quote_costs_one_line() -> None:
    columns = b"national_id,address.formatted\n"
    content = (
        columns
        + b'1001,"1 Street\nTown"\r\n'
        + b'1002,"no end\n'
        + b"1003,plain\n"
        + b"1004\n"
        + b"1005,\xff\n"
        + b"\n"
        + b"1006,last"
    )
    found = entries(comma_separated, content)
    assert persons(found) == ["1001", "bad", "1003", "bad", "bad", "1006"]
    assert [entry.line for entry in found] == [2, 4, 5, 6, 7, 9]


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (b"national_id,nmae\n1001,A\n", "unknown column nmae: did you mean name?"),
        (b"national_id,address\n", "unknown column address: did you mean address."),
        (b"national_id,name.first\n", "column 2: unknown column"),
        (b"national_id,verification\n", "unknown column verification"),
        (b"national_id,name,name\n", "twice"),
        (b"name\n", "no column national_id"),
        (b"", "no column national_id"),
        (b"\xff\n", "UTF-8"),
        (b"4821009637,Amina\n", "column 1: unknown column: there are"),
        (b'"national_id\n', "must name the columns"),
    ],
)
def test_a_csv_file_with_a_wrong_first_line_is_not_begun(header: bytes, reason: str) -> None:
    with pytest.raises(BadFile, match=reason.replace(".", r"\.").replace("?", r"\?")):
        entries(comma_separated, header)


@pytest.mark.parametrize("read", [json_lines, comma_separated])
@given(content=st.binary(max_size=300))
def test_any_bytes_are_read_to_their_end(read: Read, content: bytes) -> None:
    if read is comma_separated:
        content = HEADER + content
    found = entries(read, content)
    ends = [entry.end for entry in found]
    assert ends == sorted(ends) and all(end <= len(content) for end in ends)


cell = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)


@given(st.lists(st.tuples(cell, cell), max_size=8), st.data())
def test_reading_goes_on_from_any_entry(rows: list[tuple[str, str]], draw: st.DataObject) -> None:
    written = io.StringIO(newline="")
    writer = csv.writer(written)
    writer.writerow(["national_id", "name"])
    writer.writerows(rows)
    lines = [json.dumps({"national_id": a, "name": b}).encode() for a, b in rows]
    for read, content in (
        (comma_separated, written.getvalue().encode()),
        (json_lines, b"\n".join(lines)),
    ):
        whole = entries(read, content)
        if whole:
            cut = draw.draw(st.integers(0, len(whole) - 1))
            rest = entries(read, content, whole[cut].end, whole[cut].next_line)
            shape = [(entry.line, entry.end, type(entry.what)) for entry in rest]
            assert shape == [(e.line, e.end, type(e.what)) for e in whole[cut + 1 :]]


@given(st.lists(st.tuples(cell, cell), min_size=1, max_size=8))
@example([("0000", "\x1e0")])
@example([("0000", "a\u2028b")])
def test_csv_as_others_write_it_is_read_as_they_meant(rows: list[tuple[str, str]]) -> None:
    written = io.StringIO(newline="")
    csv.writer(written).writerows([["national_id", "name"], *rows])
    found = entries(comma_separated, written.getvalue().encode())
    expected = entries(
        json_lines,
        b"\n".join(
            json.dumps(
                {n: v.strip() for n, v in (("national_id", a), ("name", b)) if v.strip()}
            ).encode()
            for a, b in rows
        ),
    )
    taken = [each.what for each in found if isinstance(each.what, Row)]
    assert taken == [each.what for each in expected if isinstance(each.what, Row)]


def test_the_samples_have_the_stories_that_break_software() -> None:
    with SAMPLES.open("rb") as file:
        found = list(json_lines(file, NOWHERE, 0, 1))
    rows = [entry.what for entry in found if not isinstance(entry.what, BadRow)]
    assert len(rows) == len(found) == 40
    assert len({row.national_id for row in rows}) == 40
    handles = [handle for row in rows for handle in row.handles]
    assert len(handles) == len(set(handles))
    assert rows[0].pin and rows[0].totp and len(rows[0].handles) == 2
    names = {each.value for row in rows for each in row.claims if each.name == "name"}
    assert any(len(name.replace(" ", "")) == 60 for name in names)
    assert any(" " not in name for name in names)
    assert {row.state.value for row in rows} == {"active", "locked", "expired", "deceased"}
    assert any(row.locked for row in rows)
    assert any(not row.reachable for row in rows)
    assert any("phone_number" not in {c.name for c in row.claims} for row in rows)
    assert SAMPLES.stat().st_size < 64 * 1024
