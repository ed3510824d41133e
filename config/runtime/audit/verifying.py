"""Proving that the audit log is whole: each entry is hashed anew and held against the promises."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, func, select

from config.runtime.audit.records import checkpoints, entries, entry_leaf, read_head
from config.runtime.audit.tree import Checkpoint, Tree
from config.runtime.database.unit import Database, Row, Statement

CheckSignature = Callable[[bytes, bytes], None]
"""Takes the bytes of a checkpoint and its signature; raises if it is not one."""

PAGE = 1000

_PAGE = Statement(
    select(entries)
    .where(entries.c.place >= bindparam("start"), entries.c.place < bindparam("end"))
    .order_by(entries.c.place)
    .limit(PAGE)
)
_LAST_PLACE = Statement(select(func.max(entries.c.place)))
_CHECKPOINTS = Statement(select(checkpoints).order_by(checkpoints.c.size))
_NEWEST = Statement(select(checkpoints).order_by(checkpoints.c.size.desc()).limit(1))


class AuditBroken(Exception):
    """The log was altered. ``place`` is the first entry at which it shows."""

    def __init__(self, place: int, reason: str) -> None:
        super().__init__(f"audit log broken at entry {place}: {reason}")
        self.place = place


@dataclass(frozen=True, slots=True)
class Verified:
    """A log of ``size`` entries with ``root`` that keeps every one of ``checkpoints``."""

    size: int
    root: bytes
    checkpoints: int


async def verify(
    database: Database, check: CheckSignature, trusted: Sequence[Checkpoint] = ()
) -> Verified:
    """Return what the log holds, or raise AuditBroken, or what ``check`` raises.

    ``trusted`` are checkpoints that were kept elsewhere: without one, somebody who can write the
    database can cut off the end of the log together with the checkpoints about it. Entries that
    wait for the sequencer (half a second, ordinarily) are not yet protected.
    """
    last = await database.row(_LAST_PLACE)
    promised = [_checkpoint(row) for row in await database.rows(_CHECKPOINTS)]
    for one in promised:
        check(one.signed_text(), one.signature)
    roots: dict[int, set[bytes]] = {}
    for one in (*promised, *trusted):
        roots.setdefault(one.size, set()).add(one.root)
    try:
        head = await read_head(database)
    except ValueError as reason:
        raise AuditBroken(0, str(reason)) from reason
    tree = Tree()
    async for row in _sequenced(database, head.size):
        tree = _followed(tree, row)
        if roots.pop(tree.size, {tree.root()}) != {tree.root()}:
            raise AuditBroken(tree.size - 1, "a checkpoint promises another content")
    if tree != head:
        raise AuditBroken(tree.size, "the head promises another content")
    if roots:
        raise AuditBroken(tree.size, "a checkpoint promises more entries")
    if last is not None and last[0] is not None and last[0] >= head.size:
        raise AuditBroken(head.size, "an entry lies beyond the head")
    return Verified(tree.size, tree.root(), len(promised))


async def last_checkpoint(database: Database) -> Checkpoint | None:
    """Return the newest checkpoint, None if there is none yet."""
    row = await database.row(_NEWEST)
    return None if row is None else _checkpoint(row)


async def _sequenced(database: Database, size: int) -> AsyncIterator[Row]:
    for start in range(0, size, PAGE):
        for row in await database.rows(_PAGE, start=start, end=min(size, start + PAGE)):
            yield row


def _followed(tree: Tree, row: Row) -> Tree:
    if row["place"] != tree.size:
        raise AuditBroken(tree.size, "the entry is missing")
    leaf = entry_leaf(tree.size, row)
    if row["leaf"] != leaf:
        raise AuditBroken(tree.size, "the entry was altered")
    return tree.append(leaf)


def _checkpoint(row: Row) -> Checkpoint:
    return Checkpoint(size=row["size"], root=row["root"], at=row["at"], signature=row["signature"])
