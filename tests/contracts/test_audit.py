"""Nothing in the audit log can be altered, left out or cut off without being found."""

import asyncio
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete, func, select, text, update

from config.runtime.audit.records import AuditEntry, DatabaseAudit, checkpoints, entries, heads
from config.runtime.audit.sequencer import Sequencer
from config.runtime.audit.tree import Checkpoint, Tree
from config.runtime.audit.verifying import AuditBroken, verify
from config.runtime.clock import SystemClock
from config.runtime.database.connect import OpenDatabase
from config.runtime.database.unit import Statement, Write

KEY = b"a key that only this test has"
NOW = 10_000


class BadSignature(Exception):
    pass


async def sign(message: bytes) -> bytes:
    return sha256(KEY + message).digest()


def check(message: bytes, signature: bytes) -> None:
    if sha256(KEY + message).digest() != signature:
        raise BadSignature


async def record(database: OpenDatabase, first: int, count: int) -> None:
    for n in range(first, first + count):
        entry = AuditEntry(
            at=NOW, actor="c", action="token.issued", about=f"g{n}", details={"n": n}
        )
        await database.submit(DatabaseAudit().write(entry))


def sequencer(database: OpenDatabase) -> Sequencer:
    return Sequencer(database, sign, SystemClock())


async def change(database: OpenDatabase, clause: object) -> None:
    await database.submit(Write(Statement(clause), {}, rows=None))  # type: ignore[arg-type]


async def whole_log(database: OpenDatabase, size: int = 20) -> Checkpoint:
    """Return the checkpoint of a log of ``size`` entries and a few after it."""
    await record(database, 0, size)
    one = sequencer(database)
    await one.run_once()
    made = await one.checkpoint(NOW)
    assert made is not None
    await record(database, size, 3)
    await one.run_once()
    return made


@pytest.mark.parametrize("size", [1, 7, 64, 75])
async def test_a_log_that_nobody_touched_is_whole(database: OpenDatabase, size: int) -> None:
    made = await whole_log(database, size)
    found = await verify(database, check, [made])
    assert (found.size, found.checkpoints) == (size + 3, 1)


async def test_an_empty_log_is_whole_and_needs_no_checkpoint(database: OpenDatabase) -> None:
    assert (await verify(database, check)).size == 0
    assert await sequencer(database).run_once() == 0
    assert await sequencer(database).checkpoint(NOW) is None


@pytest.mark.parametrize(
    "column", ["number", "at", "actor", "action", "about", "details", "leaf", "place"]
)
async def test_any_altered_column_is_found(database: OpenDatabase, column: str) -> None:
    await whole_log(database)
    altered = {
        "number": 1_000_000,
        "at": NOW + 1,
        "leaf": bytes(32),
        "place": 1_000_000,
    }.get(column, "altered")
    await change(database, update(entries).where(entries.c.place == 5).values({column: altered}))
    with pytest.raises(AuditBroken) as broken:
        await verify(database, check)
    assert broken.value.place == 5


async def test_an_entry_altered_together_with_its_hash_is_found(database: OpenDatabase) -> None:
    from config.runtime.audit.tree import leaf_hash

    await whole_log(database)
    row = await database.row(Statement(select(entries).where(entries.c.place == 5)))
    assert row is not None
    leaf = leaf_hash(5, (row["number"], row["at"], "mallory", *(row[c] for c in range(3, 6))))
    await change(
        database,
        update(entries).where(entries.c.place == 5).values(actor="mallory", leaf=leaf),
    )
    with pytest.raises(AuditBroken, match="checkpoint"):
        await verify(database, check)


async def test_an_entry_that_was_taken_out_is_found(database: OpenDatabase) -> None:
    await whole_log(database)
    await change(database, delete(entries).where(entries.c.place == 5))
    with pytest.raises(AuditBroken, match="missing"):
        await verify(database, check)


async def test_two_entries_that_changed_places_are_found(database: OpenDatabase) -> None:
    await whole_log(database)
    for before, after in ((5, 500), (6, 5), (500, 6)):
        await change(database, update(entries).where(entries.c.place == before).values(place=after))
    with pytest.raises(AuditBroken):
        await verify(database, check)


async def test_an_end_that_was_cut_off_is_found(database: OpenDatabase) -> None:
    await whole_log(database)
    await change(database, delete(entries).where(entries.c.place >= 10))
    with pytest.raises(AuditBroken, match="head"):
        await verify(database, check)


async def test_an_end_cut_off_with_a_forged_head_is_found(database: OpenDatabase) -> None:
    made = await whole_log(database)
    tree = Tree()
    for row in await database.rows(Statement(select(entries.c.leaf).order_by(entries.c.place))):
        if tree.size < 10:
            tree = tree.append(row["leaf"])
    await change(database, delete(entries).where(entries.c.place >= 10))
    await change(database, update(heads).values(size=10, peaks=tree.pack()))
    with pytest.raises(AuditBroken, match="more entries"):
        await verify(database, check)
    # With the checkpoints gone too, only one that was kept elsewhere tells.
    await change(database, delete(checkpoints))
    assert (await verify(database, check)).size == 10
    with pytest.raises(AuditBroken, match="more entries"):
        await verify(database, check, [made])


@pytest.mark.parametrize("column", ["size", "root", "at", "signature"])
async def test_an_altered_checkpoint_is_found(database: OpenDatabase, column: str) -> None:
    await whole_log(database)
    altered = {"size": 19, "at": 1}.get(column, b"altered")
    await change(database, update(checkpoints).values({column: altered}))
    with pytest.raises(BadSignature):
        await verify(database, check)


async def test_an_altered_head_is_found(database: OpenDatabase) -> None:
    await whole_log(database)
    await change(database, update(heads).values(peaks=b"short"))
    with pytest.raises(AuditBroken):
        await verify(database, check)


async def test_an_entry_put_behind_the_head_is_found(database: OpenDatabase) -> None:
    await whole_log(database)
    await record(database, 100, 1)
    await change(
        database,
        update(entries).where(entries.c.place.is_(None)).values(place=23, leaf=bytes(32)),
    )
    with pytest.raises(AuditBroken, match="beyond"):
        await verify(database, check)


async def test_sequencers_side_by_side_give_each_entry_one_place(database: OpenDatabase) -> None:
    await record(database, 0, 150)
    await asyncio.gather(*(sequencer(database).run_once() for _ in range(4)))
    await sequencer(database).run_once()
    assert (await verify(database, check)).size == 150


async def test_a_checkpoint_is_made_each_minute_and_only_of_what_is_new(
    database: OpenDatabase,
) -> None:
    await whole_log(database)
    one = sequencer(database)
    assert await one.checkpoint(NOW + 59) is None
    made = await one.checkpoint(NOW + 60)
    assert made is not None and made.size == 23
    assert await one.checkpoint(NOW + 200) is None
    assert (await verify(database, check)).checkpoints == 2


async def test_a_signer_that_is_away_delays_the_checkpoint_and_nothing_else(
    database: OpenDatabase,
) -> None:
    async def away(_: bytes) -> bytes:
        raise ConnectionError

    await record(database, 0, 3)
    one = Sequencer(database, away, SystemClock())
    assert await one.run_once() == 3
    assert await one.checkpoint(NOW) is None
    assert await sequencer(database).checkpoint(NOW + 1) is not None


async def test_the_sequencer_runs_until_it_is_told_to_stop(database: OpenDatabase) -> None:
    stop = asyncio.Event()
    one = Sequencer(database, sign, SystemClock(), interval=0.01)
    running = asyncio.create_task(one.run(stop))
    await record(database, 0, 10)
    count = Statement(select(func.count(text("1"))).where(entries.c.place.is_(None)))
    async with asyncio.timeout(20):
        while True:
            row = await database.row(count)
            if row is not None and row[0] == 0:
                break
            await asyncio.sleep(0.01)
    stop.set()
    await running
    assert (await verify(database, check)).size == 10


def mth(leaves: list[bytes]) -> bytes:
    """RFC 9162 §2.1.1 as it is written there."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return sha256(b"\1" + mth(leaves[:k]) + mth(leaves[k:])).digest()


@pytest.mark.spec("RFC 9162 §2.1.1")
@given(st.integers(0, 130))
def test_the_root_is_that_of_the_specification(size: int) -> None:
    leaves = [sha256(bytes([n])).digest() for n in range(size)]
    tree = Tree()
    for leaf in leaves:
        tree = tree.append(leaf)
    assert tree.root() == mth(leaves)
    assert Tree.unpack(tree.size, tree.pack()) == tree
