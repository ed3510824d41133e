"""Signatures with the time of somebody else's authority, through the key service and openssl."""

import hashlib
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from config.runtime.cache import Cache
from config.runtime.clock import SystemClock
from config.runtime.database.connect import OpenDatabase
from esignet.evidence.timestamps.order import InOrder
from esignet.evidence.timestamps.own import OwnStamps
from esignet.flows.signing import Signing
from esignet.flows.signing_parts import Part
from esignet.formats.cades import FORMAT
from esignet.formats.format import Item, Level, Wish
from esignet.pdf.pool import PdfPool
from esignet.protocol.signature_request import State
from esignet.validation.engine import Trust
from esignet.validation.reading import validate
from keystore.checking.revocation import answers
from keystore.checking.timestamp import read_token
from keystore.signing.door import AuthorityShown
from tests.external_tsa import Tsa, tsa
from tests.keyrings import software_backend
from tests.ocsp_responder import OpensslResponder
from tests.request_world import request_world
from tests.signing_house import SigningHouse, approval, signing_house
from tests.small_pki import SmallPki

pytestmark = pytest.mark.server

PKI = SmallPki()
CONTENT = b"I owe you nothing."
ITEM = Item(name="debt.txt", digest=hashlib.sha256(CONTENT).digest(), content=CONTENT)


@pytest.fixture(params=["sqlite"])
def database_kind(request: pytest.FixtureRequest) -> str:
    """What the rows are has nothing to do with who stamps."""
    return str(request.param)


@dataclass(frozen=True)
class Office:
    """Signs with time-stamps of ``authority``, and of our own where it is away."""

    house: SigningHouse
    signing: Signing
    authority: Tsa

    async def signed(self, level: Level) -> bytes:
        """A signature at ``level``."""
        parts = [Part(FORMAT, FORMAT.prepare([ITEM], Wish(envelope="detached")), level)]
        activation = await self.house.idp.activate(approval(*parts[0].prepared.digests))
        [one] = await self.signing.finished(parts, await self.signing.signed(activation, parts))
        return one.document

    async def root(self) -> bytes:
        """Where the signers' certificates end."""
        return (await self.house.esignet.authority()).chains[0][-1]


@pytest.fixture
async def office(database: OpenDatabase, tmp_path: Path) -> AsyncIterator[Office]:
    with tempfile.TemporaryDirectory() as sockets:
        backend = software_backend(tmp_path)
        async with signing_house(backend, database, Path(sockets)) as house, tsa(PKI) as authority:
            authority.crls = {"/root.crl": PKI.crl(), "/issuing.crl": PKI.crl(PKI.issuing)}
            lists = tuple(map(authority.at, authority.crls))
            stamps = InOrder([authority.source(tmp_path, lists=lists), OwnStamps(house.esignet)])
            shown: Cache[str, AuthorityShown] = Cache(SystemClock(), entries=1, seconds=60)
            signing = Signing(documents=house.esignet, stamps=stamps, pdf=PdfPool(), shown=shown)
            yield Office(house, signing, authority)
            await stamps.close()


@pytest.mark.parametrize("level", [Level.B_T, Level.B_LT, Level.B_LTA])
@pytest.mark.spec("ETSI EN 319 122-1 §6")
async def test_openssl_finds_the_time_of_somebody_else_in_our_signature(
    office: Office, level: Level, tmp_path: Path
) -> None:
    signature = await office.signed(level)
    [found] = FORMAT.check(signature, [ITEM])
    assert (found.level, found.problems) == (level, ())
    stamps = [*found.timestamps, *found.archive]
    assert len(stamps) == (2 if level is Level.B_LTA else 1)
    for token, covered in stamps:
        (tmp_path / "t").write_bytes(token)
        (tmp_path / "covered").write_bytes(covered)
        command = ["openssl", "ts", "-verify", "-data", "covered", "-token_in", "-in", "t"]
        command += ["-CAfile", str(PKI.pem(tmp_path))]
        run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert "Verification: OK" in run.stdout + run.stderr
    if level is not Level.B_T:
        assert {PKI.stamper.der, *PKI.stamper.chain} <= set(found.evidence.certificates)
        assert set(office.authority.crls.values()) <= set(found.evidence.crls)
    ours = await office.root()
    believing = Trust(anchors=(ours,), stamp_anchors=(ours, PKI.root.der))
    now = SystemClock().now()
    [judged] = validate(signature, [ITEM], {"cades": FORMAT}, believing, now).signatures
    assert judged.is_proved and all(not stamp.trouble for stamp in judged.stamps)
    alone = Trust(anchors=(ours,), stamp_anchors=(ours,))
    [doubted] = validate(signature, [ITEM], {"cades": FORMAT}, alone, now).signatures
    assert not doubted.is_proved, "only whoever trusts that authority has a proof of time"


@pytest.mark.spec("RFC 6960 §3.2")
async def test_the_status_of_an_authority_that_has_no_lists_lasts_in_our_signature(
    office: Office, tmp_path: Path
) -> None:
    end = OpensslResponder(issuer=PKI.issuing, by=PKI.responder, index={PKI.stamper: "V"})
    top = OpensslResponder(issuer=PKI.root, by=PKI.root, index={PKI.issuing: "V"})
    office.authority.responders = {"/end": end.answer, "/top": top.answer}
    responders = tuple(map(office.authority.at, office.authority.responders))
    source = office.authority.source(tmp_path, responders=responders)
    signing = replace(office.signing, stamps=InOrder([source]))
    [found] = FORMAT.check(await replace(office, signing=signing).signed(Level.B_LTA), [ITEM])
    for holder in (PKI.stamper, PKI.issuing):
        assert answers(holder.certificate, holder.above[0], found.evidence.ocsp, ())
    assert len(found.evidence.ocsp) == 3, "about the signer too"
    command = ["openssl", "ocsp", "-respin", "r", "-issuer", "i", "-cert", "c", "-CAfile"]
    for holder in (PKI.stamper, PKI.issuing):
        (tmp_path / "c").write_bytes(holder.certificate.public_bytes(Encoding.PEM))
        (tmp_path / "i").write_bytes(holder.above[0].public_bytes(Encoding.PEM))
        said = []
        for response in found.evidence.ocsp:
            (tmp_path / "r").write_bytes(response)
            run = subprocess.run(
                [*command, str(PKI.pem(tmp_path)), "-no_nonce", "-verify_other", "i"],
                *(),
                cwd=tmp_path,
                capture_output=True,
                text=True,
                check=False,
            )
            said.append("c: good" in run.stdout and "Response verify OK" in run.stderr)
        assert said.count(True) == 1
    await source.close()


async def test_our_own_authority_stands_in_with_its_status(office: Office) -> None:
    office.authority.answer = lambda request: b"HTTP/1.1 503 x\r\ncontent-length: 0\r\n\r\n"
    [found] = FORMAT.check(await office.signed(Level.B_LT), [ITEM])
    assert office.authority.asked
    stamper = read_token(found.timestamps[0][0]).certificate
    assert stamper in found.evidence.certificates and stamper != PKI.stamper.der
    assert len(found.evidence.ocsp) == 2, "of the signer and of our own authority"


async def test_a_request_waits_until_an_authority_is_back(
    database: OpenDatabase, tmp_path: Path
) -> None:
    async with AsyncExitStack() as opened:
        authority = await opened.enter_async_context(tsa(PKI))
        stamps = InOrder([authority.source(tmp_path)])
        opened.push_async_callback(stamps.close)
        world = await opened.enter_async_context(request_world(database, tmp_path, stamps))
        authority.answer = lambda request: b"HTTP/1.1 200 x\r\ncontent-length: 0\r\n\r\n"
        said = await world.created()
        token = await world.approved(said)
        assert (await world.sign(said, token))[0] == 503
        found = await world.store.find(said["id"])
        assert found is not None and found.state is State.COMPLETING
        authority.answer = authority.granted
        await world.resuming.run_once(world.clock.now())
        assert (await world.shown(said))["state"] == "signed"
        assert (await world.sign(said, token))[0] == 200
