"""Global Token Revocation of an issuer, plugged together."""

from config.settings import Issuer
from config.wiring.stores import Stores
from config.wiring.world import World
from idp.endpoints.global_revocation import GlobalRevocationEndpoint
from idp.endpoints.resource import Resource
from idp.flows.access import Access
from idp.flows.clients import KnownClients
from idp.flows.global_revocation import GlobalRevocation
from idp.protocol.global_revocation import SCOPE
from idp.stores.sessions import Sessions
from idp.stores.subjects import Subjects


def global_revocation(
    world: World, issuer: Issuer, stores: Stores, known: KnownClients, access: Access
) -> tuple[GlobalRevocationEndpoint, ...]:
    """Return the endpoint, where the issuer offers it."""
    if not issuer.features.global_token_revocation:
        return ()
    revocation = GlobalRevocation(
        issuer=issuer.address,
        known=known,
        subjects=Subjects(world.database),
        sessions=Sessions(world.database, issuer.address),
        grants=stores.grants,
        records=stores.records,
        database=world.database,
    )
    resource = Resource(access=access, clock=world.clock, scope=SCOPE)
    return (GlobalRevocationEndpoint(revocation, resource, world.clock),)
