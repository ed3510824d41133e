"""What a process needs to do its work, asked for /readyz and by ``symbolon doctor``."""

from config.runtime.database.connect import MOST_SKEW
from config.runtime.health import Check
from config.wiring.migrations import WEB, is_current
from config.wiring.world import World
from keystore.door import KeyServiceUnavailable, NotPermitted


def checks(world: World) -> tuple[Check, ...]:
    """Return the checks of a process on ``world``."""
    return (
        Check("database", lambda: _database(world)),
        Check("migrations", lambda: _migrations(world)),
        Check("key service", lambda: _keys(world)),
    )


async def _database(world: World) -> str | None:
    skew = await world.database.skew(world.clock.now())
    if abs(skew) > MOST_SKEW:
        return f"this clock is {skew:+.1f} s off the database's: set up time synchronisation"
    return None


async def _migrations(world: World) -> str | None:
    if await is_current(world.database, WEB):
        return None
    return "the database lacks tables of this version: run `symbolon migrate`"


async def _keys(world: World) -> str | None:
    try:
        for issuer in world.settings.issuers:
            await world.door.published(issuer.address)
    except (KeyServiceUnavailable, NotPermitted) as reason:
        return f"the key service does not answer: {reason}"
    return None
