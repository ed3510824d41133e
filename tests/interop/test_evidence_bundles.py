"""Evidence of signed requests: sealed by the service, read by others, its client's alone."""

import asyncio
import base64
import hashlib
import io
import subprocess
import zipfile
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from joserfc import jws
from joserfc.jwk import KeySet

from config.runtime.database.connect import OpenDatabase
from config.wiring.verifying import every_format
from esignet.formats.format import Level
from esignet.protocol.evidence import promised
from esignet.protocol.indications import Indication
from esignet.validation.engine import Trust
from esignet.validation.reading import validate
from keystore.jose.jwk import parse_set
from keystore.signing.log import check_proof
from tests.interop.test_uploaded_documents import PDF, got, named, uploaded
from tests.page_judging import judge_structure
from tests.request_world import CONTENT, World, given, known, request_world

DEADLINE = 60.0


@pytest.fixture(params=["sqlite"])
def database_kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def world(database: OpenDatabase, tmp_path: Path) -> AsyncIterator[World]:
    async with request_world(database, tmp_path) as made:
        yield made


async def signed(world: World, **changes: object) -> dict[str, Any]:
    """A request that ana has signed."""
    said = await world.created(**changes)
    status, made = await world.sign(said, await world.approved(said))
    assert status == 200, made
    return {**said, **made}


async def bundle(world: World, said: Mapping[str, Any], token: str = "office") -> bytes:
    reply = await world.reply("GET", f"/{said['id']}/evidence", token=token)
    assert reply.status == 200, reply.body
    assert reply.header("content-type") == "application/vnd.etsi.asic-e+zip"
    assert "evidence.asice" in (reply.header("content-disposition") or "")
    return reply.body


def opened(container: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(container)) as found:
        assert found.testzip() is None
        return {name: found.read(name) for name in found.namelist()}


def judged(world: World, container: bytes, root: bytes) -> Any:
    trust = Trust(anchors=(root,), stamp_anchors=(root,))
    found = validate(container, [], every_format(), trust, world.clock.now())
    assert found.form == "asic_cades"
    [only] = found.signatures
    return only


async def test_the_bundle_says_who_signed_what_and_how_that_is_known(
    world: World, tmp_path: Path
) -> None:
    documents = [given(CONTENT, "lease.pdf"), known(name="plan.txt")]
    said = await signed(world, documents=documents, signers=[{"label": "Tenant"}])
    container = await bundle(world, said)
    files = opened(container)
    told = msgspec.json.decode(files["evidence.json"])
    assert (told["client_name"][""], told["request"]["id"]) == ("The office", said["id"])
    [signature] = told["signatures"]
    assert (signature["signer"], signature["place"]) == ("Tenant", 0)
    approval = signature["approval"]
    assert (approval["client_id"], approval["subject"]) == ("office", "ana")
    assert (approval["acr"], approval["amr"], approval["count"]) == ("level2", ["otp", "pin"], 2)
    assert {"auth_time", "consent", "transaction", "activation"} <= approval.keys()
    assert [one["label"] for one in signature["approved"]] == ["lease.pdf", "plan.txt"]
    hashes = [one["hash"] for one in said["documentDigests"]]
    assert [one["hash"] for one in signature["approved"]] == hashes
    keys = KeySet.import_key_set(msgspec.json.decode(files["audit-keys.json"]))
    for part, made in zip(signature["documents"], said["documents"], strict=True):
        digest = hashlib.sha256(base64.b64decode(made["content"])).digest()
        assert base64.urlsafe_b64decode(part["sha256"] + "=") == digest
        read = jws.deserialize_compact(part["promise"], keys)
        assert msgspec.json.decode(read.payload)["approval"] == approval, "the key service says so"
        holder = x509.load_der_x509_certificate(base64.b64decode(part["certificate"]))
        above = x509.load_der_x509_certificate(base64.b64decode(told["certificates"][0][0]))
        holder.verify_directly_issued_by(above)


async def test_the_seal_is_the_services_and_others_accept_it(world: World, tmp_path: Path) -> None:
    container = await bundle(world, await signed(world))
    root = (tmp_path / "root.der").read_bytes()
    only = judged(world, container, root)
    assert only.conclusion.indication is Indication.TOTAL_PASSED
    assert (only.level, only.is_proved) == (Level.B_LT, True)
    names = x509.load_der_x509_certificate(only.found.certificate).subject.rfc4514_string()
    assert "Utopia Trust Evidence" in names and "Pseudonym" not in names
    files = opened(container)
    for name, octets in files.items():
        (tmp_path / name.rpartition("/")[2]).write_bytes(octets)
    pem = x509.load_der_x509_certificate(root).public_bytes(Encoding.PEM)
    (tmp_path / "root.pem").write_bytes(pem)
    words = ["openssl", "cms", "-verify", "-cades", "-binary", "-inform", "DER"]
    words += ["-in", "signature001.p7s", "-content", "ASiCManifest001.xml", "-purpose", "any"]
    run = subprocess.run(
        [*words, "-CAfile", "root.pem", "-out", "out"], cwd=tmp_path, capture_output=True
    )
    assert b"CAdES Verification successful" in run.stderr, run.stderr
    manifest = (tmp_path / "ASiCManifest001.xml").read_text()
    for name, octets in files.items():
        if not name.startswith("META-INF/") and name != "mimetype":
            assert base64.b64encode(hashlib.sha256(octets).digest()).decode() in manifest, name


@pytest.mark.attack("A5")
async def test_tampering_is_found(world: World, tmp_path: Path) -> None:
    container = await bundle(world, await signed(world))
    root = (tmp_path / "root.der").read_bytes()
    files = opened(container)
    changed = files["evidence.json"].replace(b'"ana"', b'"bob"')
    for name, octets in (
        ("evidence.json", changed),
        ("receipt.en.html", b"<p>Signed by bob</p>"),
        ("receipt.new.html", b"<p>Also signed</p>"),
    ):
        forged = io.BytesIO()
        with zipfile.ZipFile(forged, "w") as made:
            for other, kept in {**files, name: octets}.items():
                made.writestr(other, kept)
        only = judged(world, forged.getvalue(), root)
        assert only.conclusion.indication is not Indication.TOTAL_PASSED, name


async def test_receipts_tell_people_in_every_language(world: World) -> None:
    label = "<b>Lease & plan"
    files = opened(await bundle(world, await signed(world, documents=[known(name=label)])))
    receipts = {name: octets.decode() for name, octets in files.items() if "receipt" in name}
    tags = ("ar", "en", "es", "fr", "hi", "sw")
    assert sorted(receipts) == [f"receipt.{tag}.html" for tag in tags]
    for name, html in receipts.items():
        tag = name.split(".")[1]
        assert f'<html lang="{tag}" dir="{"rtl" if tag == "ar" else "ltr"}">' in html
        judge_structure(html)
        assert "<b>" not in html and "<script" not in html and "http" not in html
        assert "otp, pin" in html and "level2" in html
    assert "Le office" in receipts["receipt.fr.html"]
    assert "Receipt of signatures" in receipts["receipt.en.html"]


async def test_after_the_next_checkpoint_it_holds_the_proof(world: World) -> None:
    said = await signed(world)
    about = promised(said["promises"][0].encode()).about
    async with asyncio.timeout(DEADLINE):
        while await world.house.esignet.proof(about) is None:
            await asyncio.sleep(0.1)
    files = opened(await bundle(world, said))
    told = msgspec.json.decode(files["evidence.json"])
    [part] = told["signatures"][0]["documents"]
    assert part["proof"] == "proof.0.0.json"
    keys = parse_set(files["audit-keys.json"])
    proof = check_proof(part["promise"], files[part["proof"]], keys)
    assert proof.entry[4] == about
    again = opened(await bundle(world, said))
    fixed = {name for name in files if name not in ("evidence.json", "mimetype")}
    assert all(files[name] == again[name] for name in fixed if "META-INF" not in name)


async def test_each_of_several_signers_is_told_with_what_they_approved(world: World) -> None:
    signers = [{"label": "Tenant"}, {"label": "Landlord"}]
    said = await world.created(signers=signers, order="any")
    for subject, place in (("ana", 1), ("ben", 0)):
        status, made = await world.sign(said, await world.approved(said, subject), place)
        assert status == 200, made
    told = msgspec.json.decode(opened(await bundle(world, said))["evidence.json"])
    found = [(one["signer"], one["approval"]["subject"]) for one in told["signatures"]]
    assert found == [("Tenant", "ben"), ("Landlord", "ana")]
    assert all(one["approved"][0]["label"] == "a.txt" for one in told["signatures"])


async def test_the_digest_is_of_the_whole_file_also_where_that_lies_elsewhere(
    world: World,
) -> None:
    upload = await uploaded(world, PDF)
    said = await signed(world, format="pades", documents=[named(upload)])
    told = msgspec.json.decode(opened(await bundle(world, said))["evidence.json"])
    [part] = told["signatures"][0]["documents"]
    _, whole = await got(world, said["documents"][0]["href"])
    assert whole.startswith(PDF)
    assert base64.urlsafe_b64decode(part["sha256"] + "=") == hashlib.sha256(whole).digest()


async def test_nobody_else_gets_it_and_nothing_before_it_is_signed(world: World) -> None:
    said = await world.created()
    path = f"/{said['id']}/evidence"
    assert (await world.ask("GET", path))[0] == 409
    assert (await world.sign(said, await world.approved(said)))[0] == 200
    assert (await world.ask("GET", path, token="another"))[0] == 404
    assert (await world.ask("GET", path, token=""))[0] == 401
    assert (await world.ask("GET", path, token="unknown"))[0] == 401
    approved = await world.approved(said)
    assert (await world.ask("GET", path, token=approved))[0] == 403, "the scope is signatures"
    assert (await world.ask("GET", "/" + "x" * 43 + "/evidence"))[0] == 404
    world.clock.at = said["expires_at"]
    await world.database.submit(*world.store.prune(world.clock.now(), 10))
    assert (await world.ask("GET", path))[0] == 410
