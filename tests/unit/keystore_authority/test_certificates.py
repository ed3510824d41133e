"""What the certificate authority makes, as openssl reads it."""

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtensionOID, NameOID

from keystore.authority.addresses import certificate_path, list_path
from keystore.authority.authority import Authority
from keystore.authority.profiles import BACKDATED, COMMITTING, DAY, Kind
from keystore.backends.backend import Algorithm
from keystore.checking.paths import NoPath, find
from keystore.purposes import OwnRing
from keystore.signing.door import CertificateSubject
from tests.authorities import (
    ADDRESS,
    ANA,
    NAMING,
    REGISTRY,
    SIGNERS,
    AuthorityWorld,
    new_spki,
    openssl,
    pem,
)

pytestmark = pytest.mark.server


@pytest.mark.spec("RFC 5280 §6.1")
@pytest.mark.parametrize("kind", [*sorted(COMMITTING), Kind.STAMPING, Kind.STATUS])
async def test_openssl_finds_a_strict_path(
    world: AuthorityWorld, tmp_path: Path, kind: Kind
) -> None:
    if kind in COMMITTING:
        certificate = pem(await world.signer(REGISTRY if kind is Kind.SEAL else ANA, kind))
    else:
        certificate = pem(world.authority.own(kind).certificate)
    (tmp_path / "one.pem").write_bytes(certificate)
    judged = openssl(
        tmp_path,
        *("verify", "-x509_strict", "-purpose", "any"),
        *(() if kind is Kind.STATUS else ("-policy", SIGNERS, "-explicit_policy")),
        *("-CAfile", "root.pem", "-untrusted", "issuing.pem", "one.pem"),
    )
    assert judged.returncode == 0, judged.stderr


@pytest.mark.spec("EN 319 412-2 §4.3.2")
@pytest.mark.parametrize("kind", sorted(COMMITTING))
async def test_a_signer_can_commit_and_nothing_else(world: AuthorityWorld, kind: Kind) -> None:
    certificate = await world.signer(kind=kind)
    usage = certificate.extensions.get_extension_for_class(x509.KeyUsage)
    assert usage.critical
    assert usage.value.content_commitment
    assert not usage.value.digital_signature
    assert not usage.value.key_cert_sign
    basic = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    assert basic.critical and not basic.value.ca


@pytest.mark.spec("EN 319 412-2 §4.2.4")
async def test_a_pseudonym_is_the_only_name(world: AuthorityWorld) -> None:
    certificate = await world.signer()
    said = {one.oid: one.value for one in certificate.subject}
    assert said == {
        NameOID.COUNTRY_NAME: "UT",
        NameOID.PSEUDONYM: ANA.pseudonym,
        NameOID.COMMON_NAME: ANA.pseudonym,
        NameOID.SERIAL_NUMBER: ANA.serial,
    }


@pytest.mark.spec("EN 319 412-3 §4.2.1")
async def test_a_seal_names_the_organisation_and_where_it_is_registered(
    world: AuthorityWorld,
) -> None:
    certificate = await world.signer(REGISTRY, Kind.SEAL)
    said = {one.oid: one.value for one in certificate.subject}
    assert said == {
        NameOID.COUNTRY_NAME: "UT",
        NameOID.ORGANIZATION_NAME: "Land Registry",
        NameOID.ORGANIZATION_IDENTIFIER: "NTRUT-12345",
        NameOID.COMMON_NAME: "Land Registry",
    }


@pytest.mark.parametrize("kind", [Kind.SEAL, Kind.LONG_TERM])
async def test_our_own_checker_finds_the_path_and_the_times(
    world: AuthorityWorld, kind: Kind
) -> None:
    certificate = await world.signer(REGISTRY if kind is Kind.SEAL else ANA, kind)
    chain = world.authority.chain(world.authority.own(Kind.ISSUING))
    path = find(certificate.public_bytes(Encoding.DER), chain, [chain[-1]])
    path.check_times(world.clock.at + 700 * DAY)
    with pytest.raises(NoPath):
        path.check_times(world.clock.at + 731 * DAY)


async def test_kinds_have_the_policy_and_the_life_that_they_are_given(
    world: AuthorityWorld,
) -> None:
    policies = {Kind.SEAL: "1.3.6.1.4.1.55555.2.1", Kind.STAMPING: "1.3.6.1.4.1.55555.2.2"}
    naming = replace(NAMING, policies=policies, lifetimes={Kind.SEAL: 9 * DAY})
    own = Authority(world.database, world.keys.ring, naming, world.clock, world.entropy)
    await own.refresh()
    seal = own.draft(new_spki(), REGISTRY, Kind.SEAL, world.clock.at)
    made = x509.load_der_x509_certificate(await own.sign(seal))
    [named] = made.extensions.get_extension_for_class(x509.CertificatePolicies).value
    assert named.policy_identifier.dotted_string == policies[Kind.SEAL]
    assert made.not_valid_after_utc.timestamp() == world.clock.at + 9 * DAY
    [named] = (
        (await world.signer()).extensions.get_extension_for_class(x509.CertificatePolicies).value
    )
    assert named.policy_identifier.dotted_string == SIGNERS


async def test_nothing_outlives_its_issuer(world: AuthorityWorld) -> None:
    issuer = x509.load_der_x509_certificate(world.authority.own(Kind.ISSUING).certificate)
    world.clock.at += 9 * 365 * DAY
    certificate = await world.signer(kind=Kind.LONG_TERM)
    assert certificate.not_valid_after_utc == issuer.not_valid_after_utc


async def test_names_and_organisations_are_named(world: AuthorityWorld) -> None:
    named = CertificateSubject(
        serial="p-1", country="UT", given_name="Ana", surname="Mwangi", organization="Land Registry"
    )
    certificate = await world.signer(named)
    said = {one.oid: one.value for one in certificate.subject}
    assert said[NameOID.GIVEN_NAME] == "Ana"
    assert said[NameOID.SURNAME] == "Mwangi"
    assert said[NameOID.ORGANIZATION_NAME] == "Land Registry"
    assert NameOID.PSEUDONYM not in said


@pytest.mark.parametrize(
    "subject",
    [
        CertificateSubject(serial="p-1", country="Utopia", pseudonym="x"),
        CertificateSubject(serial="p-1", country="UT", pseudonym="x" * 2000),
        CertificateSubject(serial="p-1", country="UT", organization_identifier="NTRUT-1"),
        msgspec.structs.replace(REGISTRY, organization_identifier="12345"),
        msgspec.structs.replace(REGISTRY, organization_identifier="NTRUT-" + "1" * 70),
    ],
)
async def test_what_no_certificate_can_name_is_refused(
    world: AuthorityWorld, subject: CertificateSubject
) -> None:
    with pytest.raises(ValueError):
        await world.signer(subject)


async def test_a_one_time_certificate_lives_five_minutes(world: AuthorityWorld) -> None:
    certificate = await world.signer()
    assert certificate.not_valid_before_utc.timestamp() == world.clock.at - BACKDATED
    assert certificate.not_valid_after_utc.timestamp() == world.clock.at + 300


@pytest.mark.spec("RFC 5280 §4.1.2.2")
async def test_serial_numbers_are_positive_long_and_never_the_same(world: AuthorityWorld) -> None:
    serials = {(await world.signer()).serial_number for _ in range(50)}
    assert len(serials) == 50
    assert all(0 < one < 1 << 159 for one in serials)
    assert sum(one.bit_length() > 100 for one in serials) == 50


async def test_addresses_and_policy_are_ours(world: AuthorityWorld) -> None:
    text = "\n".join(str(one.value) for one in (await world.signer()).extensions)
    issuer = x509.load_der_x509_certificate(world.authority.own(Kind.ISSUING).certificate)
    named = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    for place in ("/ocsp", certificate_path(named), list_path(named)):
        assert ADDRESS + place in text
    assert SIGNERS in text


@pytest.mark.spec("RFC 3161 §2.3")
async def test_the_usage_of_time_stamping_is_critical_and_alone(world: AuthorityWorld) -> None:
    own = x509.load_der_x509_certificate(world.authority.own(Kind.STAMPING).certificate)
    usage = own.extensions.get_extension_for_oid(ExtensionOID.EXTENDED_KEY_USAGE)
    assert usage.critical
    assert [one.dotted_string for one in usage.value] == ["1.3.6.1.5.5.7.3.8"]  # type: ignore[attr-defined]


async def test_nothing_that_the_authority_made_is_made_again(world: AuthorityWorld) -> None:
    before = {kind: world.authority.own(kind) for kind in (Kind.ROOT, Kind.ISSUING, Kind.STATUS)}
    await world.authority.refresh()
    assert {kind: world.authority.own(kind) for kind in before} == before


async def test_a_list_names_who_was_revoked_and_openssl_believes_it(
    world: AuthorityWorld, tmp_path: Path
) -> None:
    good, bad = await world.signer(), await world.signer()
    await world.revoke(bad)
    shown = await world.showing.shown(world.clock.at)
    for name, octets in zip(("issuing", "root"), shown.crls, strict=True):
        (tmp_path / f"{name}.der").write_bytes(octets)
        done = openssl(
            tmp_path, "crl", "-inform", "DER", "-in", f"{name}.der", "-out", f"{name}.crl"
        )
        assert done.returncode == 0, done.stderr
    crls = (tmp_path / "issuing.crl").read_bytes() + (tmp_path / "root.crl").read_bytes()
    (tmp_path / "crls.pem").write_bytes(crls)
    for certificate, status in ((good, 0), (bad, 2)):
        (tmp_path / "one.pem").write_bytes(pem(certificate))
        judged = openssl(
            tmp_path,
            *("verify", "-x509_strict", "-crl_check_all", "-CRLfile", "crls.pem"),
            *("-CAfile", "root.pem", "-untrusted", "issuing.pem", "-purpose", "any", "one.pem"),
        )
        assert judged.returncode == status, judged.stderr
    assert "certificate revoked" in judged.stderr


async def test_a_new_issuing_authority_certifies_the_others_again_and_old_paths_stay(
    world: AuthorityWorld, tmp_path: Path
) -> None:
    (tmp_path / "old.pem").write_bytes(pem(await world.signer()))
    before = world.authority.own(Kind.ISSUING)
    await world.keys.administration.rotate(OwnRing.ISSUING, Algorithm.ES256, emergency=True)
    await world.authority.refresh()
    after = world.authority.own(Kind.ISSUING)
    assert after.kid != before.kid
    assert [one.kid for one in world.authority.issuers()] == [after.kid, before.kid]
    for kind in (Kind.STAMPING, Kind.STATUS):
        assert world.authority.own(kind).issuer_kid == after.kid
    both = pem(before.certificate) + pem(after.certificate)
    (tmp_path / "issuing.pem").write_bytes(both)
    (tmp_path / "new.pem").write_bytes(pem(await world.signer()))
    for name in ("old.pem", "new.pem"):
        path = ("-CAfile", "root.pem", "-untrusted", "issuing.pem", "-purpose", "any", name)
        judged = openssl(tmp_path, "verify", "-x509_strict", *path)
        assert judged.returncode == 0, judged.stderr
