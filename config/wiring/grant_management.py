"""The grant management endpoint of an issuer, plugged together."""

from config.runtime.audit.records import DatabaseAudit
from config.runtime.journal import DatabaseJournal
from config.settings import Issuer
from config.wiring.world import World
from idp.endpoints.grants import GrantsEndpoint
from idp.flows.access import Access
from idp.flows.grant_management import GrantManagement
from idp.stores.records import Records


def grant_management(world: World, issuer: Issuer, access: Access) -> tuple[GrantsEndpoint, ...]:
    """Return the endpoint, where the issuer offers it."""
    if not issuer.features.grant_management:
        return ()
    management = GrantManagement(
        grants=access.grants,
        records=Records(DatabaseJournal(), DatabaseAudit()),
        database=world.database,
    )
    return (GrantsEndpoint(management, access, world.clock),)
