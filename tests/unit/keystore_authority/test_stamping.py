"""Time-stamps of our own authority, asked for and judged by openssl and rfc3161-client."""

import hashlib
from pathlib import Path

import pytest
from cryptography import x509
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rfc3161_client import HashAlgorithm as ClientHash
from rfc3161_client import (
    TimestampRequestBuilder,
    VerifierBuilder,
    decode_timestamp_response,
)

from keystore.authority.profiles import Kind
from keystore.der import writer
from keystore.der.algorithms import digest_identifier
from keystore.der.oids import SHA1, SHA256
from keystore.door import KeyServiceUnavailable
from keystore.signing.digests import HashAlgorithm
from keystore.signing.door import Imprint
from keystore.timestamping.messages import LONGEST_REQUEST, Rejected, read_request
from keystore.timestamping.trusted_time import KEPT, TrustedTime, held_by_ntp
from tests.authorities import STAMPS, AuthorityWorld, openssl, pem

pytestmark = pytest.mark.server

NAMES = {  # as openssl writes PKIFailureInfo
    "badAlg": "unrecognized or unsupported algorithm identifier",
    "badRequest": "transaction not permitted or supported",
    "badDataFormat": "the data submitted has the wrong format",
    "unacceptedPolicy": "the requested TSA policy is not supported",
    "unacceptedExtension": "the requested extension is not supported",
    "timeNotAvailable": "the TSA's time source is not available",
}
CONTENT = b"what existed at that moment"


async def asked(world: AuthorityWorld, place: Path, *words: str) -> str:
    """Ask with openssl, keep q.tsq and a.tsr, and return what openssl reads in the answer."""
    (place / "content").write_bytes(CONTENT)
    made = openssl(place, "ts", "-query", "-data", "content", *words, "-out", "q.tsq")
    assert made.returncode == 0, made.stderr
    answer = await world.stamping.respond((place / "q.tsq").read_bytes())
    (place / "a.tsr").write_bytes(answer)
    return openssl(place, "ts", "-reply", "-in", "a.tsr", "-text").stdout


def request(
    *, version: int = 1, hash_oid: str = SHA256, digest: bytes = b"d" * 32, rest: bytes = b""
) -> bytes:
    """Return a request whose every part can be wrong."""
    imprint = writer.sequence(digest_identifier(hash_oid), writer.octets(digest))
    return writer.sequence(writer.integer(version), imprint, rest)


@pytest.mark.spec("RFC 3161 §2.4")
@pytest.mark.parametrize("hashed", ["-sha256", "-sha384", "-sha512"])
async def test_openssl_accepts_what_it_asked_for(
    world: AuthorityWorld, tmp_path: Path, hashed: str
) -> None:
    told = await asked(world, tmp_path, hashed, "-cert")
    assert f"Policy OID: {STAMPS}" in told
    assert "Accuracy: 0x01 seconds" in told
    judged = openssl(
        tmp_path, "ts", "-verify", "-queryfile", "q.tsq", "-in", "a.tsr", "-CAfile", "root.pem"
    )
    assert judged.returncode == 0, judged.stdout + judged.stderr


async def test_without_certreq_no_certificate_comes(world: AuthorityWorld, tmp_path: Path) -> None:
    await asked(world, tmp_path, "-sha256")
    own = world.authority.own(Kind.STAMPING).certificate
    assert own not in (tmp_path / "a.tsr").read_bytes()
    (tmp_path / "tsa.pem").write_bytes(pem(own))
    judged = openssl(
        tmp_path,
        *("ts", "-verify", "-queryfile", "q.tsq", "-in", "a.tsr", "-CAfile", "chain.pem"),
        *("-untrusted", "tsa.pem"),
    )
    assert judged.returncode == 0, judged.stdout + judged.stderr


async def test_another_clients_verifier_accepts_it(world: AuthorityWorld) -> None:
    chain = world.authority.chain(world.authority.own(Kind.STAMPING))
    root, issuing, own = (x509.load_der_x509_certificate(one) for one in reversed(chain))
    query = TimestampRequestBuilder().data(CONTENT).hash_algorithm(ClientHash.SHA512).build()
    answer = decode_timestamp_response(await world.stamping.respond(query.as_bytes()))
    assert query.nonce is not None
    verifier = (
        VerifierBuilder()
        .add_root_certificate(root)
        .add_intermediate_certificate(issuing)
        .tsa_certificate(own)
        .nonce(query.nonce)
        .policy_id(x509.ObjectIdentifier(STAMPS))
        .build()
    )
    assert verifier.verify_message(answer, CONTENT)
    assert answer.tst_info.gen_time.timestamp() == world.clock.now()


async def test_serial_numbers_are_long_and_never_the_same(world: AuthorityWorld) -> None:
    numbers = set()
    for _ in range(40):
        query = TimestampRequestBuilder().data(CONTENT).build()
        answer = decode_timestamp_response(await world.stamping.respond(query.as_bytes()))
        numbers.add(answer.tst_info.serial_number)
    assert len(numbers) == 40
    assert min(numbers) > 1 << 64


@pytest.mark.spec("RFC 3161 §2.4.2")
@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        (request(version=2), "badRequest"),
        (request(hash_oid=SHA1, digest=b"d" * 20), "badAlg"),
        (request(hash_oid="1.2.3"), "badAlg"),
        (request(digest=b"d" * 31), "badDataFormat"),
        (request(rest=writer.oid("1.2.3.4")), "unacceptedPolicy"),
        (
            request(rest=writer.context(0, writer.sequence(writer.oid("1.2.3")))),
            "unacceptedExtension",
        ),
        (request() + b"\0", "badDataFormat"),
        (request(rest=writer.octets(b"?")), "badDataFormat"),
        (b"", "badDataFormat"),
        (b"\0" * (LONGEST_REQUEST + 1), "badDataFormat"),
        (request(rest=writer.integer(1 << 300)), "badRequest"),
    ],
)
async def test_a_refusal_has_its_name(
    world: AuthorityWorld, tmp_path: Path, wrong: bytes, named: str
) -> None:
    (tmp_path / "a.tsr").write_bytes(await world.stamping.respond(wrong))
    told = openssl(tmp_path, "ts", "-reply", "-in", "a.tsr", "-text").stdout
    assert "Status: Rejected." in told
    assert NAMES[named] in told


@pytest.mark.spec("EN 319 421 §7.7.2")
@pytest.mark.parametrize(("ahead", "stamps"), [(0.0, True), (1.9, True), (2.5, False), (-3, False)])
async def test_a_clock_that_is_off_stamps_nothing(
    world: AuthorityWorld, tmp_path: Path, ahead: float, stamps: bool
) -> None:
    world.skew.seconds = ahead
    told = await asked(world, tmp_path, "-sha256")
    assert ("Status: Granted." in told) is stamps
    assert (NAMES["timeNotAvailable"] in told) is not stamps


async def test_a_clock_that_nobody_can_compare_stamps_nothing_until_it_can(
    world: AuthorityWorld,
) -> None:
    world.skew.is_away = True
    imprint = Imprint(HashAlgorithm.SHA256, b"d" * 32)
    with pytest.raises(KeyServiceUnavailable):
        await world.stamping.tokens([imprint])
    world.skew.is_away = False
    world.clock.at += int(KEPT) + 1
    assert await world.stamping.tokens([imprint])


async def test_a_clock_without_ntp_is_not_trusted_where_that_is_asked(
    world: AuthorityWorld,
) -> None:
    time = TrustedTime(
        skew=world.skew.ahead, clock=world.clock, accuracy=1, disciplined=lambda: False
    )
    assert not await time.is_sure()
    assert held_by_ntp() in (True, False)


async def test_many_at_once_are_each_over_their_own_digest(world: AuthorityWorld) -> None:
    imprints = [
        Imprint(HashAlgorithm.SHA256, hashlib.sha256(bytes([n])).digest()) for n in range(20)
    ]
    tokens = await world.stamping.tokens(imprints)
    assert all(one.digest in token for one, token in zip(imprints, tokens, strict=True))
    assert len(set(tokens)) == 20


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(junk=st.binary(max_size=200), place=st.integers(0, 200), octet=st.integers(0, 255))
def test_no_request_breaks_the_parser(junk: bytes, place: int, octet: int) -> None:
    good = bytearray(request(rest=writer.integer(77) + writer.TRUE))
    good[place % len(good)] = octet
    for wrong in (junk, bytes(good), bytes(good[:place])):
        try:
            read_request(wrong)
        except Rejected:
            continue
