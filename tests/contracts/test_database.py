"""What every Database promises, on SQLite and on PostgreSQL."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence

import pytest
from sqlalchemy import bindparam, delete, insert, update

from config.runtime.database.connect import OpenDatabase, open_database
from config.runtime.database.statements import upsert
from config.runtime.database.unit import DatabaseUnavailable, Refused, Statement, Value, Write
from tests.contracts.database_codes import (
    CODE,
    CODES,
    NEW_CODE,
    NOTE,
    TABLES,
    codes,
    new_code,
    new_note,
    notes,
    use,
)
from tests.servers import PATIENT, create_tables

FORGET = Statement(delete(codes).where(codes.c.used_at.is_(None)))


@pytest.fixture
async def own(empty_database_url: str) -> AsyncIterator[OpenDatabase]:
    create_tables(empty_database_url, TABLES)
    opened = await open_database(empty_database_url, PATIENT)
    yield opened
    await opened.close()


async def test_what_was_submitted_is_read_by_name_and_by_position(own: OpenDatabase) -> None:
    await own.submit(new_code("a"), new_note(2**62))
    note = await own.row(NOTE, note=2**62)
    assert note is not None
    assert (note["id"], note["body"], note["weight"]) == (2**62, b"\0\xff", 0.5)
    assert (note[0], note[1], note[2]) == (2**62, b"\0\xff", 0.5)
    assert await own.row(NOTE, note=1) is None
    assert [row["id"] for row in await own.rows(CODES)] == ["a"]


async def test_a_refused_write_is_named_and_nothing_of_its_unit_remains(own: OpenDatabase) -> None:
    await own.submit(new_code("a"), new_code("b"))
    await own.submit(use("a", "first"))
    again = use("a", "second")
    with pytest.raises(Refused) as refusal:
        await own.submit(new_note(1), use("b"), again, new_note(2))
    assert refusal.value.write is again
    assert await own.row(NOTE, note=1) is None
    assert await own.row(NOTE, note=2) is None
    b, a = await own.row(CODE, code="b"), await own.row(CODE, code="a")
    assert b is not None and b["used_at"] is None
    assert a is not None and a["used_by"] == "first"


async def test_the_first_refused_write_is_the_one_that_is_named(own: OpenDatabase) -> None:
    first, second = use("missing"), use("missing too")
    with pytest.raises(Refused) as refusal:
        await own.submit(new_code("a"), first, second)
    assert refusal.value.write is first


@pytest.mark.parametrize("beside", [[], [new_note(1)]])
async def test_touching_too_many_rows_refuses_as_well(
    own: OpenDatabase, beside: list[Write]
) -> None:
    await own.submit(new_code("a"), new_code("b"))
    with pytest.raises(Refused):
        await own.submit(Write(FORGET, {}, rows=1), *beside)
    assert len(await own.rows(CODES)) == 2
    await own.submit(Write(FORGET, {}, rows=2), *beside)
    assert await own.rows(CODES) == []


async def test_a_write_may_leave_open_how_many_rows_it_touches(own: OpenDatabase) -> None:
    await own.submit(Write(FORGET, {}, rows=None))
    await own.submit(new_code("a"), new_code("b"))
    await own.submit(new_note(1), Write(FORGET, {}, rows=None))
    assert await own.rows(CODES) == []
    await own.submit()


async def test_a_write_may_demand_that_nothing_is_touched(own: OpenDatabase) -> None:
    await own.submit(Write(FORGET, {}, rows=0), new_code("a"))
    with pytest.raises(Refused):
        await own.submit(Write(FORGET, {}, rows=0))
    assert len(await own.rows(CODES)) == 1


async def test_what_must_be_new_is_refused_when_it_exists(own: OpenDatabase) -> None:
    await own.submit(new_code("a"))
    with pytest.raises(Refused):
        await own.submit(new_code("a"))
    with pytest.raises(Refused):
        await own.submit(new_note(1), new_code("a"))
    assert await own.row(NOTE, note=1) is None


async def test_upsert_writes_over(own: OpenDatabase) -> None:
    put = upsert(codes, ["id"])
    for by in ("first", "second"):
        await own.submit(Write(put, {"id": "a", "used_at": 1, "used_by": by}))
    row = await own.row(CODE, code="a")
    assert row is not None and row["used_by"] == "second"


@pytest.mark.behaviour(17)
async def test_of_64_who_use_one_code_at_once_exactly_one_succeeds(own: OpenDatabase) -> None:
    for round_ in range(5):
        code = f"code-{round_}"
        await own.submit(new_code(code))
        outcomes = await asyncio.gather(
            *(own.submit(use(code, str(n)), new_note(round_ * 64 + n)) for n in range(64)),
            return_exceptions=True,
        )
        winners = [n for n, outcome in enumerate(outcomes) if outcome is None]
        assert len(winners) == 1
        assert all(isinstance(o, Refused) for o in outcomes if o is not None)
        row = await own.row(CODE, code=code)
        assert row is not None and row["used_by"] == str(winners[0])
        for n in range(64):
            found = await own.row(NOTE, note=round_ * 64 + n)
            assert (found is not None) == (n == winners[0])


async def test_of_64_who_take_one_row_exactly_one_has_it(own: OpenDatabase) -> None:
    await own.submit(new_code("a"))
    taken = await asyncio.gather(*(own.take(use("a", str(n))) for n in range(64)))
    winners = [rows for rows in taken if rows]
    assert len(winners) == 1
    assert winners[0][0]["id"] == "a"


async def test_of_64_who_insert_one_key_exactly_one_succeeds(own: OpenDatabase) -> None:
    outcomes = await asyncio.gather(
        *(own.submit(new_code("a"), new_note(n)) for n in range(64)), return_exceptions=True
    )
    assert [outcome for outcome in outcomes if outcome is None] == [None]


async def test_units_that_lock_in_opposite_order_all_end(own: OpenDatabase) -> None:
    await own.submit(new_code("a"), new_code("b"))
    turn = Statement(
        update(codes).where(codes.c.id == bindparam("code")).values(used_by=bindparam("by"))
    )

    def both(order: str, by: str) -> list[Write]:
        return [Write(turn, {"code": code, "by": by}) for code in order]

    await asyncio.gather(*(own.submit(*both("ab" if n % 2 else "ba", str(n))) for n in range(16)))
    a, b = await own.rows(CODES)
    assert a["used_by"] == b["used_by"]


async def test_two_units_of_many_statements_that_lock_each_other_both_end(
    own: OpenDatabase,
) -> None:
    """The server breaks such a deadlock after a second, and the unit that lost is tried again."""
    await own.submit(new_code("a"), new_code("b"))
    turns = [
        Statement(update(codes).where(codes.c.id == code).values(used_by=bindparam("by")))
        for code in "ab"
    ]

    def both(by: str, order: Sequence[Statement]) -> list[Write]:
        return [Write(turn, {"by": by}) for turn in order]

    await asyncio.gather(own.submit(*both("1", turns)), own.submit(*both("2", turns[::-1])))
    a, b = await own.rows(CODES)
    assert a["used_by"] == b["used_by"]


async def test_a_load_is_one_transaction(own: OpenDatabase) -> None:
    add = Statement(insert(notes))
    many: list[dict[str, Value]] = [{"id": n, "body": b"", "weight": 1.0} for n in range(3000)]
    await own.load([(add, many), (NEW_CODE, [dict(new_code("a").values)])])
    assert await own.row(NOTE, note=2999) is not None
    assert await own.row(CODE, code="a") is not None
    more: list[dict[str, Value]] = [{"id": n, "body": b"", "weight": 1.0} for n in (5000, 0)]
    with pytest.raises(Exception, match=r"(?i)unique"):
        await own.load([(add, more)])
    assert await own.row(NOTE, note=5000) is None
    assert len(await own.rows(CODES)) == 1


@pytest.mark.parametrize("text", ["a\0b", "\0", "\ud800"])
async def test_text_that_cannot_be_stored_is_an_error_of_value(
    own: OpenDatabase, text: str
) -> None:
    with pytest.raises(ValueError):
        await own.submit(new_note(1), new_code(text))
    with pytest.raises(ValueError):
        await own.row(CODE, code=text)
    with pytest.raises(ValueError):
        await own.load([(NEW_CODE, [dict(new_code(text).values)])])
    assert await own.row(NOTE, note=1) is None
    await own.submit(new_code("still in order"))


async def test_a_number_that_is_too_large_is_an_error_of_value(own: OpenDatabase) -> None:
    with pytest.raises(ValueError):
        await own.submit(new_code("a"), new_note(2**63))
    assert await own.rows(CODES) == []


@pytest.mark.parametrize("text", ["", "'; --", "ا\u202eب", "👩‍👩‍👧", "%s ? $1 :x", "refused 7 "])
async def test_any_other_text_is_kept_as_it_is(own: OpenDatabase, text: str) -> None:
    await own.submit(new_code(text), new_note(1))
    row = await own.row(CODE, code=text)
    assert row is not None and row["id"] == text
    with pytest.raises(Refused):
        await own.submit(new_note(2), new_code(text))


async def test_a_fault_of_one_unit_spares_those_beside_it(own: OpenDatabase) -> None:
    plain = Statement(insert(codes))
    await own.submit(new_code("taken"))
    outcomes = await asyncio.gather(
        own.submit(new_code("a")),
        own.submit(Write(plain, new_code("taken").values), new_note(1)),
        own.submit(new_code("b")),
        return_exceptions=True,
    )
    assert outcomes[0] is None and outcomes[2] is None
    assert isinstance(outcomes[1], Exception)
    assert {row["id"] for row in await own.rows(CODES)} == {"taken", "a", "b"}
    assert await own.row(NOTE, note=1) is None


async def test_who_stops_waiting_harms_nobody(own: OpenDatabase) -> None:
    for n in range(50):
        given_up = asyncio.create_task(own.submit(new_code(f"gone-{n}")))
        await asyncio.sleep(0)
        given_up.cancel()
        await asyncio.gather(given_up, own.submit(new_code(f"kept-{n}")), return_exceptions=True)
    kept = [row["id"] for row in await own.rows(CODES) if row["id"].startswith("kept")]
    assert len(kept) == 50


async def test_a_closed_database_is_unavailable(own: OpenDatabase) -> None:
    await own.close()
    with pytest.raises(DatabaseUnavailable):
        await own.submit(new_code("a"))
    with pytest.raises(DatabaseUnavailable):
        await own.rows(CODES)
    await own.close()


async def test_the_clocks_of_this_machine_agree(own: OpenDatabase) -> None:
    now = int(time.time())
    assert abs(await own.skew(now)) < 3
    assert await own.skew(now + 3600) in (0.0, pytest.approx(3600, abs=3))
