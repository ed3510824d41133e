"""Signing on our pages, plugged together: links, pages, and our own login at the issuer."""

from collections.abc import Sequence
from dataclasses import dataclass

from config.runtime.cache import Cache
from config.runtime.web import Route
from config.settings import Issuer
from config.wiring.bearers import bearers
from config.wiring.world import World
from esignet.endpoints.hosted import HostedPages
from esignet.endpoints.hosted_documents import HostedDocuments
from esignet.endpoints.hosted_door import LinkDoor
from esignet.endpoints.hosted_links import LinksEndpoint
from esignet.endpoints.page_door import PageDoor
from esignet.flows.hosted import Hosted
from esignet.flows.hosted_login import HostedLogin
from esignet.flows.requests import Requests
from esignet.pdf.pool import PdfPool
from esignet.protocol.hosted import Party, origin
from esignet.stores.links import Links
from idp.stores.clients import Clients

COUNTED = 3600.0
"""Seconds for which it is remembered how many pages a document has."""


@dataclass(frozen=True, slots=True)
class RegisteredParties:
    """Relying parties as they registered at the issuer."""

    issuer: str
    clients: Clients

    async def find(self, client_id: str) -> Party | None:
        """Return who that is."""
        client = await self.clients.find(client_id)
        if client is None or client.issuer != self.issuer:
            return None
        origins = frozenset(origin(uri) for uri in client.redirect_uris) - {""}
        return Party(client_id=client_id, names=client.names, origins=origins)


def hosted(world: World, issuer: Issuer, requests: Requests, pdf: PdfPool) -> Hosted:
    """Return what makes links, and leads people through them; ``pdf`` draws for readers."""
    return Hosted(
        links=Links(world.database),
        requests=requests,
        parties=RegisteredParties(issuer.address, Clients(world.database)),
        login=HostedLogin(
            issuer=issuer.address,
            service=world.settings.esignet.address,
            alg=issuer.signing_algs[0],
            door=world.door,
            http=world.to_issuer or world.fetcher,
            entropy=world.entropy,
        ),
        tokens=bearers(world, issuer, world.settings.esignet.address),
        pdf=pdf,
        counted=Cache(world.clock, entries=10_000, seconds=COUNTED),
        entropy=world.entropy,
    )


def hosted_routes(world: World, issuer: Issuer, made: Hosted, door: PageDoor) -> Sequence[Route]:
    """Return the addresses of links and of the pages that they lead to."""
    service, clock = world.settings.esignet.address, world.clock
    link = LinkDoor(hosted=made, door=door, clock=clock)
    pages = HostedPages(
        hosted=made,
        door=door,
        link=link,
        clock=clock,
        issuer=issuer.address,
        origins=(service,),
    )
    documents = HostedDocuments(hosted=made, door=door, link=link, clock=clock, origins=(service,))
    links = LinksEndpoint(
        hosted=made, bearers=bearers(world, issuer, service), clock=clock, address=service
    )
    return [*links.routes(), *pages.routes(), *documents.routes()]
