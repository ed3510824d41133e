"""The CSC API plugged together: both versions, on the same credentials."""

from collections.abc import Mapping
from dataclasses import dataclass

from config.runtime.web import Route
from config.settings import Issuer
from config.settings.esignet import Esignet
from config.wiring.bearers import IssuerBearers, bearers
from config.wiring.world import World
from esignet.endpoints.csc import CscEndpoint
from esignet.endpoints.csc_methods import CscMethods
from esignet.flows.csc_approvals import Approvals, Keeps
from esignet.flows.csc_changes import CscChanges
from esignet.flows.csc_credentials import CscCredentials, KeptByKeyService, NothingStored, Stored
from esignet.flows.csc_documents import CscDocuments
from esignet.flows.csc_hashes import CscHashes, HashSigning
from esignet.flows.csc_later import Later
from esignet.flows.csc_stamps import CscStamps
from esignet.flows.signing import Signing
from esignet.formats.format import Format
from esignet.protocol.csc.service import Service
from esignet.protocol.csc.version import V1, V2, Version
from keystore.service.document_client import DocumentClient

VERSIONS = ((V1, "/csc/v1"), (V2, "/csc/v2"))


@dataclass(frozen=True, slots=True, kw_only=True)
class CscGround:
    """What the API stands on: the key service's ``documents``, and what is made of them."""

    documents: DocumentClient
    signing: Signing
    later: Later
    formats: Mapping[str, Format]
    issuer: Issuer
    keeps: Keeps


def csc_routes(world: World, ground: CscGround) -> list[Route]:
    """Return the routes of both versions."""
    esignet = world.settings.esignet
    callers = bearers(world, ground.issuer, esignet.address)
    about = Service(
        name=esignet.organization,
        logo="",
        region=esignet.country,
        description="Signatures of residents, each approved by its signer",
        issuer=ground.issuer.address,
    )
    routes = []
    for version, path in VERSIONS:
        routes += CscEndpoint(
            version=version,
            origin=esignet.address,
            path=path,
            clock=world.clock,
            bearers=callers,
            about=about,
            methods=_methods(version, esignet, callers, ground).served(),
        ).routes()
    return routes


def _methods(
    version: Version, esignet: Esignet, callers: IssuerBearers, ground: CscGround
) -> CscMethods:
    keeps = esignet.stored_keys
    stored: Stored = KeptByKeyService(ground.documents) if keeps else NothingStored()
    hashes = None
    if esignet.sign_hash:
        hashes = CscHashes(stored, HashSigning(ground.documents), ground.keeps)
    offered = ground.issuer.features.signing_qualifiers
    return CscMethods(
        version=version,
        approvals=Approvals(callers),
        credentials=CscCredentials(stored),
        documents=CscDocuments(
            formats=ground.formats,
            signs=ground.signing,
            qualifiers=offered,
            pdf=ground.signing.pdf,
            keeps=ground.keeps,
        ),
        stamps=CscStamps(ground.documents),
        later=ground.later,
        hashes=hashes,
        changes=CscChanges(ground.documents) if keeps else None,
    )
