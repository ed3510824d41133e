"""Signatures by elliptic curves whose archive time-stamps are by ML-DSA, in every format."""

import json
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path

import msgspec
import pytest
from asn1crypto.x509 import Certificate
from click.testing import CliRunner
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import async_validate_pdf_timestamp
from pyhanko_certvalidator import ValidationContext
from sqlalchemy import select

from config.cli.main import cli
from config.runtime.cache import Cache
from config.runtime.clock import SystemClock
from config.runtime.database.connect import OpenDatabase
from config.runtime.database.unit import Statement
from config.runtime.entropy import SystemEntropy
from config.settings import Settings
from config.settings.esignet import Esignet
from config.settings.sections import KeySettings
from config.wiring.keys import backends_of
from config.wiring.verifying import every_format
from esignet.evidence.timestamps.order import InOrder
from esignet.evidence.timestamps.own import OwnStamps
from esignet.flows.signing import Signing
from esignet.flows.signing_parts import Part
from esignet.formats.format import Item, Level, Wish
from esignet.formats.pdf_wish import PdfWish
from esignet.pdf.pool import PdfPool
from esignet.protocol.indications import Indication
from esignet.validation.engine import Trust, judge
from esignet.validation.reading import validate
from keystore.backends.backend import Algorithm
from keystore.checking.paths import load
from keystore.checking.revocation import answers
from keystore.checking.timestamp import read_token
from keystore.door import NotPermitted
from keystore.purposes import OwnRing, Role
from keystore.rings import picture
from keystore.service import document_frames as frames
from keystore.service.client import expect
from keystore.service.connection import Connection
from keystore.service.run import socket_path
from keystore.signing.door import MOST_ARCHIVED, AuthorityShown, Imprint
from keystore.stores.authority_tables import issued_certificate
from tests import pdf_files
from tests.authorities import pem
from tests.external_tsa import tsa
from tests.keyrings import Keys, software_backend
from tests.signing_house import SETTINGS, SHA256, SigningHouse, approval, signing_house
from tests.small_pki import SmallPki
from tests.softhsm import LABEL, start_softhsm

pytestmark = pytest.mark.server

PKI = SmallPki()
LASTING = msgspec.structs.replace(SETTINGS, archive_timestamp_algorithm="ML-DSA-65")
XML = b'<a:debt xmlns:a="urn:a"><sum of="0"/></a:debt>'
CASES = [
    ("pades", "", pdf_files.document()),
    ("cades", "detached", b"I owe you nothing."),
    ("cades", "enveloping", b"I owe you nothing."),
    ("xades", "enveloped", XML),
    ("jades", "detached", b'{"debt": 0}'),
    ("asic_cades", "asic-e", b"I owe you nothing."),
    ("asic_xades", "asic-e", b"I owe you nothing."),
]
ML_DSA_65 = "2.16.840.1.101.3.4.3.18"
YEARS = 3 * 366 * 86_400


@pytest.fixture(params=["sqlite"])
def database_kind(request: pytest.FixtureRequest) -> str:
    """What the rows are has nothing to do with which key stamps."""
    return str(request.param)


@dataclass(frozen=True)
class Office:
    """Signs with time-stamps of our own authority."""

    house: SigningHouse
    signing: Signing

    async def signed(self, *parts: Part) -> list[bytes]:
        """Every part under one approval."""
        digests = [digest for part in parts for digest in part.prepared.digests]
        activation = await self.house.idp.activate(approval(*digests))
        made = await self.signing.finished(parts, await self.signing.signed(activation, parts))
        return [one.document for one in made]

    async def root(self) -> bytes:
        """Where every certificate ends."""
        return (await self.house.esignet.authority()).chains[0][-1]


@asynccontextmanager
async def office(
    database: OpenDatabase, directory: Path, settings: Esignet
) -> AsyncIterator[Office]:
    backend = software_backend(directory)
    with tempfile.TemporaryDirectory() as sockets:
        async with signing_house(backend, database, Path(sockets), settings) as house:
            shown: Cache[str, AuthorityShown] = Cache(SystemClock(), entries=1, seconds=60)
            stamps, pool = OwnStamps(house.esignet), PdfPool()
            yield Office(
                house, Signing(documents=house.esignet, stamps=stamps, pdf=pool, shown=shown)
            )
            await pool.close()


def part(name: str, envelope: str, content: bytes) -> tuple[Part, Item]:
    item = Item(name=f"debt-{name}-{envelope}", digest=SHA256.of(content), content=content)
    pdf = PdfWish(at=SystemClock().now()) if name == "pades" else None
    form = every_format()[name]
    prepared = form.prepare([item], Wish(envelope=envelope, pdf=pdf))
    return Part(form, prepared, Level.B_LTA), item


async def test_every_format_is_archived_by_ml_dsa_and_proved_years_later(
    database: OpenDatabase, tmp_path: Path
) -> None:
    async with office(database, tmp_path, LASTING) as at:
        parts, items = zip(*(part(*case) for case in CASES), strict=True)
        made = await at.signed(*parts)
        issuing, root = (await at.house.esignet.authority()).chains[0]
    trust = Trust(anchors=(root,), stamp_anchors=(root,))
    now = SystemClock().now() + YEARS
    for (name, _, _), document, item in zip(CASES, made, items, strict=True):
        found = validate(document, [item], every_format(), trust, now)
        [one] = found.signatures
        assert (found.form, one.found.alg, one.level) == (name, "ES256", Level.B_LTA)
        assert one.conclusion.indication is Indication.TOTAL_PASSED, one.conclusion
        assert {(stamp.is_archive, stamp.alg, stamp.trouble) for stamp in one.stamps} == {
            (False, "ES256", ""),
            (True, "ML-DSA-65", ""),
        }
        archiver = next(stamp.certificate for stamp in one.stamps if stamp.is_archive)
        who, above = load([archiver, issuing])
        told = answers(who, above, one.found.evidence.ocsp, ())
        assert [known.revoked_at for known in told] == [None], "its own status lies inside"
    assert await pyhanko_believes(made[0], root)


async def pyhanko_believes(pdf: bytes, root: bytes) -> bool:
    """What it says of a PDF's document time-stamp, which has to be by ML-DSA."""
    [stamp] = PdfFileReader(BytesIO(pdf)).embedded_timestamp_signatures
    assert stamp.signer_info["signature_algorithm"]["algorithm"].dotted == ML_DSA_65
    context = ValidationContext(trust_roots=[Certificate.load(root)], allow_fetching=False)
    status = await async_validate_pdf_timestamp(stamp, context)
    return bool(status.intact and status.valid and status.trusted)


async def test_whoever_verifies_is_told_the_algorithm(
    database: OpenDatabase, tmp_path: Path
) -> None:
    async with office(database, tmp_path, LASTING) as at:
        [signed] = await at.signed(part("cades", "enveloping", b"I owe you nothing.")[0])
        (tmp_path / "root.pem").write_bytes(pem(await at.root()))
    (tmp_path / "debt.p7m").write_bytes(signed)
    words = ["verify", str(tmp_path / "debt.p7m"), "--trust", str(tmp_path / "root.pem")]
    told = CliRunner().invoke(cli, words)
    assert told.exit_code == 0, told.output
    assert "for archives, at 2" in told.output and "by ML-DSA-65" in told.output
    report = json.loads(CliRunner().invoke(cli, [*words, "--json"]).output)
    [one] = report["validationConclusion"]["signatures"]
    assert [(stamp["kind"], stamp["algorithm"]) for stamp in one["info"]["timestamps"]] == [
        ("signature", "ES256"),
        ("archive", "ML-DSA-65"),
    ]


@pytest.mark.parametrize("is_on", [True, False])
async def test_the_key_is_there_where_the_settings_want_it_and_nowhere_else(
    database: OpenDatabase, tmp_path: Path, is_on: bool
) -> None:
    async with office(database, tmp_path, LASTING if is_on else SETTINGS) as at:
        [usual] = await at.house.esignet.timestamps([Imprint(SHA256, bytes(32))])
        [lasting] = await at.house.esignet.timestamps([Imprint(SHA256, bytes(32))], archive=True)
        versions = await at.house.keys.records.versions()
        kinds = await database.rows(Statement(select(issued_certificate.c.kind)))
    assert read_token(usual).alg == "ES256"
    assert read_token(lasting).alg == ("ML-DSA-65" if is_on else "ES256")
    assert (OwnRing.ARCHIVE in {key.ring for key in versions}) is is_on
    [tokens] = picture(versions).published.values()
    assert {key.alg for key in tokens} == {"ES256"}, "nobody signs tokens with it"
    assert ("archive" in {row[0] for row in kinds}) is is_on


async def test_the_certificate_that_stamped_is_a_trust_anchor_of_its_own(
    database: OpenDatabase, tmp_path: Path
) -> None:
    """Whoever kept it believes its time-stamps without the elliptic curves that certified it."""
    async with office(database, tmp_path, LASTING) as at:
        case, item = part("cades", "detached", b"I owe you nothing.")
        [signed] = await at.signed(case)
        root = await at.root()
    [found] = case.format.check(signed, [item])
    archiving = read_token(found.archive[0][0]).certificate
    trust = Trust(anchors=(root,), stamp_anchors=(archiving,))
    one = judge(found, trust, SystemClock().now() + YEARS)
    assert one.conclusion.indication is Indication.TOTAL_PASSED
    assert [(stamp.alg, bool(stamp.trouble)) for stamp in one.stamps] == [
        ("ES256", True),
        ("ML-DSA-65", False),
    ]


async def test_somebody_else_may_stamp_signatures_and_this_key_archives(
    database: OpenDatabase, tmp_path: Path
) -> None:
    async with office(database, tmp_path, LASTING) as at, tsa(PKI) as authority:
        stamps = InOrder([authority.source(tmp_path)], [OwnStamps(at.house.esignet)])
        case, item = part("cades", "detached", b"I owe you nothing.")
        [signed] = await replace(at, signing=replace(at.signing, stamps=stamps)).signed(case)
        issuing, _ = (await at.house.esignet.authority()).chains[0]
        await stamps.close()
    [found] = case.format.check(signed, [item])
    [usual, lasting] = [read_token(token) for token, _ in (*found.timestamps, *found.archive)]
    assert (usual.certificate, lasting.alg) == (PKI.stamper.der, "ML-DSA-65")
    who, above = load([lasting.certificate, issuing])
    assert answers(who, above, found.evidence.ocsp, ()), "its own status lies inside"


async def test_more_than_one_answer_holds_are_asked_for_in_several(
    database: OpenDatabase, tmp_path: Path
) -> None:
    imprints = [Imprint(SHA256, SHA256.of(bytes([n]))) for n in range(MOST_ARCHIVED + 2)]
    asked = [(one.hash_algorithm, one.digest) for one in imprints]
    async with office(database, tmp_path, LASTING) as at:
        tokens = await at.house.esignet.timestamps(imprints, archive=True)
        raw = Connection(socket_path(at.house.sockets, Role.ESIGNET), 30, lambda: None)
        refused = await raw.ask(lambda number: frames.Stamp(number, asked, archive=True))
        await raw.close()
    assert [read_token(one).imprint for one in tokens] == [one.digest for one in imprints]
    with pytest.raises(NotPermitted, match="at once"):
        expect(refused, frames.Many)


async def test_beside_an_hsm_this_key_alone_lies_in_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hsm = start_softhsm(tmp_path / "hsm")
    monkeypatch.setenv("SOFTHSM2_CONF", hsm.variables["SOFTHSM2_CONF"])
    (tmp_path / "secret").write_text("an operator's secret\n")
    settings = KeySettings(
        backend="pkcs11",
        module=hsm.module,
        token=LABEL,
        pin_file=str(hsm.pin_file),
        software_allowed=True,
        software_file=str(tmp_path / "keys.enc"),
        software_secret_file=str(tmp_path / "secret"),
    )
    backends = backends_of(Settings(keys=settings), SystemClock(), SystemEntropy())
    keys = Keys(backends)
    try:
        await keys.administration.begin(OwnRing.STAMPING, Algorithm.ES256)
        await keys.administration.begin(OwnRing.ARCHIVE, Algorithm.ML_DSA_65)
        for ring, scheme in ((OwnRing.STAMPING, "pkcs11:"), (OwnRing.ARCHIVE, "software:")):
            assert keys.ring.own(ring).ref.startswith(scheme)
            assert await keys.ring.sign_own(ring, [b"what the key service wrote"])
    finally:
        await backends.close()
