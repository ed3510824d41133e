"""Which certificates lead to a trusted authority, and what is proved about their revocation."""

import datetime
from collections.abc import Sequence
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from keystore.checking.paths import OCSP_SIGNING, TIME_STAMPING, NoPath, Path, find
from keystore.checking.revocation import Answer, answers, never_revoked
from tests.small_pki import AT, NOW, Holder, SmallPki

DAY = datetime.timedelta(days=1)


@pytest.fixture(scope="module")
def pki() -> SmallPki:
    return SmallPki()


def path_of(pki: SmallPki, holder: Holder, **wishes: Any) -> Path:
    pool = wishes.pop("pool", [pki.issuing.der])
    return find(holder.der, pool, wishes.pop("anchors", [pki.root.der]), **wishes)


def answered(pki: SmallPki, about: Holder, by: Holder | None = None, **wishes: Any) -> bytes:
    """An OCSP response about ``about``, good unless told otherwise."""
    signer = by or pki.responder
    status = wishes.get("status", ocsp.OCSPCertStatus.GOOD)
    builder = ocsp.OCSPResponseBuilder().add_response(
        cert=wishes.get("certificate", about.certificate),
        issuer=pki.issuing.certificate,
        algorithm=hashes.SHA256(),
        cert_status=status,
        this_update=wishes.get("since", NOW),
        next_update=NOW + DAY,
        revocation_time=NOW - DAY if status is ocsp.OCSPCertStatus.REVOKED else None,
        revocation_reason=None,
    )
    builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, signer.certificate)
    if signer is not pki.issuing:
        builder = builder.certificates([signer.certificate])
    assert isinstance(signer.key, ec.EllipticCurvePrivateKey)
    made = builder.sign(signer.key, hashes.SHA256())
    return made.public_bytes(serialization.Encoding.DER)


def listed(by: Holder, *revoked: Holder, critical: x509.ExtensionType | None = None) -> bytes:
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(by.certificate.subject)
        .last_update(NOW)
        .next_update(NOW + DAY)
    )
    for one in revoked:
        entry = x509.RevokedCertificateBuilder().serial_number(one.certificate.serial_number)
        builder = builder.add_revoked_certificate(entry.revocation_date(NOW - DAY).build())
    if critical is not None:
        builder = builder.add_extension(critical, critical=True)
    assert isinstance(by.key, ec.EllipticCurvePrivateKey)
    return builder.sign(by.key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def known(
    pki: SmallPki,
    about: Holder,
    responses: Sequence[bytes] = (),
    crls: Sequence[bytes] = (),
) -> list[Answer]:
    return answers(about.certificate, pki.issuing.certificate, responses, crls)


@pytest.mark.spec("RFC 5280 §6")
def test_a_path_leads_over_the_pool_to_the_anchor(pki: SmallPki) -> None:
    found = path_of(pki, pki.signer)
    assert found.der() == (pki.signer.der, pki.issuing.der, pki.root.der)
    found.check_times(AT)
    assert path_of(pki, pki.signer, pool=[], anchors=[pki.issuing.der]).der()[-1] == pki.issuing.der


def refused(code: str, pki: SmallPki, holder: Holder, **wishes: Any) -> None:
    with pytest.raises(NoPath) as reason:
        path_of(pki, holder, **wishes)
    assert reason.value.code == code


def test_without_an_anchor_or_the_middle_there_is_no_path(pki: SmallPki) -> None:
    refused("NO_CERTIFICATE_CHAIN_FOUND", pki, pki.signer, pool=[])
    refused("NO_CERTIFICATE_CHAIN_FOUND", pki, pki.signer, anchors=[])
    stranger = SmallPki()  # the same names, other keys
    refused("NO_CERTIFICATE_CHAIN_FOUND", pki, pki.signer, anchors=[stranger.root.der])
    refused("NO_CERTIFICATE_CHAIN_FOUND", pki, pki.signer, pool=[stranger.issuing.der])


def test_somebody_certified_by_a_person_has_no_path(pki: SmallPki) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = pki._certify("Mallory", key.public_key(), pki.signer)
    refused(
        "NO_CERTIFICATE_CHAIN_FOUND",
        pki,
        Holder(key, certificate),
        pool=[pki.signer.der, pki.issuing.der],
    )


def test_an_authority_below_one_that_may_have_none_has_no_path(pki: SmallPki) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    below = Holder(key, pki._certify("Deeper", key.public_key(), pki.issuing, ca=0))
    end = ec.generate_private_key(ec.SECP256R1())
    holder = Holder(end, pki._certify("End", end.public_key(), below))
    refused("NO_CERTIFICATE_CHAIN_FOUND", pki, holder, pool=[below.der, pki.issuing.der])


def test_what_is_not_a_certificate_and_what_is_not_meant_for_it(pki: SmallPki) -> None:
    with pytest.raises(NoPath) as reason:
        find(b"\x30\x03\x02\x01\x00", [], [])
    assert reason.value.code == "NO_SIGNING_CERTIFICATE_FOUND"
    refused("CHAIN_CONSTRAINTS_FAILURE", pki, pki.signer, usage=TIME_STAMPING)
    assert path_of(pki, pki.stamper, usage=TIME_STAMPING)
    refused("CHAIN_CONSTRAINTS_FAILURE", pki, pki.stamper, usage=OCSP_SIGNING)


def test_a_short_key_makes_a_path_useless(pki: SmallPki) -> None:
    short = pki.holder("Short", rsa.generate_private_key(65537, 1024))
    refused("CRYPTO_CONSTRAINTS_FAILURE", pki, short)


def test_times_are_those_of_the_moment_that_is_asked(pki: SmallPki) -> None:
    found = path_of(pki, pki.holder("Brief", until=NOW + DAY))
    found.check_times(AT)
    for moment, code in ((AT + 2 * 86400, "EXPIRED"), (AT - 40 * 86400, "NOT_YET_VALID")):
        with pytest.raises(NoPath) as reason:
            found.check_times(moment)
        assert reason.value.code == code


def test_lookalikes_of_the_issuer_do_not_hide_it(pki: SmallPki) -> None:
    crowd = [SmallPki().issuing.der for _ in range(8)]
    assert path_of(pki, pki.signer, pool=[*crowd, pki.issuing.der])


@pytest.mark.spec("RFC 6960 §4.2.2.2")
def test_an_answer_counts_from_the_issuer_and_from_whom_it_made_responder(pki: SmallPki) -> None:
    for by in (pki.responder, pki.issuing):
        [answer] = known(pki, pki.signer, [answered(pki, pki.signer, by)])
        assert (answer.since, answer.revoked_at) == (AT, None)
        assert (answer.signer is None) is (by is pki.issuing)


def test_an_answer_from_anybody_else_says_nothing(pki: SmallPki) -> None:
    other = SmallPki()
    lies = [
        answered(pki, pki.signer, pki.signer),  # of the issuing CA, but no responder
        answered(pki, pki.signer, other.responder),
        answered(pki, pki.signer, pki.stamper),
        answered(pki, pki.signer)[:-1] + b"\x00",
        answered(pki, pki.signer, certificate=pki.stamper.certificate),  # about somebody else
        answered(pki, pki.signer, status=ocsp.OCSPCertStatus.UNKNOWN),
        b"",
        b"\x30\x03\x0a\x01\x06",  # unauthorized (§2.3)
    ]
    for lie in lies:
        assert known(pki, pki.signer, [lie]) == []


def test_the_newest_answer_comes_first_and_tells_when_it_was_revoked(pki: SmallPki) -> None:
    good = answered(pki, pki.signer, since=NOW - 3 * DAY)
    bad = answered(pki, pki.signer, status=ocsp.OCSPCertStatus.REVOKED)
    newest, oldest = known(pki, pki.signer, [good, bad])
    assert (newest.revoked_at, oldest.revoked_at) == (AT - 86400, None)


@pytest.mark.spec("RFC 5280 §5.2.5")
def test_a_list_counts_if_it_is_its_issuers_and_about_such_certificates(pki: SmallPki) -> None:
    [good] = known(pki, pki.signer, crls=[listed(pki.issuing)])
    [bad] = known(pki, pki.signer, crls=[listed(pki.issuing, pki.signer)])
    assert (good.revoked_at, bad.revoked_at) == (None, AT - 86400)

    def point(**kinds: bool) -> x509.IssuingDistributionPoint:
        usual: dict[str, Any] = {
            **{"full_name": None, "relative_name": None, "only_contains_user_certs": False},
            **{"only_contains_ca_certs": False, "only_some_reasons": None},
            **{"indirect_crl": False, "only_contains_attribute_certs": False},
        }
        return x509.IssuingDistributionPoint(**{**usual, **kinds})

    users = listed(pki.issuing, critical=point(only_contains_user_certs=True))
    assert len(known(pki, pki.signer, crls=[users])) == 1
    for lie in (
        listed(pki.root),
        listed(SmallPki().issuing),
        listed(pki.issuing, critical=point(only_contains_ca_certs=True)),
        listed(pki.issuing, critical=point(indirect_crl=True)),
        listed(pki.issuing, critical=x509.DeltaCRLIndicator(1)),
        b"\x30\x00",
    ):
        assert known(pki, pki.signer, crls=[lie]) == []


def test_a_responder_is_asked_about_by_nobody(pki: SmallPki) -> None:
    assert never_revoked(pki.responder.certificate)
    assert not never_revoked(pki.signer.certificate)
    assert ExtendedKeyUsageOID.OCSP_SIGNING.dotted_string == OCSP_SIGNING
