"""Units of PostgreSQL lock the same rows in the same order, so that none waits for another."""

from sqlalchemy import bindparam, delete, insert, update

from config.runtime.database.unit import Statement, Value, Write
from config.runtime.database.unit_sql import in_locking_order
from tests.contracts.database_codes import codes

TURN = Statement(
    update(codes).where(codes.c.id == bindparam("code")).values(used_by=bindparam("by"))
)
ADD = Statement(insert(codes))
END = Statement(delete(codes).where(codes.c.id == bindparam("code")))


def turn(code: str, by: str | None) -> Write:
    return Write(TURN, {"code": code, "by": by})


def values(writes: tuple[Write, ...]) -> list[dict[str, Value]]:
    return [dict(write.values) for write in writes]


def test_the_same_rows_come_in_the_same_order_whoever_names_them() -> None:
    one, other = (turn("a", "1"), turn("b", None)), (turn("b", None), turn("a", "1"))
    assert values(in_locking_order(one)) == values(in_locking_order(other))


def test_a_statement_keeps_its_places_among_others() -> None:
    end = Write(END, {"code": "c"})
    b, a = turn("b", "1"), turn("a", None)
    assert in_locking_order((b, end, a)) == (a, end, b)


def test_what_is_added_stays_in_its_order_of_arrival() -> None:
    unit = tuple(Write(ADD, {"id": code}) for code in "cab")
    assert in_locking_order(unit) == unit
