"""Seals of organisations, plugged together."""

from config.runtime.web import Route
from config.settings import Issuer
from config.wiring.bearers import bearers
from config.wiring.world import World
from esignet.endpoints.seals import SealsEndpoint
from esignet.flows.preparing import Preparing
from esignet.flows.seals import Seals
from esignet.flows.signing import Signing


def seal_routes(
    world: World, issuer: Issuer, preparing: Preparing, signing: Signing
) -> list[Route]:
    """Return the address at which ``issuer``'s clients have documents sealed."""
    esignet = world.settings.esignet
    return SealsEndpoint(
        seals=Seals(preparing, signing),
        bearers=bearers(world, issuer, esignet.address),
        clock=world.clock,
        largest=esignet.largest_document,
        origins=(esignet.address,),
    ).routes()
