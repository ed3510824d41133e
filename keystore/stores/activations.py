"""Activations that were used: each once, for as long as somebody could try again."""

from sqlalchemy import BigInteger, Column, Table, Text, bindparam, delete, select

from config.runtime.database.schema import metadata
from config.runtime.database.statements import insert_new
from config.runtime.database.unit import Database, Statement, Write

MOST = 500
"""Rows that leave in one unit."""

BATCHES = 20
"""Units of one sweep: more leaves every few seconds than a token could have signed."""

used_activation = Table(
    "used_activation",
    metadata,
    Column("jti", Text, primary_key=True),
    Column("expires_at", BigInteger, nullable=False, index=True),
)

_USE = insert_new(used_activation)
_EXPIRED = Statement(
    delete(used_activation)
    .where(
        used_activation.c.jti.in_(
            select(used_activation.c.jti)
            .where(used_activation.c.expires_at < bindparam("now"))
            .limit(MOST)
        )
    )
    .returning(used_activation.c.jti)
)


def use(jti: str, expires_at: int) -> Write:
    """Return the write that uses an activation; it is refused if it was used before."""
    return Write(_USE, {"jti": jti, "expires_at": expires_at})


async def forget(database: Database, now: int) -> None:
    """Forget activations that expired long ago: an hour, for clocks may be set back."""
    for _ in range(BATCHES):
        gone = await database.take(Write(_EXPIRED, {"now": now - 3600}))
        if len(gone) < MOST:
            return
