"""The log's inner hashes in tiles of 256, and proofs of inclusion from them (C2SP tlog-tiles)."""

from sqlalchemy import bindparam, func, select

from config.runtime.audit.inclusion import Inclusion, Node, joined, siblings
from config.runtime.audit.records import entries, leaf_row, read_head, tiles
from config.runtime.audit.tree import folded, leaf_octets
from config.runtime.database.statements import insert_new
from config.runtime.database.unit import Database, Statement, Value, Write

HEIGHT = 8
WIDTH = 1 << HEIGHT

_LEAVES = Statement(
    select(entries.c.leaf)
    .where(entries.c.place >= bindparam("start"), entries.c.place < bindparam("end"))
    .order_by(entries.c.place)
)
_ENTRIES = Statement(
    select(entries)
    .where(entries.c.place >= bindparam("start"), entries.c.place < bindparam("end"))
    .order_by(entries.c.place)
)
_TILES = Statement(
    select(tiles.c.hash)
    .where(
        tiles.c.level == bindparam("level"),
        tiles.c.number >= bindparam("start"),
        tiles.c.number < bindparam("end"),
    )
    .order_by(tiles.c.number)
)
_COUNT = Statement(
    select(func.coalesce(func.max(tiles.c.number) + 1, 0)).where(
        tiles.c.level == bindparam("level")
    )
)
_NEW_TILE = insert_new(tiles)


async def hashes(database: Database, level: int, start: int, end: int) -> list[bytes]:
    """Return the hashes of ``level`` from ``start`` to before ``end``: entries' at level 0.

    A tile that was not written yet is computed from the level below.
    """
    if level == 0:
        rows = await database.rows(_LEAVES, start=start, end=end)
    else:
        rows = await database.rows(_TILES, level=level, start=start, end=end)
    found = [bytes(row[0]) for row in rows]
    for number in range(start + len(found), end):
        if level == 0:
            raise ValueError("the log does not reach so far")
        found.append(
            joined(await hashes(database, level - 1, number * WIDTH, (number + 1) * WIDTH))
        )
    return found


async def entry_octets(database: Database, start: int, end: int) -> bytes:
    """Return the entries from ``start`` to before ``end``, each after its length in two octets."""
    found = []
    for row in await database.rows(_ENTRIES, start=start, end=end):
        octets = leaf_octets(row["place"], leaf_row(row))
        found.append(len(octets).to_bytes(2, "big") + octets)
    return b"".join(found)


async def node(database: Database, wanted: Node) -> bytes:
    """Return the hash of a perfect subtree."""
    height, number = wanted
    level, above = divmod(height, HEIGHT)
    below = await hashes(database, level, number << above, (number + 1) << above)
    return joined(below)


async def prove(database: Database, place: int, size: int) -> Inclusion:
    """Return the proof that the entry at ``place`` is among the first ``size``; ValueError."""
    path = [
        folded([await node(database, one) for one in beside]) for beside in siblings(place, size)
    ]
    return Inclusion(place, size, tuple(path))


async def write_tiles(database: Database, most: int = 64) -> int:
    """Write up to ``most`` tiles that the log completed since; return how many were written."""
    size = (await read_head(database)).size
    written, level = 0, 1
    while size := size // WIDTH:
        counted = await database.row(_COUNT, level=level)
        first = counted[0] if counted is not None else 0
        for number in range(first, min(size, first + most - written)):
            below = await hashes(database, level - 1, number * WIDTH, (number + 1) * WIDTH)
            values: dict[str, Value] = {"level": level, "number": number, "hash": joined(below)}
            # Another sequencer may write the same tile: it has the same hash.
            await database.submit(Write(_NEW_TILE, values, rows=None))
            written += 1
        level += 1
    return written
