"""What a process needs to do its work, asked for /readyz and by ``symbolon doctor``."""

from collections.abc import Awaitable, Callable

from sqlalchemy import func, select

from config.runtime.database.connect import MOST_SKEW
from config.runtime.database.unit import Statement
from config.runtime.health import Check
from config.runtime.outbox import outbox
from config.wiring.migrations import WEB, is_current
from config.wiring.world import World
from keystore.authority.expiring import troubles
from keystore.door import KeyServiceUnavailable, NotPermitted
from keystore.signing.door import AuthorityShown

LONGEST_WAIT = 60
"""Seconds that a message may be overdue before the worker is thought to be away."""

_OLDEST = Statement(select(func.min(outbox.c.due_at)))


def checks(world: World) -> tuple[Check, ...]:
    """Return the checks of a process on ``world``."""
    return (
        Check("database", lambda: _database(world)),
        Check("migrations", lambda: _migrations(world)),
        Check("key service", lambda: _keys(world)),
        Check("messages", lambda: _messages(world), needed=False),
    )


def authority_check(world: World, shown: Callable[[], Awaitable[AuthorityShown]]) -> Check:
    """Return the check of the certificate authority that ``shown`` shows."""

    async def ask() -> str | None:
        try:
            found = troubles(await shown(), world.clock.now())
        except (KeyServiceUnavailable, NotPermitted) as reason:
            return f"the key service does not show it: {reason}"
        return "; ".join(found) or None

    return Check("authority", ask, needed=False)


async def _database(world: World) -> str | None:
    skew = await world.database.skew(world.clock.now())
    if abs(skew) > MOST_SKEW:
        return f"this clock is {skew:+.1f} s off the database's: set up time synchronisation"
    return None


async def _migrations(world: World) -> str | None:
    if await is_current(world.database, WEB):
        return None
    return "the database lacks tables of this version: run `symbolon migrate`"


async def _messages(world: World) -> str | None:
    row = await world.database.row(_OLDEST)
    overdue = world.clock.now() - row[0] if row and row[0] is not None else 0
    if overdue > LONGEST_WAIT:
        return f"a message waits since {overdue} s: is `symbolon work` running?"
    return None


async def _keys(world: World) -> str | None:
    try:
        for issuer in world.settings.issuers:
            await world.door.published(issuer.address)
    except (KeyServiceUnavailable, NotPermitted) as reason:
        return f"the key service does not answer: {reason}"
    return None
