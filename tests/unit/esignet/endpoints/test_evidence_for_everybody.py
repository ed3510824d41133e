"""Time-stamps, statuses, certificates and lists over HTTP, as any validator asks for them."""

import base64
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID
from rfc3161_client import TimestampRequestBuilder, decode_timestamp_response

from config.runtime.web import Budget, Web
from esignet.endpoints.certificates import CertificatesEndpoint
from esignet.endpoints.ocsp import KEPT, REQUEST, RESPONSE, OcspEndpoint
from esignet.endpoints.tsa import QUERY, REPLY, TsaEndpoint
from keystore.authority.profiles import Kind
from keystore.door import KeyServiceUnavailable
from keystore.signing.door import AuthorityShown
from tests.authorities import AuthorityWorld, openssl, pem
from tests.unit.web.asking import Asked, Reply, ask, web

pytestmark = pytest.mark.server


@dataclass
class KeyService:
    """What the socket would answer; ``is_away`` stops it."""

    world: AuthorityWorld
    is_away: bool = False

    def _there(self) -> None:
        if self.is_away:
            raise KeyServiceUnavailable("away")

    async def timestamp_response(self, request: bytes) -> bytes:
        self._there()
        return await self.world.stamping.respond(request)

    async def status_response(self, request: bytes) -> bytes:
        self._there()
        return await self.world.responder.respond(request, self.world.clock.now())

    async def authority(self) -> AuthorityShown:
        self._there()
        return await self.world.showing.shown(self.world.clock.now())


@pytest.fixture
def service(world: AuthorityWorld) -> KeyService:
    return KeyService(world)


@pytest.fixture
def app(service: KeyService) -> Web:
    routes = [
        *TsaEndpoint(authority=service).routes(),
        *OcspEndpoint(responder=service, clock=service.world.clock).routes(),
        *CertificatesEndpoint(documents=service).routes(),
    ]
    return web(routes, budgets={"tokens": Budget("tokens", 100, 10)})


async def posted(app: Web, path: str, kind: str, body: bytes) -> Reply:
    return await ask(app, Asked("POST", path, [("content-type", kind)], [body]))


async def question(world: AuthorityWorld) -> bytes:
    """An OCSP request about a new certificate."""
    issuer = x509.load_der_x509_certificate(world.authority.own(Kind.ISSUING).certificate)
    builder = ocsp.OCSPRequestBuilder()
    request = builder.add_certificate(await world.signer(), issuer, hashes.SHA1())
    return request.build().public_bytes(Encoding.DER)


async def test_a_time_stamp_over_http(app: Web) -> None:
    query = TimestampRequestBuilder().data(b"content").build()
    reply = await posted(app, "/tsa", QUERY, query.as_bytes())
    assert reply.status == 200
    assert reply.header("content-type") == REPLY
    assert decode_timestamp_response(reply.body).tst_info.nonce == query.nonce


@pytest.mark.parametrize(("path", "kind"), [("/tsa", QUERY), ("/ocsp", REQUEST)])
async def test_other_content_and_large_bodies_are_refused(app: Web, path: str, kind: str) -> None:
    assert (await posted(app, path, "text/plain", b"x")).status == 415
    assert (await posted(app, path, kind, b"x" * 5000)).status == 413
    assert (await posted(app, path, kind, b"x")).status == 200  # the refusal is in the response


async def test_a_status_by_post_is_not_kept_and_by_get_it_is(
    app: Web, world: AuthorityWorld
) -> None:
    request = await question(world)
    answer = await posted(app, "/ocsp", REQUEST, request)
    assert answer.header("content-type") == RESPONSE
    assert answer.header("cache-control") == "no-store"
    got = await ask(app, Asked("GET", "/ocsp/" + base64.b64encode(request).decode()))
    assert got.status == 200
    assert f"max-age={KEPT}" in (got.header("cache-control") or "")
    assert got.header("etag")
    for reply in (answer, got):
        read = ocsp.load_der_ocsp_response(reply.body)
        assert read.certificate_status is ocsp.OCSPCertStatus.GOOD


@pytest.mark.parametrize("rest", ["!!", "a", "%%%", "MAMCAQE="])
async def test_what_is_no_request_in_an_address_is_refused(app: Web, rest: str) -> None:
    reply = await ask(app, Asked("GET", f"/ocsp/{rest}"))
    if reply.status == 200:
        refused = ocsp.load_der_ocsp_response(reply.body)
        assert refused.response_status is ocsp.OCSPResponseStatus.MALFORMED_REQUEST
        assert reply.header("cache-control") == "no-store"
    else:
        assert reply.status in (400, 404)


async def test_everything_that_a_certificate_names_is_there(
    app: Web, world: AuthorityWorld, tmp_path: Path
) -> None:
    certificate = await world.signer()
    access = certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess)
    issuers = [
        one.access_location.value
        for one in access.value
        if one.access_method == AuthorityInformationAccessOID.CA_ISSUERS
    ]
    reply = await ask(app, Asked("GET", urlsplit(issuers[0]).path))
    assert reply.header("content-type") == "application/pkix-cert"
    issuer = x509.load_der_x509_certificate(reply.body)
    certificate.verify_directly_issued_by(issuer)
    points = certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    place = points[0].full_name
    assert place is not None
    reply = await ask(app, Asked("GET", urlsplit(place[0].value).path))
    assert reply.header("content-type") == "application/pkix-crl"
    (tmp_path / "list.der").write_bytes(reply.body)
    (tmp_path / "issuer.pem").write_bytes(pem(issuer))
    judged = openssl(tmp_path, "crl", "-inform", "DER", "-in", "list.der", "-CAfile", "issuer.pem")
    assert "verify OK" in judged.stderr


@pytest.mark.parametrize("name", ["00.crt", "root.crl", "x", "..crt"])
async def test_other_names_are_nothing(app: Web, name: str) -> None:
    assert (await ask(app, Asked("GET", f"/ca/{name}"))).status == 404


async def test_whoever_asks_for_a_list_costs_no_signature(app: Web, world: AuthorityWorld) -> None:
    first, second = [await world.showing.shown(world.clock.now()) for _ in range(2)]
    assert first.crls == second.crls
    world.clock.at += 601
    assert (await world.showing.shown(world.clock.now())).crls != first.crls


async def test_without_the_key_service_everything_says_try_later(
    app: Web, service: KeyService
) -> None:
    request = await question(service.world)
    service.is_away = True
    assert (await posted(app, "/tsa", QUERY, b"x")).status == 503
    assert (await ask(app, Asked("GET", "/ca/00.crt"))).status == 503
    reply = await posted(app, "/ocsp", REQUEST, request)
    told = ocsp.load_der_ocsp_response(reply.body).response_status
    assert told is ocsp.OCSPResponseStatus.TRY_LATER
