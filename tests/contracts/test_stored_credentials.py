"""Stored credentials on every backend: made, shown, used as often as approved, destroyed."""

import hashlib
import subprocess
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import select

from config.runtime.audit.records import entries
from config.runtime.database.connect import OpenDatabase
from config.runtime.database.unit import Statement
from esignet.formats import cades
from esignet.formats.format import Item, Wish
from keystore.backends.pkcs11 import Pkcs11Backend
from keystore.credentials.keeping import MOST
from keystore.door import NotPermitted
from keystore.signing.door import NotActivated
from keystore.stores.credentials import credential
from tests.contracts.test_key_backends import fits
from tests.contracts.test_wrapped_keys import ES256, WRAPPING
from tests.key_backends import running
from tests.signing_house import STORING, SigningHouse, approval, signing_house
from tests.stored_keys import KNOWN_AS, OFFICE, created, deleted, hash_signed, signed_with

pytestmark = pytest.mark.server

CONTENT = b"A contract.\n"
DIGEST = hashlib.sha256(CONTENT).digest()


@pytest.fixture(params=WRAPPING)
async def house(
    request: pytest.FixtureRequest, database: OpenDatabase, tmp_path: Path
) -> AsyncIterator[SigningHouse]:
    async with running(str(request.param), tmp_path) as backend:
        with tempfile.TemporaryDirectory() as sockets:
            async with signing_house(backend, database, Path(sockets), STORING) as made:
                yield made
                assert backend.live == 0
                if isinstance(backend, Pkcs11Backend):
                    assert await backend.session_keys() == 0


def public_of(certificate: bytes) -> bytes:
    key = x509.load_der_x509_certificate(certificate).public_key()
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


async def test_a_key_signs_documents_and_hashes_until_it_is_destroyed(
    house: SigningHouse, tmp_path: Path
) -> None:
    one = await created(house)
    assert [found.id for found in await house.esignet.credentials(OFFICE, KNOWN_AS)] == [one.id]
    prepared = cades.FORMAT.prepare([Item(name="c", digest=DIGEST)], Wish())
    for _ in range(2):
        [made] = await signed_with(house, one, DIGEST, prepared.plan)
        assert (made.certificate, made.chain) == (one.chain[0], one.chain[1:])
        [found] = cades.FORMAT.check(
            cades.FORMAT.embed(prepared, made), [Item(name="c", digest=DIGEST, content=CONTENT)]
        )
        assert found.problems == ()
    value = await hash_signed(house, one, DIGEST)
    assert fits(public_of(one.chain[0]), ES256, CONTENT, value)
    await deleted(house, one)
    assert await house.esignet.credentials(OFFICE, KNOWN_AS) == []
    with pytest.raises(NotPermitted, match="no such credential"):
        await signed_with(house, one, DIGEST)
    assert await house.database.rows(Statement(select(credential))) == []


async def test_what_is_recorded_tells_who_did_what_and_no_name(house: SigningHouse) -> None:
    one = await created(house)
    await hash_signed(house, one, DIGEST)
    await deleted(house, one)
    rows = await house.database.rows(Statement(select(entries).order_by(entries.c.number)))
    told = [(row["action"], row["details"]) for row in rows]
    assert [action for action, _ in told] == [
        "credential.created",
        "hash.signed",
        "credential.deleted",
    ]
    assert all(one.serial in details for _, details in told)
    assert "CKA_NEVER_EXTRACTABLE" in told[0][1]
    assert not any("ana" in details or "otter" in details for _, details in told)


@pytest.fixture
async def soft(database: OpenDatabase, tmp_path: Path) -> AsyncIterator[SigningHouse]:
    async with running("software", tmp_path) as backend:
        with tempfile.TemporaryDirectory() as sockets:
            async with signing_house(backend, database, Path(sockets), STORING) as made:
                yield made


async def test_the_certificate_is_a_long_term_one_that_openssl_follows_and_finds_revoked(
    soft: SigningHouse, tmp_path: Path
) -> None:
    one = await created(soft)
    certificate = x509.load_der_x509_certificate(one.chain[0])
    assert f"{certificate.serial_number:x}" == one.serial
    life = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    assert 729 <= life.days <= 731
    usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    assert usage.content_commitment and not usage.digital_signature
    for name, der in zip(("ee", "ca", "root"), one.chain, strict=True):
        pem = x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM)
        (tmp_path / f"{name}.pem").write_bytes(pem)

    def status() -> str:
        words = "ocsp -respin o -sha256 -issuer ca.pem -cert ee.pem -CAfile root.pem -no_nonce"
        run = subprocess.run(
            ["openssl", *words.split(), "-verify_other", "ca.pem"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        return run.stdout + run.stderr

    (tmp_path / "o").write_bytes((await soft.esignet.statuses([one.chain[0]]))[0])
    assert "ee.pem: good" in status()
    await deleted(soft, one)
    (tmp_path / "o").write_bytes((await soft.esignet.statuses([one.chain[0]]))[0])
    assert "ee.pem: revoked" in status()
    shown = x509.load_der_x509_crl((await soft.esignet.authority()).crls[0])
    found = shown.get_revoked_certificate_by_serial_number(certificate.serial_number)
    assert found is not None


async def test_a_person_has_a_number_of_them_at_most(soft: SigningHouse) -> None:
    for _ in range(MOST):
        last = await created(soft)
    with pytest.raises(NotPermitted, match="at most"):
        await created(soft)
    await created(soft, subject="ben-at-esignet", known_as="ben")
    await deleted(soft, last)
    await created(soft)


async def test_each_signature_takes_an_approval_of_its_own(soft: SigningHouse) -> None:
    one = await created(soft)
    token = await soft.idp.activate(approval(DIGEST, credential=one.id))
    first = await signed_with(soft, one, DIGEST, activation=token)
    assert await signed_with(soft, one, DIGEST, activation=token) == first  # the kept answer
    other = hashlib.sha256(b"another").digest()
    with pytest.raises(NotActivated):
        await signed_with(soft, one, other, activation=token)
