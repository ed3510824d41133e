"""Signatures that were made, for whoever did not hear the answer: until the activation expires."""

from dataclasses import dataclass

from sqlalchemy import BigInteger, Column, LargeBinary, Table, bindparam, select

from config.runtime.database.schema import metadata
from config.runtime.database.statements import insert_new, prune
from config.runtime.database.unit import Database, Statement, Value, Write
from keystore.stores.activations import BATCHES, MOST

kept_signatures = Table(
    "kept_signatures",
    metadata,
    Column("place", LargeBinary, primary_key=True),
    Column("answer", LargeBinary, nullable=False),
    Column("expires_at", BigInteger, nullable=False, index=True),
)

_KEEP = insert_new(kept_signatures)
_FIND = Statement(
    select(kept_signatures.c.answer).where(
        kept_signatures.c.place == bindparam("of"), kept_signatures.c.expires_at > bindparam("now")
    )
)
_PRUNE = prune(kept_signatures, "place", "expires_at")


@dataclass(frozen=True, slots=True)
class KeptSignatures:
    """Sealed answers in the key service's own database."""

    database: Database

    async def keep(self, place: bytes, answer: bytes, expires_at: int) -> None:
        """Keep ``answer`` under ``place``; what lies there stays."""
        values: dict[str, Value] = {"place": place, "answer": answer, "expires_at": expires_at}
        await self.database.submit(Write(_KEEP, values, rows=None))

    async def find(self, place: bytes, now: int) -> bytes | None:
        """Return what lies at ``place``."""
        row = await self.database.row(_FIND, of=place, now=now)
        return None if row is None else bytes(row["answer"])

    async def forget(self, now: int) -> None:
        """Forget what expired."""
        for _ in range(BATCHES):
            gone = await self.database.take(Write(_PRUNE, {"now": now, "limit": MOST}, rows=None))
            if len(gone) < MOST:
                return
