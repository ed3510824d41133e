"""Seals of organisations, plugged together."""

from config.runtime.web import Route
from config.settings import Issuer
from config.wiring.bearers import bearers
from config.wiring.world import World
from esignet.endpoints.seals import SealsEndpoint
from esignet.flows.preparing import Preparing
from esignet.flows.sealed_documents import SealedElsewhere
from esignet.flows.seals import Seals
from esignet.flows.signing import Signing
from esignet.stores.seals import SealedDocuments


def seal_routes(
    world: World, issuer: Issuer, preparing: Preparing, signing: Signing
) -> list[Route]:
    """Return the addresses at which ``issuer``'s clients have documents sealed."""
    esignet = world.settings.esignet
    elsewhere = SealedElsewhere(
        store=SealedDocuments(world.database),
        uploaded=preparing.uploaded,
        door=world.door,
        entropy=world.entropy,
    )
    return SealsEndpoint(
        seals=Seals(preparing, signing, elsewhere),
        bearers=bearers(world, issuer, esignet.address),
        clock=world.clock,
        largest=esignet.largest_document,
        origins=(esignet.address,),
    ).routes()
