"""The signing service plugged together. Read it to see which address is answered by what."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import msgspec

from config import VERSION
from config.runtime.cache import Cache
from config.runtime.database.unit import DatabaseUnavailable
from config.runtime.health import Health
from config.runtime.pages.assets import Assets
from config.runtime.tally import RequestTally
from config.runtime.telemetry import LoopLag, Metrics
from config.runtime.web import Answer, Budget, Call, Failure, House, Route, Web
from config.runtime.web.arriving import Arrivals
from config.runtime.web.failures import failure_json
from config.runtime.web.openapi import openapi
from config.runtime.web.operations import Operations, budget_gauges, check_gauge
from config.settings import Issuer
from config.settings.esignet import Esignet
from config.wiring.application import Application
from config.wiring.bearers import bearers
from config.wiring.certificates import trusted_proxies
from config.wiring.esignet_csc import CscGround, csc_routes
from config.wiring.esignet_documents import document_routes, uploaded, uploads
from config.wiring.esignet_evidence import evidence_routes
from config.wiring.esignet_history import history_routes, noting
from config.wiring.esignet_hosted import hosted, hosted_routes
from config.wiring.esignet_notices import webhooks
from config.wiring.esignet_pages import page_door
from config.wiring.esignet_requests import RequestGround, looks, signature_requests
from config.wiring.esignet_seals import seal_routes
from config.wiring.esignet_timestamps import stamp_anchors, timestamps
from config.wiring.readiness import authority_check, checks
from config.wiring.verifying import every_format
from config.wiring.world import World
from esignet.endpoints.certificates import CertificatesEndpoint
from esignet.endpoints.ocsp import OcspEndpoint
from esignet.endpoints.page_door import PageDoor
from esignet.endpoints.requests import SignatureRequestsEndpoint
from esignet.endpoints.tsa import TsaEndpoint
from esignet.endpoints.validation import ValidationEndpoint
from esignet.endpoints.validation_page import ValidationPage
from esignet.flows.csc_later import Later
from esignet.flows.documents import Uploads
from esignet.flows.hosted import Hosted
from esignet.flows.preparing import Preparing
from esignet.flows.requests import Requests
from esignet.flows.resuming import Resuming
from esignet.flows.signing import Signing
from esignet.flows.validating import Validating
from esignet.formats.format import Format
from esignet.pdf.pool import Bounds, PdfPool
from esignet.stores.csc_answers import CscAnswers
from esignet.validation.engine import Trust
from keystore.checking.paths import pem_certificates
from keystore.door import KeyServiceUnavailable
from keystore.purposes import Role
from keystore.service.document_client import DocumentClient
from keystore.service.run import socket_path

LOOKING = Bounds(workers=1)
"""Of the process that draws documents for readers: they never hold up those who sign."""

SHOWN = 60.0
"""Seconds for which chains and revocation lists are taken from memory."""


def build_esignet(world: World) -> Application:
    """Return the signing service on ``world``, which is of the esignet role."""
    settings = world.settings
    documents = DocumentClient(socket_path(Path(settings.keys.sockets), Role.ESIGNET))
    signing = _signing(world, documents)
    later = Later(answers=CscAnswers(world.database), clock=world.clock, entropy=world.entropy)
    door, looking = page_door(world, _issuer(world)), PdfPool(LOOKING)
    formats, given = every_format(), uploads(world)
    preparing = _preparing(world, formats, signing, given)
    requests, resuming = signature_requests(_requests(world, signing, preparing))
    csc = CscGround(
        documents=documents,
        signing=signing,
        later=later,
        formats=formats,
        issuer=_issuer(world),
        keeps=noting(world),
    )
    on_our_pages = hosted(world, _issuer(world), requests, looking)
    routes = [
        *Assets(door.answers.pages.look).routes(),
        *_evidence(world, documents),
        *_validation(world, signing, formats, door),
        *document_routes(world, given, bearers(world, _issuer(world), settings.esignet.address)),
        *_request_routes(world, requests, on_our_pages),
        *evidence_routes(world, _issuer(world), requests, signing, door),
        *history_routes(world, _issuer(world), on_our_pages.login, door),
        *seal_routes(world, _issuer(world), preparing, signing),
        *hosted_routes(world, _issuer(world), on_our_pages, door),
        *csc_routes(world, csc),
    ]
    closing = (signing.pdf.close, looking.close, signing.stamps.close, documents.close)
    asked = (*checks(world), authority_check(world, documents.authority))
    health = Health(world.clock, asked)
    return _application(world, routes, door, health, _lifespan(closing, later, resuming))


def _signing(world: World, documents: DocumentClient) -> Signing:
    return Signing(
        documents=documents,
        stamps=timestamps(world, documents),
        pdf=PdfPool(),
        shown=Cache(world.clock, entries=1, seconds=SHOWN),
    )


def _evidence(world: World, documents: DocumentClient) -> list[Route]:
    origins = (world.settings.esignet.address,)
    return [
        *TsaEndpoint(authority=documents, origins=origins).routes(),
        *OcspEndpoint(responder=documents, clock=world.clock, origins=origins).routes(),
        *CertificatesEndpoint(documents=documents, origins=origins).routes(),
    ]


def _validation(
    world: World, signing: Signing, formats: Mapping[str, Format], door: PageDoor
) -> list[Route]:
    esignet, clock = world.settings.esignet, world.clock
    validating = Validating(formats=formats, pdf=signing.pdf, trust=_trust(esignet, signing))
    largest = esignet.largest_document
    return ValidationEndpoint(
        validating=validating,
        page=ValidationPage(validating=validating, door=door, clock=clock, largest=largest),
        clock=clock,
        largest=largest,
        origins=(esignet.address,),
    ).routes()


def _trust(esignet: Esignet, signing: Signing) -> Callable[[], Awaitable[Trust]]:
    """Return what says whom signatures are believed from: our own roots, and those of the file."""
    others = pem_certificates(Path(esignet.trust).read_bytes()) if esignet.trust else []
    stampers = stamp_anchors(esignet.timestamps)

    async def trust() -> Trust:
        shown = await signing.shown.get("", signing.documents.authority)
        anchors = tuple(dict.fromkeys((*(chain[-1] for chain in shown.chains), *others)))
        return Trust(anchors=anchors, stamp_anchors=(*anchors, *stampers))

    return trust


def _preparing(
    world: World, formats: Mapping[str, Format], signing: Signing, given: Uploads
) -> Preparing:
    return Preparing(
        formats=formats,
        pdf=signing.pdf,
        uploaded=uploaded(world, given, signing.pdf),
        looks=looks(world.settings.esignet),
    )


def _requests(world: World, signing: Signing, preparing: Preparing) -> RequestGround:
    return RequestGround(
        database=world.database,
        door=world.door,
        clock=world.clock,
        entropy=world.entropy,
        hand=signing,
        preparing=preparing,
        notices=webhooks(world, _issuer(world)),
        notes=noting(world),
        most=world.settings.esignet.open_requests,
    )


def _request_routes(world: World, requests: Requests, links: Hosted) -> list[Route]:
    esignet = world.settings.esignet
    return SignatureRequestsEndpoint(
        requests=requests,
        bearers=bearers(world, _issuer(world), esignet.address),
        clock=world.clock,
        largest=esignet.largest_document,
        links=links,
        origins=(esignet.address,),
    ).routes()


def _issuer(world: World) -> Issuer:
    """Return the issuer whose people sign here: the one that names this service, or the first."""
    address, issuers = world.settings.esignet.address, world.settings.issuers
    named = (one for one in issuers if one.features.signing_service == address)
    return next(named, issuers[0])


def _application(
    world: World,
    routes: list[Route],
    door: PageDoor,
    health: Health,
    lifespan: Callable[[], AbstractAsyncContextManager[None]],
) -> Application:
    settings = world.settings
    budgets = {
        "tokens": Budget("tokens", settings.web.concurrent_tokens, settings.web.concurrent_tokens),
        "logins": Budget("logins", settings.web.concurrent_logins, settings.web.concurrent_logins),
        "uploads": Budget("uploads", settings.esignet.concurrent_uploads, 0),
    }
    tally = RequestTally()
    house = House(
        origins=[settings.esignet.address],
        clock=world.clock,
        entropy=world.entropy,
        budgets=budgets,
        refusals={DatabaseUnavailable: _away, KeyServiceUnavailable: _away},
        failure_page=door.failure_page,
        tally=tally,
        proxies=trusted_proxies(settings.web),
        arrivals=Arrivals(settings.esignet.arriving),
        lifespan=lifespan,
    )
    web = Web(routes, house)
    lag = LoopLag(world.clock)
    metrics = Metrics(tally, [*budget_gauges(budgets), check_gauge(health), lag.gauge()])
    document = msgspec.json.encode(openapi(routes, "Symbolon esignet", VERSION))
    return Application(web, Operations(health, metrics, lambda: web.draining, document), lag)


def _lifespan(
    closing: Sequence[Callable[[], Awaitable[None]]], later: Later, resuming: Resuming
) -> Callable[[], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan() -> AsyncIterator[None]:
        looking = asyncio.create_task(resuming.run())
        try:
            yield
        finally:
            looking.cancel()
            await asyncio.wait([looking])
            await resuming.signing.drained()
            await later.drained()
            for close in closing:
                await close()

    return lifespan


def _away(_: Exception, call: Call) -> Answer:
    """Tell whoever asked to come back: nothing happened, or whether it did is not known (R1)."""
    failure = Failure(
        status=503,
        code="temporarily_unavailable",
        description="something that is needed is away; try again",
    )
    answer = failure_json(failure, call)
    answer.headers.append((b"retry-after", b"5"))
    return answer
