"""The sequencer: gives waiting audit entries their place in the log, and signs checkpoints.

One works at a time; a second one that runs by mistake is refused by the head row and does no harm.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence

from sqlalchemy import BigInteger, LargeBinary, bindparam, case, func, select, update

from config.runtime.audit.records import checkpoints, entries, entry_leaf, heads, read_head
from config.runtime.audit.tiles import write_tiles
from config.runtime.audit.tree import Checkpoint, Tree
from config.runtime.clock import Clock
from config.runtime.database.statements import insert_new
from config.runtime.database.unit import (
    Database,
    DatabaseUnavailable,
    Refused,
    Row,
    Statement,
    Value,
    Write,
)

Sign = Callable[[bytes], Awaitable[bytes]]
"""Returns a signature over the bytes of a checkpoint. Any exception means: not now."""

CHUNKS = (64, 8, 1)
"""How many entries one unit takes: few shapes, so that each is compiled and planned once."""

CHECKPOINT_EVERY = 60
"""Seconds between two checkpoints."""

_log = logging.getLogger(__name__)


def _placing(count: int) -> Statement:
    numbers = [bindparam(f"number{n}", type_=BigInteger) for n in range(count)]
    places = [bindparam(f"place{n}", type_=BigInteger) for n in range(count)]
    leaves = [bindparam(f"leaf{n}", type_=LargeBinary) for n in range(count)]
    return Statement(
        update(entries)
        .where(entries.c.number.in_(numbers), entries.c.place.is_(None))
        .values(
            place=case(*((entries.c.number == n, p) for n, p in zip(numbers, places, strict=True))),
            leaf=case(*((entries.c.number == n, h) for n, h in zip(numbers, leaves, strict=True))),
        )
    )


_PLACE = {count: _placing(count) for count in CHUNKS}
_WAITING = Statement(
    select(entries)
    .where(entries.c.place.is_(None))
    .order_by(entries.c.number)
    .limit(bindparam("most"))
)
_NEW_HEAD = insert_new(heads)
_MOVE_HEAD = Statement(
    update(heads)
    .where(heads.c.id == 1, heads.c.size == bindparam("before"))
    .values(size=bindparam("after"), peaks=bindparam("peaks_after"))
)
_LAST_CHECKPOINT = Statement(select(func.max(checkpoints.c.size), func.max(checkpoints.c.at)))
_NEW_CHECKPOINT = insert_new(checkpoints)


class Sequencer:
    """Orders what waits; signs what is ordered."""

    def __init__(self, database: Database, sign: Sign, clock: Clock, interval: float = 0.5) -> None:
        self._database = database
        self._sign = sign
        self._clock = clock
        self._interval = interval

    async def run(self, stop: asyncio.Event) -> None:
        """Sequence, and make checkpoints, until ``stop`` is set."""
        while not stop.is_set():
            try:
                await self.run_once()
                if await self.checkpoint(self._clock.now()) is not None:
                    await write_tiles(self._database)
            except DatabaseUnavailable as failure:
                _log.warning("audit log not sequenced: %s", failure)
            # What comes meanwhile is placed together: one at a time would take the database's only
            # writer from requests, hundreds of times a second.
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), self._interval)

    async def run_once(self) -> int:
        """Give every entry that waits its place; return how many got one."""
        placed = 0
        while True:
            tree = await read_head(self._database)
            waiting = await self._database.rows(_WAITING, most=CHUNKS[0])
            if not waiting:
                return placed
            count = next(chunk for chunk in CHUNKS if chunk <= len(waiting))
            try:
                await self._database.submit(*_placed(tree, waiting[:count]))
            except Refused:
                return placed  # another sequencer was faster, and goes on
            placed += count

    async def checkpoint(self, now: int) -> Checkpoint | None:
        """Sign the log as it stands, if it grew and the last checkpoint is a minute old."""
        last = await self._database.row(_LAST_CHECKPOINT)
        if last is not None and last[1] is not None and now - last[1] < CHECKPOINT_EVERY:
            return None
        tree = await read_head(self._database)
        if tree.size == (last[0] or 0 if last is not None else 0):
            return None
        made = Checkpoint(size=tree.size, root=tree.root(), at=now)
        try:
            signature = await self._sign(made.signed_text())
        except Exception as failure:
            _log.error("audit checkpoint not signed: %s", type(failure).__name__)
            return None
        values: dict[str, Value] = {
            "size": made.size,
            "root": made.root,
            "at": made.at,
            "signature": signature,
        }
        await self._database.submit(Write(_NEW_CHECKPOINT, values, rows=None))
        return Checkpoint(size=made.size, root=made.root, at=made.at, signature=signature)


def _placed(tree: Tree, rows: Sequence[Row]) -> list[Write]:
    """Return the unit that appends ``rows`` to ``tree``."""
    before = tree.size
    values: dict[str, Value] = {}
    for n, row in enumerate(rows):
        leaf = entry_leaf(tree.size, row)
        values |= {f"number{n}": row["number"], f"place{n}": tree.size, f"leaf{n}": leaf}
        tree = tree.append(leaf)
    # The head first: it makes two sequencers wait for one another and refuses the slower one.
    packed = tree.pack()
    if before == 0:
        head = Write(_NEW_HEAD, {"id": 1, "size": tree.size, "peaks": packed})
    else:
        head = Write(_MOVE_HEAD, {"before": before, "after": tree.size, "peaks_after": packed})
    return [head, Write(_PLACE[len(rows)], values, rows=len(rows))]
