"""A v2 flow by script: the API above the real key service, over its sockets, judged by openssl."""

import base64
import hashlib
import io
import subprocess
import tempfile
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from pyhanko.pdf_utils.reader import PdfFileReader

from config.runtime.cache import Cache
from config.runtime.clock import SystemClock
from config.runtime.database.connect import OpenDatabase, open_database
from config.runtime.web import Budget
from esignet.evidence.timestamps.own import OwnStamps
from esignet.flows.signing import Signing
from esignet.formats import cades, xades
from esignet.formats.format import Item, Level
from esignet.pdf.pool import Bounds, PdfPool
from esignet.protocol.csc import sign_doc
from keystore.signing.door import AuthorityShown
from tests.csc import ECDSA, FORMATS, SHA256, Token, World, approving, small_database, text, told
from tests.keyrings import software_backend
from tests.pdf_files import document, prepared_by_pyhanko
from tests.signing_house import SigningHouse, approval, signing_house
from tests.unit.web import asking

CONTENT = b"A contract.\n"
DIGEST = hashlib.sha256(CONTENT).digest()
OTHER = hashlib.sha256(b"another").digest()


@pytest.fixture
async def house(database: OpenDatabase, tmp_path: Path) -> AsyncIterator[SigningHouse]:
    backend = software_backend(tmp_path)
    with tempfile.TemporaryDirectory() as sockets:
        async with signing_house(backend, database, Path(sockets)) as made:
            (chain,) = (await made.esignet.authority()).chains
            (tmp_path / "root.der").write_bytes(chain[-1])
            (tmp_path / "issuing.der").write_bytes(chain[0])
            yield made
            assert backend.live == 0


@pytest.fixture
async def world(house: SigningHouse, tmp_path: Path) -> AsyncIterator[World]:
    answers = await open_database(small_database(tmp_path / "answers.db"))
    web = partial(asking.web, budgets={"tokens": Budget("tokens", 100, 10)})
    shown: Cache[str, AuthorityShown] = Cache(SystemClock(), entries=1, seconds=60)
    pdf = PdfPool(Bounds(workers=1))
    stamps = OwnStamps(house.esignet)
    hand = Signing(documents=house.esignet, stamps=stamps, pdf=pdf, shown=shown)
    made = World(answers, web, hand=hand, stamper=house.esignet, pdf=pdf)
    made.clock.at = SystemClock().now()
    await approve(house, made, "approved", DIGEST)
    await approve(house, made, "both", DIGEST, OTHER)
    yield made
    await pdf.close()
    await answers.close()


async def approve(house: SigningHouse, world: World, token: str, *digests: bytes) -> None:
    """Make ``token`` one with which the person approved the digests."""
    activation = await house.idp.activate(approval(*digests))
    world.bearers.tokens[token] = Token(
        details=[approving(*digests, activation=activation)], expires_at=world.clock.now() + 300
    )


async def call(world: World, method: str, body: object, token: str = "approved") -> tuple[int, Any]:
    reply = await asking.ask(world.web, world.asked(method, body, token))
    return reply.status, told(reply)


def openssl(*words: str, cwd: Path) -> str:
    run = subprocess.run(["openssl", *words], cwd=cwd, capture_output=True, text=True, check=False)
    return run.stdout + run.stderr


def signing(digest: bytes, kind: str, level: str) -> dict[str, Any]:
    entry = {
        "hashes": [text(digest)],
        "hashAlgorithmOID": SHA256,
        "signature_format": kind,
        "conformance_level": level,
        "signAlgo": ECDSA,
    }
    return {"signatureQualifier": "tl_national_aes", "documentDigests": [entry]}


async def test_a_script_gets_a_signature_that_openssl_accepts_once(
    world: World, tmp_path: Path
) -> None:
    body = signing(DIGEST, "C", "Ades-B-T")
    assert (await call(world, "signatures/signDoc", signing(OTHER, "C", "Ades-B-T")))[0] == 403
    status, said = await call(world, "signatures/signDoc", body)
    assert status == 200
    (tmp_path / "s").write_bytes(base64.b64decode(said["SignatureObject"][0]))
    (tmp_path / "c").write_bytes(CONTENT)
    openssl("x509", "-inform", "DER", "-in", "root.der", "-out", "root.pem", cwd=tmp_path)
    verify = ["cms", "-verify", "-cades", "-binary", "-inform", "DER", "-in", "s", "-content", "c"]
    verify += ["-purpose", "any", "-CAfile", "root.pem", "-out", "out"]
    assert "CAdES Verification successful" in openssl(*verify, cwd=tmp_path)
    assert (await call(world, "signatures/signDoc", body))[0] == 200, "the answer is given again"
    other = signing(DIGEST, "X", "Ades-B-T")
    assert await call(world, "signatures/signDoc", other) == (
        400,
        {"error": "invalid_request", "error_description": "SAD expired"},
    )


@pytest.mark.parametrize(
    ("kind", "level", "reached"),
    [
        *(("C", level, level) for level in ("B-B", "B-T", "B-LT", "B-LTA")),
        *(("X", level, level) for level in ("B-B", "B-T", "B-LT")),
        *(("J", level, level) for level in ("B-B", "B-T", "B-LT")),
        *(("P", "B-B", "B-B"), ("P", "B-T", "B-T"), ("P", "B-LT", "B-T")),
    ],
)
async def test_each_format_and_level_is_made_by_the_real_key_service(
    world: World, kind: str, level: str, reached: str
) -> None:
    body = signing(DIGEST, kind, f"Ades-{level}")
    status, said = await call(world, "signatures/signDoc", {**body, "returnValidationInfo": True})
    assert status == 200
    form = FORMATS[sign_doc.FORMATS[kind]]
    item = Item(name="document", digest=DIGEST, content=None if kind == "P" else CONTENT)
    (found,) = form.check(base64.b64decode(said["SignatureObject"][0]), [item])
    assert (found.problems, found.level) == ((), Level(reached))
    assert all(said["validationInfo"][name] for name in ("ocsp", "crl", "certificates"))


async def test_documents_of_several_formats_are_signed_under_one_approval(world: World) -> None:
    first, second = signing(DIGEST, "X", "Ades-B-LT"), signing(OTHER, "C", "Ades-B-LTA")
    entries = [*first["documentDigests"], *second["documentDigests"]]
    body = {**first, "documentDigests": entries}
    turned = {**first, "documentDigests": entries[::-1]}
    assert (await call(world, "signatures/signDoc", turned, "both"))[0] == 403
    status, said = await call(world, "signatures/signDoc", body, "both")
    assert status == 200
    one, other = map(base64.b64decode, said["SignatureObject"])
    (found,) = xades.FORMAT.check(one, [Item(name="document", digest=DIGEST)])
    assert (found.problems, found.level) == ((), Level.B_LT)
    (found,) = cades.FORMAT.check(other, [Item(name="document", digest=OTHER)])
    assert (found.problems, found.level) == ((), Level.B_LTA)


async def test_an_approval_that_was_widened_signs_nothing(world: World) -> None:
    """The key service judges the activation itself, whatever a token around it says."""
    honest = world.bearers.tokens["approved"]
    (detail,) = honest.details
    forged = approving(OTHER, activation=detail["activation"])
    world.bearers.tokens["approved"] = replace(honest, details=[forged])
    status, said = await call(world, "signatures/signDoc", signing(OTHER, "C", "Ades-B-B"))
    assert (status, said["error_description"]) == (400, "SAD expired")
    world.bearers.tokens["approved"] = honest
    assert (await call(world, "signatures/signDoc", signing(DIGEST, "X", "Ades-B-B")))[0] == 200


@pytest.mark.spec("RFC 3161 §2.4.2")
async def test_a_stamp_of_our_authority_carries_the_nonce(world: World, tmp_path: Path) -> None:
    body = {"hash": text(DIGEST), "hashAlgo": SHA256, "nonce": "00c0ffee"}
    status, said = await call(world, "signatures/timestamp", body)
    assert status == 200
    (tmp_path / "t").write_bytes(base64.b64decode(said["timestamp"]))
    (tmp_path / "c").write_bytes(CONTENT)
    openssl("x509", "-inform", "DER", "-in", "root.der", "-out", "root.pem", cwd=tmp_path)
    shown = openssl("ts", "-reply", "-token_in", "-in", "t", "-text", cwd=tmp_path)
    assert "Nonce: 0xC0FFEE" in shown
    verify = ["ts", "-verify", "-token_in", "-in", "t", "-data", "c", "-CAfile", "root.pem"]
    openssl("x509", "-inform", "DER", "-in", "issuing.der", "-out", "issuing.pem", cwd=tmp_path)
    assert "Verification: OK" in openssl(*verify, "-untrusted", "issuing.pem", cwd=tmp_path)


@pytest.mark.spec("CSC API v2.2 §11.11")
@pytest.mark.parametrize("level", ["B-LT", "B-LTA"])
@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
async def test_a_pdf_that_other_software_prepared_comes_back_signed_for_years(
    house: SigningHouse, world: World, tmp_path: Path, level: str
) -> None:
    pdf = await prepared_by_pyhanko(document())
    (field,) = PdfFileReader(io.BytesIO(pdf)).root["/AcroForm"]["/Fields"]
    _, begins, ends, _ = map(int, field.get_object()["/V"]["/ByteRange"])
    await approve(house, world, "pdf", hashlib.sha256(pdf[:begins] + pdf[ends:]).digest())
    entry = {
        "document": text(pdf),
        "signature_format": "P",
        "conformance_level": f"Ades-{level}",
        "signAlgo": ECDSA,
    }
    body = {"signatureQualifier": "tl_national_aes", "documents": [entry]}
    changed = {**body, "documents": [{**entry, "document": text(pdf.replace(b"Ana", b"Eve"))}]}
    assert (await call(world, "signatures/signDoc", changed, "pdf"))[0] == 403
    status, said = await call(world, "signatures/signDoc", body, "pdf")
    assert (status, list(said)) == (200, ["DocumentWithSignature"])
    made = base64.b64decode(said["DocumentWithSignature"][0])
    assert (made[:begins], made[ends : len(pdf)]) == (pdf[:begins], pdf[ends:])
    (found,) = FORMATS["pades"].check(made, ())
    assert (found.level, found.problems) == (Level(level), ())
    (tmp_path / "a.pdf").write_bytes(made)
    judged = subprocess.run(["pdfsig", "-nocert", "a.pdf"], cwd=tmp_path, capture_output=True)
    assert b"Signature is Valid" in judged.stdout
    assert b"ETSI.CAdES.detached" in judged.stdout
