"""Who holds an entry and a checkpoint can be shown that the entry is in the log, and by no lie."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from config.runtime.audit.inclusion import Inclusion, NotIncluded, check, siblings
from config.runtime.audit.records import AuditEntry, DatabaseAudit, entries
from config.runtime.audit.sequencer import Sequencer
from config.runtime.audit.tiles import WIDTH, hashes, prove, write_tiles
from config.runtime.audit.tree import Tree, folded, leaf_hash
from config.runtime.clock import SystemClock
from config.runtime.database.connect import OpenDatabase
from config.runtime.database.unit import Statement

NOW = 10_000


async def sign(message: bytes) -> bytes:
    return b"signed"


async def log(database: OpenDatabase, size: int) -> Tree:
    audit = DatabaseAudit()
    for start in range(0, size, 100):
        await database.submit(
            *(
                audit.write(AuditEntry(at=NOW, actor="c", action="a.b", about=f"g{n}"))
                for n in range(start, min(size, start + 100))
            )
        )
    await Sequencer(database, sign, SystemClock()).run_once()
    tree = Tree()
    for leaf in await hashes(database, 0, 0, size):
        tree = tree.append(leaf)
    return tree


def leaves(size: int) -> list[bytes]:
    return [leaf_hash(n, (n, NOW, "c", "a.b", f"g{n}", "{}")) for n in range(size)]


def proof(all_leaves: list[bytes], place: int, size: int) -> Inclusion:
    """Return the proof by the definition of RFC 9162 §2.1.3.1, subtree by subtree."""

    def root(height: int, number: int) -> bytes:
        tree = Tree()
        for leaf in all_leaves[number << height : (number + 1) << height]:
            tree = tree.append(leaf)
        return tree.root()

    path = [folded([root(*node) for node in beside]) for beside in siblings(place, size)]
    return Inclusion(place, size, tuple(path))


def root_of(some: list[bytes]) -> bytes:
    tree = Tree()
    for leaf in some:
        tree = tree.append(leaf)
    return tree.root()


@pytest.mark.spec("RFC 9162 §2.1.3.2")
@given(st.integers(1, 70), st.data())
def test_every_entry_of_every_log_can_be_proved(size: int, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, size - 1))
    some = leaves(size)
    check(some[place], proof(some, place, size), root_of(some))


@pytest.mark.spec("RFC 9162 §2.1.3.2")
@given(st.integers(2, 70), st.data())
def test_no_lie_passes(size: int, data: st.DataObject) -> None:
    some = leaves(size)
    place = data.draw(st.integers(0, size - 1))
    good, root = proof(some, place, size), root_of(some)
    other = data.draw(st.integers(0, size - 1).filter(lambda n: n != place))
    changed = data.draw(st.integers(0, len(good.path) - 1))
    lies = [
        (some[other], good),
        (some[place], replace(good, path=good.path[:-1])),
        (some[place], replace(good, path=(*good.path, bytes(32)))),
        (some[place], replace(good, place=size)),
        (some[place], replace(good, place=-1)),
        (
            some[place],
            replace(good, path=(*good.path[:changed], bytes(32), *good.path[changed + 1 :])),
        ),
    ]
    for leaf, lie in lies:
        with pytest.raises(NotIncluded):
            check(leaf, lie, root)


def test_an_entry_beyond_the_log_has_no_proof() -> None:
    for place, size in ((0, 0), (5, 5), (-1, 5)):
        with pytest.raises(ValueError, match="so far"):
            siblings(place, size)


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 600])
async def test_a_proof_from_the_database_leads_to_the_root(
    database: OpenDatabase, size: int
) -> None:
    tree = await log(database, size)
    await write_tiles(database)
    for place in {0, size // 2, size - 1}:
        [leaf] = await hashes(database, 0, place, place + 1)
        check(leaf, await prove(database, place, size), tree.root())
    with pytest.raises(ValueError, match="so far"):
        await prove(database, size, size)


async def test_a_proof_of_an_older_checkpoint_needs_no_newer_entry(database: OpenDatabase) -> None:
    older = await log(database, 300)
    await write_tiles(database)
    await log(database, 40)
    [leaf] = await hashes(database, 0, 299, 300)
    check(leaf, await prove(database, 299, 300), older.root())


async def test_tiles_are_written_once_and_a_lost_one_is_computed(database: OpenDatabase) -> None:
    tree = await log(database, 3 * WIDTH + 1)
    assert await prove(database, 5, tree.size) == await prove(database, 5, tree.size)
    before = await prove(database, 5, tree.size)  # no tile yet
    assert await write_tiles(database, most=2) == 2
    assert await write_tiles(database) == 1
    assert await write_tiles(database) == 0
    assert await prove(database, 5, tree.size) == before


async def test_what_was_promised_is_what_the_log_holds(database: OpenDatabase) -> None:
    entry = AuditEntry(at=NOW, actor="c", action="a.b", about="one", details={"n": 1})
    await database.submit(DatabaseAudit().write(entry))
    row = await database.row(Statement(select(entries).where(entries.c.about == "one")))
    assert row is not None
    other = replace(entry, details={"n": 2})
    assert entry.content() != other.content()
    assert row["details"] == entry.encoded()
    counted = await database.row(Statement(select(func.count()).select_from(entries)))
    assert counted is not None and counted[0] == 1
