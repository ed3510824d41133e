"""Time-stamps by ML-DSA of our own authority, taken apart by asn1crypto and judged by pyHanko."""

import hashlib
from dataclasses import replace

import pytest
from asn1crypto import cms as asn1
from asn1crypto import tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PublicKey
from cryptography.x509.oid import ExtendedKeyUsageOID
from pyhanko.sign.validation.generic_cms import validate_tst_signed_data
from pyhanko_certvalidator import ValidationContext

from keystore.authority.profiles import YEAR, Kind
from keystore.checking.timestamp import BadTimestamp, check, read_token
from keystore.der import oids, writer
from keystore.der.algorithms import digest_identifier
from keystore.der.reader import read
from keystore.purposes import OwnRing
from keystore.signing.digests import HashAlgorithm
from keystore.signing.door import Imprint
from keystore.timestamping.asking import Refused, request_of, token_of
from tests.authorities import STAMPS, AuthorityWorld

COVERED = b"a signature, and all that proves it"
IMPRINT = Imprint(HashAlgorithm.SHA256, hashlib.sha256(COVERED).digest())
ARCHIVES = "1.3.6.1.4.1.55555.1.3"
ML_DSA_65 = "2.16.840.1.101.3.4.3.18"
LENGTH = 3309
"""Octets of a signature of ML-DSA-65 (FIPS 204, table 2)."""
DIGEST, ALGORITHM, SIGNATURE = 2, 4, 5
"""Places of fields in a SignerInfo (RFC 5652 §5.3)."""


async def archive_token(world: AuthorityWorld) -> bytes:
    [token] = await world.stamping.tokens([IMPRINT], archive=True)
    return token


def parts(token: bytes) -> tuple[asn1.SignedData, asn1.SignerInfo]:
    """A token as another library reads it."""
    signed = asn1.ContentInfo.load(token, strict=True)["content"]
    [signer] = signed["signer_infos"]
    return signed, signer


@pytest.mark.spec("RFC 9882 §3")
async def test_cryptography_finds_the_signature_right(world: AuthorityWorld) -> None:
    token = await archive_token(world)
    signed, signer = parts(token)
    certificate = world.authority.own(Kind.ARCHIVE).certificate
    key = x509.load_der_x509_certificate(certificate).public_key()
    assert isinstance(key, MLDSA65PublicKey)
    attributes = signer["signed_attrs"].untag().dump()
    signature = signer["signature"].native
    assert len(signature) == LENGTH
    key.verify(signature, attributes)
    with pytest.raises(InvalidSignature):
        key.verify(signature, attributes + b"\0")
    said = {one["type"].native: one["values"] for one in signer["signed_attrs"]}
    content = signed["encap_content_info"]["content"].contents
    assert said["message_digest"][0].native == hashlib.sha512(content).digest()
    [reference] = said["signing_certificate_v2"][0]["certs"]
    assert reference["cert_hash"].native == hashlib.sha256(certificate).digest()


@pytest.mark.spec("RFC 9882 §2")
async def test_its_algorithms_are_named_without_parameters(world: AuthorityWorld) -> None:
    signed, signer = parts(await archive_token(world))
    named = writer.sequence(writer.oid(ML_DSA_65))
    assert signer["signature_algorithm"].dump() == named
    assert signer["digest_algorithm"]["algorithm"].native == "sha512"
    assert [one["algorithm"].native for one in signed["digest_algorithms"]] == ["sha512"]
    info = tsp.TSTInfo.load(signed["encap_content_info"]["content"].contents)
    assert info["policy"].native == STAMPS
    assert info["message_imprint"]["hashed_message"].native == IMPRINT.digest


async def test_pyhanko_believes_it(world: AuthorityWorld) -> None:
    token = await archive_token(world)
    signed, _ = parts(token)
    chain = world.authority.chain(world.authority.own(Kind.ARCHIVE))
    root = asn1_x509.Certificate.load(chain[-1])
    context = ValidationContext(trust_roots=[root], allow_fetching=False)
    status = await validate_tst_signed_data(
        signed, context, lambda name: hashlib.new(name, COVERED).digest()
    )
    assert status["intact"] and status["valid"] and status["trust_problem_indic"] is None
    assert status["timestamp"].timestamp() == world.clock.now()


async def test_its_certificate_is_for_time_stamps_alone_and_outlives_the_others(
    world: AuthorityWorld,
) -> None:
    own = x509.load_der_x509_certificate(world.authority.own(Kind.ARCHIVE).certificate)
    usage = own.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    assert usage.critical and list(usage.value) == [ExtendedKeyUsageOID.TIME_STAMPING]
    lives = own.not_valid_after_utc.timestamp() - world.clock.now()
    assert lives == 10 * YEAR
    assert b"Archive Time-Stamping" in own.subject.public_bytes()


async def test_other_time_stamps_are_of_the_usual_key(world: AuthorityWorld) -> None:
    [usual] = await world.stamping.tokens([IMPRINT])
    lasting = await archive_token(world)
    assert [read_token(one).alg for one in (usual, lasting)] == ["ES256", "ML-DSA-65"]
    assert world.keys.ring.own(OwnRing.ARCHIVE).kid != world.keys.ring.own(OwnRing.STAMPING).kid


async def test_many_are_each_over_their_own_digest(world: AuthorityWorld) -> None:
    sha256 = HashAlgorithm.SHA256
    imprints = [Imprint(sha256, sha256.of(bytes([n]))) for n in range(9)]
    tokens = await world.stamping.tokens(imprints, archive=True)
    assert [read_token(one).imprint for one in tokens] == [one.digest for one in imprints]


def altered(token: bytes, place: int, field: bytes) -> bytes:
    """A token with another field at that place of its SignerInfo, and every length put right."""
    message = [one.octets for one in read(token).children()[1].children()[0].children()]
    fields = [one.octets for one in read(message[-1]).children()[0].children()]
    fields[place] = field
    message[-1] = writer.set_of([writer.sequence(*fields)])
    held = writer.context(0, writer.sequence(*message))
    return writer.sequence(writer.oid(oids.SIGNED), held)


@pytest.mark.attack("A1")
@pytest.mark.parametrize(
    ("place", "field", "named"),
    [
        (DIGEST, digest_identifier(oids.SHA256), "what was signed is not this content"),
        (ALGORITHM, writer.algorithm(oids.ECDSA_SHA512), "is none of ECDSA"),
        (ALGORITHM, writer.algorithm(oids.ML_DSA_44), "does not go with the algorithm"),
        (ALGORITHM, writer.algorithm(oids.ML_DSA_87), "does not go with the algorithm"),
        (ALGORITHM, writer.algorithm(ML_DSA_65, writer.NULL), "ML-DSA-65 has parameters"),
        (ALGORITHM, writer.algorithm(ML_DSA_65, writer.sequence()), "ML-DSA-65 has parameters"),
        (SIGNATURE, writer.octets(b""), "signature is not"),
        (SIGNATURE, writer.octets(bytes(LENGTH)), "signature is not"),
    ],
    ids=["hash", "curve", "weaker", "stronger", "null", "empty", "nothing", "zeros"],
)
async def test_what_was_altered_is_refused_by_name(
    world: AuthorityWorld, place: int, field: bytes, named: str
) -> None:
    token = await archive_token(world)
    with pytest.raises(BadTimestamp, match=named):
        check(altered(token, place, field), COVERED)


@pytest.mark.attack("A7")
async def test_a_signature_that_is_cut_or_longer_is_refused(world: AuthorityWorld) -> None:
    token = await archive_token(world)
    _, signer = parts(token)
    signature = signer["signature"].native
    assert altered(token, SIGNATURE, writer.octets(signature)) == token
    for wrong in (signature[:-1], signature[1:], signature + b"\0", signature[:-1] + b"\0\0"):
        with pytest.raises(BadTimestamp, match="signature is not"):
            check(altered(token, SIGNATURE, writer.octets(wrong)), COVERED)


@pytest.mark.spec("RFC 3161 §2.4.1")
async def test_whoever_names_its_policy_is_answered_with_it(world: AuthorityWorld) -> None:
    stamping = replace(world.stamping, archive_policy=ARCHIVES)
    for policy, alg, under in (
        ("", "ES256", STAMPS),
        (STAMPS, "ES256", STAMPS),
        (ARCHIVES, "ML-DSA-65", ARCHIVES),
    ):
        answer = await stamping.respond(request_of(IMPRINT, 7, policy))
        read = read_token(token_of(answer))
        assert (read.alg, read.policy, read.nonce) == (alg, under, 7)
    with pytest.raises(Refused, match="unaccepted_policy"):
        token_of(await stamping.respond(request_of(IMPRINT, 7, "1.2.3")))
    with pytest.raises(Refused, match="unaccepted_policy"):
        token_of(await world.stamping.respond(request_of(IMPRINT, 7, ARCHIVES)))
