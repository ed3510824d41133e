"""Documents that clients give to the signing service, plugged together."""

from config.runtime.web import Route
from config.settings.esignet import Esignet
from config.wiring.world import World
from esignet.endpoints.admission import Bearers
from esignet.endpoints.documents import DocumentsEndpoint
from esignet.flows.documents import Allowance, Uploads
from esignet.flows.uploaded import Uploaded
from esignet.pdf.pool import PdfPool
from esignet.stores.documents import Documents


def uploads(world: World) -> Uploads:
    """Return the documents of clients."""
    return Uploads(
        store=Documents(world.database),
        door=world.door,
        entropy=world.entropy,
        clock=world.clock,
        allowance=allowance(world.settings.esignet),
    )


def uploaded(world: World, given: Uploads, pdf: PdfPool) -> Uploaded:
    """Return what finds and lends them to signature requests."""
    return Uploaded(uploads=given, pdf=pdf, largest=world.settings.esignet.largest_document)


def allowance(esignet: Esignet) -> Allowance:
    """Return how much of documents is kept, and how long."""
    return Allowance(
        largest=esignet.largest_upload,
        quota=esignet.upload_quota,
        lifetime=esignet.upload_lifetime,
    )


def document_routes(world: World, given: Uploads, callers: Bearers) -> list[Route]:
    """Return the addresses at which documents are given."""
    origins = (world.settings.esignet.address,)
    return DocumentsEndpoint(
        uploads=given, bearers=callers, clock=world.clock, origins=origins
    ).routes()
