"""Certificates that were written from a pattern are those that the library's builder writes."""

from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from keystore.authority.authority import Draft
from keystore.authority.pattern import time
from keystore.authority.profiles import Kind
from tests.authorities import ANA, AuthorityWorld, new_spki


def rebuilt(certificate: x509.Certificate) -> bytes:
    """What is signed of the same certificate when the library writes it."""
    builder = x509.CertificateBuilder(
        issuer_name=certificate.issuer,
        subject_name=certificate.subject,
        public_key=certificate.public_key(),
        serial_number=certificate.serial_number,
        not_valid_before=certificate.not_valid_before_utc,
        not_valid_after=certificate.not_valid_after_utc,
    )
    for one in certificate.extensions:
        builder = builder.add_extension(one.value, one.critical)
    key = ec.generate_private_key(ec.SECP256R1())
    return builder.sign(key, hashes.SHA256()).tbs_certificate_bytes


@pytest.mark.spec("RFC 5280 §4.1")
@pytest.mark.parametrize("kind", [Kind.ONE_TIME, Kind.LONG_TERM])
def test_a_signers_certificate_is_as_the_library_writes_it(
    world: AuthorityWorld, kind: Kind
) -> None:
    public, now = new_spki(), world.clock.now()
    draft: Draft = world.authority.draft(public, ANA, kind, now)
    certificate = x509.load_der_x509_certificate(draft.unsigned.finished(b"\1" * 64))
    assert certificate.tbs_certificate_bytes == draft.unsigned.signed == rebuilt(certificate)
    named = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    assert named == x509.SubjectKeyIdentifier.from_public_key(certificate.public_key())
    assert f"{certificate.serial_number:x}" == draft.issued.serial


@pytest.mark.parametrize("kind", [Kind.ROOT, Kind.ISSUING, Kind.STAMPING, Kind.STATUS])
def test_so_is_every_certificate_of_the_authority_itself(world: AuthorityWorld, kind: Kind) -> None:
    certificate = x509.load_der_x509_certificate(world.authority.own(kind).certificate)
    assert certificate.tbs_certificate_bytes == rebuilt(certificate)


@pytest.mark.spec("RFC 5280 §4.1.2.5")
def test_times_from_2050_are_written_in_full() -> None:
    assert time(int(datetime(2049, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp())) == (
        b"\x17\x0d491231235959Z"
    )
    assert time(int(datetime(2050, 1, 1, tzinfo=UTC).timestamp())) == b"\x18\x0f20500101000000Z"
