"""The evidence of signed requests, plugged together."""

from config.runtime.web import Route
from config.settings import Issuer
from config.wiring.bearers import bearers
from config.wiring.esignet_hosted import RegisteredParties
from config.wiring.world import World
from esignet.endpoints.evidence import EvidenceEndpoint
from esignet.endpoints.page_door import PageDoor
from esignet.flows.evidence import Evidence
from esignet.flows.requests import Requests
from esignet.flows.signing import Signing
from esignet.pages.receipts import HtmlReceipts
from idp.stores.clients import Clients


def evidence_routes(
    world: World, issuer: Issuer, requests: Requests, signing: Signing, door: PageDoor
) -> list[Route]:
    """Return the address at which ``issuer``'s clients get the evidence of their requests."""
    service = world.settings.esignet.address
    evidence = Evidence(
        requests=requests,
        documents=signing.documents,
        finishing=signing,
        parties=RegisteredParties(issuer.address, Clients(world.database)),
        receipts=HtmlReceipts(door.answers.pages),
        service=service,
        issuer=issuer.address,
    )
    return EvidenceEndpoint(
        evidence=evidence,
        bearers=bearers(world, issuer, service),
        clock=world.clock,
        origins=(service,),
    ).routes()
