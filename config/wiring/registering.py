"""What registers relying parties, plugged together on a world."""

from config.runtime.audit.records import DatabaseAudit
from config.runtime.journal import DatabaseJournal
from config.wiring.details import detail_types
from config.wiring.world import World
from idp.flows.registration import Registrar
from idp.stores.clients import Clients
from idp.stores.grants import Grants
from idp.stores.records import Records


def registrar(world: World) -> Registrar:
    """Return what registers clients at the issuers of ``world``."""
    return Registrar(
        issuers=world.settings.issuers,
        clients=Clients(world.database),
        grants=Grants(world.database),
        records=Records(DatabaseJournal(), DatabaseAudit()),
        database=world.database,
        door=world.door,
        entropy=world.entropy,
        fetch=world.fetcher.get_json,
        detail_types=detail_types,
    )
