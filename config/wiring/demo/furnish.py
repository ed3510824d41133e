"""What the first start makes and a later one finds made: tables, clients, residents.

It brings the database, the registrar and the importer into the process, so it is imported by a
start that needs it; ``is_furnished`` in ``telling`` says whether.
"""

import asyncio
from collections.abc import Callable

from config.settings import Settings
from config.wiring.demo.conformance import register_families
from config.wiring.demo.plan import Plan
from config.wiring.demo.seed import import_samples, register_clients
from config.wiring.demo.telling import mark_furnished
from config.wiring.migrations import KEYSTORE, WEB, migrate
from config.wiring.production import open_world
from idp.residents.importing import Progress
from keystore.purposes import Role


async def make_tables(settings: Settings) -> None:
    """Bring both databases to this version."""
    await asyncio.to_thread(migrate, settings.keys.database, KEYSTORE)
    await asyncio.to_thread(migrate, settings.database.url, WEB)


async def fill(settings: Settings, plan: Plan, report: Callable[[int, int], None]) -> None:
    """Register the clients and import the residents; tell ``report`` how far it is, and of what.

    The key service must be there.
    """

    def tell(progress: Progress) -> None:
        report(progress.position, progress.size)

    async with open_world(settings, Role.OPERATOR) as world:
        await register_clients(world, plan)
        if plan.tester:
            await register_families(world, plan)
        await import_samples(world, plan.directory, tell)
    mark_furnished(plan)
