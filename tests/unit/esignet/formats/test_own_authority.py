"""CAdES and PAdES to B-LTA with certificates, time-stamps and answers of our own authority."""

import hashlib
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import load_der_x509_certificate

from config.runtime.database.connect import OpenDatabase
from esignet.formats import cades, pades
from esignet.formats.format import Evidence, Format, Item, Level, Wish
from esignet.formats.pdf_wish import PdfWish
from keystore.authority.profiles import Kind
from keystore.checking.timestamp import read_token
from keystore.signing.digests import HashAlgorithm
from keystore.signing.door import Imprint
from tests import pdf_files
from tests.authorities import ANA, AuthorityWorld, openssl, written
from tests.format_signing import answered
from tests.small_pki import Holder

pytestmark = pytest.mark.server

CONTENT = b"A contract.\n"


@pytest.fixture(params=["sqlite"])
def database_kind(request: pytest.FixtureRequest) -> str:
    """These tests are about octets: one kind of database is enough."""
    return str(request.param)


@pytest.fixture
async def world(database: OpenDatabase, tmp_path: Path) -> AsyncIterator[AuthorityWorld]:
    """An authority that is ready, with its certificates in files."""
    made = await AuthorityWorld.opened(database, tmp_path, int(time.time()))
    written(tmp_path, made)
    yield made
    await made.keys.backends.close()


async def person(world: AuthorityWorld) -> Holder:
    """Someone with a one-time certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    spki = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    draft = world.authority.draft(spki, ANA, Kind.ONE_TIME, world.clock.now())
    await world.database.submit(world.authority.issued_write(draft))
    certificate = await world.authority.sign(draft)
    above = world.authority.chain(world.authority.own(Kind.ISSUING))
    read = load_der_x509_certificate
    return Holder(key, read(certificate), tuple(map(read, above)))


async def stamped(world: AuthorityWorld, covered: bytes) -> bytes:
    [token] = await world.stamping.tokens([Imprint(HashAlgorithm.SHA256, _sha256(covered))])
    return token


async def at_lta(world: AuthorityWorld, form: Format, item: Item, wish: Wish) -> bytes:
    """Sign ``item``, and raise it step by step in the order of the norms."""
    holder, now = await person(world), world.clock.now()
    prepared = form.prepare([item], wish)
    signature = form.embed(prepared, answered(prepared, holder, now=now))
    token = await stamped(world, form.to_stamp(signature))
    signature = form.augment(signature, Level.B_T, Evidence(timestamp=token))
    stamper = read_token(token).certificate
    evidence = Evidence(
        certificates=(holder.der, *holder.chain, stamper),
        ocsp=tuple(await world.responder.statuses([holder.der, stamper], now)),
    )
    signature = form.augment(signature, Level.B_LT, evidence)
    token = await stamped(world, form.to_archive(signature, [item]))
    return form.augment(signature, Level.B_LTA, Evidence(timestamp=token))


def _sha256(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


async def test_cades_of_our_own_authority(world: AuthorityWorld, tmp_path: Path) -> None:
    item = Item(name="contract", digest=_sha256(CONTENT))
    signature = await at_lta(world, cades.FORMAT, item, Wish())
    (found,) = cades.FORMAT.check(signature, [item])
    assert (found.level, found.problems) == (Level.B_LTA, ())
    (tmp_path / "s.p7s").write_bytes(signature)
    (tmp_path / "content").write_bytes(CONTENT)
    command = ["cms", "-verify", "-cades", "-binary", "-inform", "DER", "-in", "s.p7s"]
    command += ["-content", "content", "-CAfile", "root.pem", "-purpose", "any", "-out", "out"]
    assert "CAdES Verification successful" in openssl(tmp_path, *command).stderr


async def test_pades_of_our_own_authority(world: AuthorityWorld) -> None:
    pdf = pdf_files.form()
    item = Item(name="form.pdf", digest=_sha256(pdf), content=pdf)
    wish = Wish(pdf=PdfWish(at=world.clock.now(), field="Place", qr="https://a.example"))
    (found,) = pades.FORMAT.check(await at_lta(world, pades.FORMAT, item, wish), ())
    assert (found.level, found.problems, found.covers) == (Level.B_LTA, (), ("Place",))
