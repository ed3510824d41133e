"""What the CMS writer writes is accepted by engines that share nothing with it."""

import hashlib
import subprocess
from pathlib import Path

import pytest
from asn1crypto import cms as asn1
from asn1crypto import x509
from cryptography.hazmat.primitives.asymmetric import ec, mldsa, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pyhanko.sign.validation.generic_cms import async_validate_detached_cms
from pyhanko_certvalidator import ValidationContext

from keystore.checking.message import judge
from keystore.der import cms
from keystore.der.cms_reading import read_message
from keystore.signing.digests import HashAlgorithm
from keystore.signing.plans import CmsPlan
from keystore.signing.structures.cms import build
from keystore.signing.structures.structure import BadPlan, Ground
from tests.small_pki import AT, Holder, SmallPki

pytestmark = pytest.mark.server

CONTENT = b"What is signed.\n"
PKI = SmallPki()


def ground(holder: Holder, alg: str, hashed: HashAlgorithm = HashAlgorithm.SHA256) -> Ground:
    return Ground(
        hash_algorithm=hashed,
        digests=[hashed.of(CONTENT)],
        certificate=holder.der,
        chain=holder.chain[:-1],
        alg=alg,
        now=AT,
    )


def signature(holder: Holder, alg: str, hashed: HashAlgorithm = HashAlgorithm.SHA256) -> bytes:
    built = build(CmsPlan(0, commitment="1.2.840.113549.1.9.16.6.5"), ground(holder, alg, hashed))
    signer = cms.SignerInfo(
        attributes=built.parts[0],
        signature=cms.signature_octets(alg, holder.sign(built.signed, alg)),
        alg=alg,
        certificate=holder.der,
        hash_oid=hashed.oid,
    )
    return cms.signed_by(signer, holder.chain[:-1])


def openssl(tmp_path: Path, message: bytes, content: bytes) -> "subprocess.CompletedProcess[str]":
    (tmp_path / "s.p7s").write_bytes(message)
    (tmp_path / "content").write_bytes(content)
    command = ["openssl", "cms", "-verify", "-cades", "-binary", "-inform", "DER", "-purpose"]
    command += ["any", "-in", str(tmp_path / "s.p7s"), "-content", str(tmp_path / "content")]
    command += ["-CAfile", str(PKI.pem(tmp_path)), "-attime", str(AT), "-out", "/dev/null"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("alg", "make", "hashed"),
    [
        ("ES256", lambda: ec.generate_private_key(ec.SECP256R1()), HashAlgorithm.SHA256),
        ("ES384", lambda: ec.generate_private_key(ec.SECP384R1()), HashAlgorithm.SHA384),
        ("ES512", lambda: ec.generate_private_key(ec.SECP521R1()), HashAlgorithm.SHA512),
        ("RS256", lambda: rsa.generate_private_key(65_537, 2048), HashAlgorithm.SHA256),
        ("PS256", lambda: rsa.generate_private_key(65_537, 2048), HashAlgorithm.SHA256),
    ],
)
@pytest.mark.spec("ETSI EN 319 122-1 §6.3")
def test_openssl_accepts_cades_of_every_algorithm(
    alg: str, make: object, hashed: HashAlgorithm, tmp_path: Path
) -> None:
    holder = PKI.holder("Someone", make())  # type: ignore[operator]
    message = signature(holder, alg, hashed)
    accepted = openssl(tmp_path, message, CONTENT)
    assert "CAdES Verification successful" in accepted.stderr, accepted.stderr
    refused = openssl(tmp_path, message, CONTENT + b"x")
    assert refused.returncode != 0


@pytest.mark.spec("RFC 8419 §3.1")
def test_ed25519_goes_with_sha512_only() -> None:
    holder = PKI.holder("Someone", Ed25519PrivateKey.generate())
    with pytest.raises(BadPlan):
        signature(holder, "EdDSA")
    assert signature(holder, "EdDSA", HashAlgorithm.SHA512)


@pytest.mark.spec("RFC 9882 §3")
async def test_pyhanko_accepts_a_message_signed_with_lattices() -> None:
    """What keeps an archive time-stamp believable when elliptic curves are not."""
    holder = PKI.holder("Someone", mldsa.MLDSA65PrivateKey.generate())
    message = signature(holder, "ML-DSA-65", HashAlgorithm.SHA512)
    found = read_message(message)
    assert (
        judge(found, found.signers[0], lambda name: HashAlgorithm(name).of(CONTENT)).problems == ()
    )
    signed = asn1.ContentInfo.load(message)["content"]
    root = x509.Certificate.load(holder.chain[-1])
    trust = ValidationContext(trust_roots=[root], allow_fetching=False)
    status = await async_validate_detached_cms(CONTENT, signed, signer_validation_context=trust)
    assert status.intact and status.valid


@pytest.mark.parametrize(
    "plan",
    [
        CmsPlan(1),
        CmsPlan(-1),
        CmsPlan(0, commitment="1.2.x"),
        CmsPlan(0, commitment="1.2"),
        CmsPlan(0, media_type="text"),
        CmsPlan(0, media_type="text/plain\x00"),
    ],
)
def test_a_plan_that_is_not_fit_is_refused(plan: CmsPlan) -> None:
    with pytest.raises(BadPlan):
        build(plan, ground(PKI.signer, "ES256"))


def test_a_digest_of_another_length_is_never_written() -> None:
    attributes = cms.SignedAttributes(
        digest=hashlib.sha512(CONTENT).digest(),
        hash_oid=HashAlgorithm.SHA256.oid,
        certificate=PKI.signer.der,
        signing_time=None,
    )
    with pytest.raises(ValueError, match="length"):
        attributes.der()
