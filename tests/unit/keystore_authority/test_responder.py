"""Answers about certificates, asked and judged by openssl."""

from hashlib import sha256
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import ocsp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keystore.authority.profiles import Kind
from keystore.authority.responder import FRESH
from keystore.backends.backend import Algorithm
from keystore.purposes import OwnRing
from tests.authorities import ANA, AuthorityWorld, new_spki, openssl, pem, written
from tests.small_pki import SmallPki

pytestmark = pytest.mark.server


async def answered(
    world: AuthorityWorld, place: Path, certificate: x509.Certificate, *words: str
) -> str:
    """Return what openssl prints about the answer to its own question."""
    (place / "one.pem").write_bytes(pem(certificate))
    about = ("-issuer", "issuing.pem", "-cert", "one.pem")
    asked = openssl(place, "ocsp", *words, *about, "-reqout", "q.der", "-no_nonce")
    assert asked.returncode == 0, asked.stderr
    answer = await world.responder.respond((place / "q.der").read_bytes(), world.clock.now())
    (place / "a.der").write_bytes(answer)
    judged = openssl(
        place,
        *("ocsp", *words, *about, "-respin", "a.der", "-CAfile", "root.pem"),
        *("-verify_other", "issuing.pem", "-no_nonce"),
    )
    assert "Response verify OK" in judged.stderr, judged.stderr
    return judged.stdout


def question(world: AuthorityWorld, serial: int, nonce: bytes | None = None) -> bytes:
    """Return a request about a serial number of the issuing authority."""
    issuer = x509.load_der_x509_certificate(world.authority.own(Kind.ISSUING).certificate)
    key = issuer.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    point = key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    builder = ocsp.OCSPRequestBuilder().add_certificate_by_hash(
        sha256(issuer.subject.public_bytes()).digest(),
        sha256(point).digest(),
        serial,
        hashes.SHA256(),
    )
    if nonce is not None:
        builder = builder.add_extension(x509.OCSPNonce(nonce), critical=False)
    return builder.build().public_bytes(Encoding.DER)


@pytest.mark.spec("RFC 6960 §2.2")
@pytest.mark.parametrize("hashed", ["-sha1", "-sha256"])
async def test_good_for_what_was_issued(world: AuthorityWorld, tmp_path: Path, hashed: str) -> None:
    assert "one.pem: good" in await answered(world, tmp_path, await world.signer(), hashed)


async def test_revoked_says_when_and_why(world: AuthorityWorld, tmp_path: Path) -> None:
    certificate = await world.signer()
    await world.revoke(certificate)
    told = await answered(world, tmp_path, certificate)
    assert "one.pem: revoked" in told
    assert "keyCompromise" in told


async def test_what_was_drafted_and_never_given_out_is_unknown(
    world: AuthorityWorld, tmp_path: Path
) -> None:
    draft = world.authority.draft(new_spki(), ANA, Kind.ONE_TIME, world.clock.now())
    certificate = x509.load_der_x509_certificate(await world.authority.sign(draft))
    assert "one.pem: unknown" in await answered(world, tmp_path, certificate)


@pytest.mark.spec("RFC 9654 §2.1")
async def test_the_nonce_comes_back(world: AuthorityWorld) -> None:
    nonce, serial = b"n" * 32, (await world.signer()).serial_number
    answer = ocsp.load_der_ocsp_response(
        await world.responder.respond(question(world, serial, nonce), world.clock.now())
    )
    found = answer.extensions.get_extension_for_class(x509.OCSPNonce).value
    assert found.nonce == nonce


@pytest.mark.parametrize("nonce", [b"", b"n" * 129])
async def test_a_nonce_of_a_wrong_length_is_malformed(world: AuthorityWorld, nonce: bytes) -> None:
    answer = await world.responder.respond(question(world, 5, nonce), world.clock.now())
    status = ocsp.load_der_ocsp_response(answer).response_status
    assert status is ocsp.OCSPResponseStatus.MALFORMED_REQUEST


@pytest.mark.spec("RFC 5019 §2.1.1")
async def test_one_request_asks_about_one_certificate(
    world: AuthorityWorld, tmp_path: Path
) -> None:
    for name in ("one", "two"):
        (tmp_path / f"{name}.pem").write_bytes(pem(await world.signer()))
    about = ("-issuer", "issuing.pem", "-cert", "one.pem", "-cert", "two.pem")
    openssl(tmp_path, "ocsp", *about, "-reqout", "q.der")
    answer = await world.responder.respond((tmp_path / "q.der").read_bytes(), world.clock.now())
    status = ocsp.load_der_ocsp_response(answer).response_status
    assert status is ocsp.OCSPResponseStatus.MALFORMED_REQUEST


async def test_another_authoritys_certificates_are_none_of_ours(world: AuthorityWorld) -> None:
    request = ocsp.OCSPRequestBuilder().add_certificate_by_hash(
        b"a" * 32, b"b" * 32, 7, hashes.SHA256()
    )
    answer = await world.responder.respond(
        request.build().public_bytes(Encoding.DER), world.clock.now()
    )
    status = ocsp.load_der_ocsp_response(answer).response_status
    assert status is ocsp.OCSPResponseStatus.UNAUTHORIZED


@pytest.mark.spec("RFC 6960 §4.2.2.2")
async def test_the_responder_is_delegated_and_needs_no_answer_about_itself(
    world: AuthorityWorld,
) -> None:
    own = x509.load_der_x509_certificate(world.authority.own(Kind.STATUS).certificate)
    assert own.extensions.get_extension_for_class(x509.OCSPNoCheck)
    issuer = x509.load_der_x509_certificate(world.authority.own(Kind.ISSUING).certificate)
    own.verify_directly_issued_by(issuer)


async def test_certificates_of_a_replaced_authority_are_answered_in_its_name(
    world: AuthorityWorld, tmp_path: Path
) -> None:
    older = await world.signer()
    await world.keys.administration.rotate(OwnRing.ISSUING, Algorithm.ES256, emergency=True)
    await world.authority.refresh()
    assert "one.pem: good" in await answered(world, tmp_path, older)
    written(tmp_path, world)
    assert "one.pem: good" in await answered(world, tmp_path, await world.signer())


async def test_an_answer_for_embedding_is_made_now(world: AuthorityWorld) -> None:
    certificate = await world.signer()
    [answer] = await world.responder.statuses(
        [certificate.public_bytes(Encoding.DER)], world.clock.now()
    )
    read = ocsp.load_der_ocsp_response(answer)
    assert read.certificate_status is ocsp.OCSPCertStatus.GOOD
    assert read.serial_number == certificate.serial_number
    assert read.this_update_utc.timestamp() == world.clock.now()
    assert read.next_update_utc is not None
    assert read.next_update_utc.timestamp() == world.clock.now() + FRESH
    assert read.produced_at_utc.timestamp() >= world.clock.now() - 5


async def test_what_becomes_of_a_signer_is_said_at_once(world: AuthorityWorld) -> None:
    certificate = await world.signer()
    asked, now = [certificate.public_bytes(Encoding.DER)], world.clock.now()
    [good] = await world.responder.statuses(asked, now)
    await world.revoke(certificate)
    [revoked] = await world.responder.statuses(asked, now)
    assert [_status(one) for one in (good, revoked)] == [
        ocsp.OCSPCertStatus.GOOD,
        ocsp.OCSPCertStatus.REVOKED,
    ]


async def test_what_becomes_of_the_stamper_is_said_within_a_second(world: AuthorityWorld) -> None:
    stamper, now = world.authority.own(Kind.STAMPING).certificate, world.clock.now()
    [good] = await world.responder.statuses([stamper], now)
    assert [good, good] == await world.responder.statuses([stamper, stamper], now)
    await world.revoke(x509.load_der_x509_certificate(stamper))
    assert [good] == await world.responder.statuses([stamper], now)
    [later] = await world.responder.statuses([stamper], now + 1)
    assert _status(good) is ocsp.OCSPCertStatus.GOOD
    assert _status(later) is ocsp.OCSPCertStatus.REVOKED
    assert ocsp.load_der_ocsp_response(later).this_update_utc.timestamp() == now + 1


def _status(answer: bytes) -> ocsp.OCSPCertStatus:
    return ocsp.load_der_ocsp_response(answer).certificate_status


async def test_nothing_is_said_about_certificates_that_the_issuing_authority_did_not_sign(
    world: AuthorityWorld,
) -> None:
    for kind in (Kind.ROOT, Kind.ISSUING):  # those are on the root's list
        with pytest.raises(ValueError, match="no certificate"):
            await world.responder.statuses(
                [world.authority.own(kind).certificate], world.clock.now()
            )
    stranger = SmallPki().signer.der
    with pytest.raises(ValueError, match="no certificate"):
        await world.responder.statuses([stranger], world.clock.now())


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(junk=st.binary(max_size=300), cut=st.integers(0, 80), flip=st.integers(0, 80))
async def test_no_request_breaks_the_responder(
    world: AuthorityWorld, junk: bytes, cut: int, flip: int
) -> None:
    good = bytearray(question(world, 99, b"n" * 16))
    good[flip % len(good)] ^= 0x41
    for request in (junk, bytes(good), bytes(good[:cut])):
        answer = await world.responder.respond(request, world.clock.now())
        assert ocsp.load_der_ocsp_response(answer)
