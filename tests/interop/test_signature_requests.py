"""Signature requests above the real key service, over its sockets, judged by other engines."""

import asyncio
import base64
import hashlib
import subprocess
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from config.runtime.database.connect import OpenDatabase
from config.wiring.verifying import every_format
from esignet.formats.format import Item, Level
from esignet.protocol.csc.approval import CREDENTIAL
from idp.authorization_details.credential import Credential
from keystore.service.document_client import DocumentClient
from tests import pdf_files
from tests.csc import Token, approving
from tests.request_world import (
    CONTENT,
    DIGEST,
    LARGEST,
    PARTS,
    ROWS,
    World,
    asked,
    given,
    known,
    octets,
    request_world,
)

LONG = pdf_files.document(200)


@pytest.fixture
async def world(database: OpenDatabase, tmp_path: Path) -> AsyncIterator[World]:
    async with request_world(database, tmp_path) as made:
        yield made


def ran(*words: str, cwd: Path) -> str:
    run = subprocess.run(words, cwd=cwd, capture_output=True, text=True, check=False)
    return run.stdout + run.stderr


async def test_two_pdfs_are_signed_at_b_lt_under_one_approval(world: World, tmp_path: Path) -> None:
    assert 65_536 < len(LONG) * 4 // 3 < 100_000, "longer than a usual body, with five digits"
    documents = [given(LONG), given(pdf_files.form(), "b.pdf")]
    said = await world.created(format="pades", documents=documents)
    assert [one["label"] for one in said["documentDigests"]] == ["a.pdf", "b.pdf"]
    assert {one["hashType"] for one in said["documentDigests"]} == {"sdr"}
    checksum = base64.b64encode(hashlib.sha256(LONG).digest()).decode()
    assert said["documentDigests"][0]["checksum"] == f"sha256-{checksum}"
    told = {name: said[name] for name in ("hashAlgorithmOID", "documentDigests")}
    Credential("credential").check(
        {"type": CREDENTIAL, "signatureQualifier": "tl_national_aes", **told}
    )
    status, told = await world.ask("GET", f"/{said['id']}")
    assert (status, told["state"]) == (200, "open")
    assert told["hashes"] == [one["hash"] for one in said["documentDigests"]]
    status, made = await world.sign(said, await world.approved(said))
    assert status == 200, made
    assert [one["name"] for one in made["documents"]] == ["a.pdf", "b.pdf"]
    assert [one.count(".") for one in made["promises"]] == [2, 2]
    for one in made["documents"]:
        pdf = base64.b64decode(one["content"])
        (found,) = await world.signing.pdf.check(pdf)
        assert (found.problems, found.level) == ((), Level.B_LT)
        (tmp_path / "signed.pdf").write_bytes(pdf)
        shown = ran("pdfsig", "-nocert", "signed.pdf", cwd=tmp_path)
        assert "Signature is Valid" in shown


async def test_a_cades_signature_is_made_from_a_digest(world: World, tmp_path: Path) -> None:
    said = await world.created(level="B-T")
    (told,) = said["documentDigests"]
    assert octets(told.pop("hash")) == DIGEST
    assert told == {"label": "a.txt", "hashType": "sodr"}
    said["documentDigests"][0]["hash"] = known()["digest"]
    status, made = await world.sign(said, await world.approved(said))
    assert status == 200, made
    (tmp_path / "s").write_bytes(base64.b64decode(made["documents"][0]["content"]))
    (tmp_path / "c").write_bytes(CONTENT)
    ran("openssl", "x509", "-inform", "DER", "-in", "root.der", "-out", "root.pem", cwd=tmp_path)
    verify = ["openssl", "cms", "-verify", "-cades", "-binary", "-inform", "DER", "-in", "s"]
    verify += ["-content", "c", "-purpose", "any", "-CAfile", "root.pem", "-out", "out"]
    assert "CAdES Verification successful" in ran(*verify, cwd=tmp_path)


@pytest.mark.parametrize(
    ("form", "level", "documents"),
    [
        ("cades", "B-LTA", [known()]),
        ("xades", "B-LT", [known()]),
        ("xades", "B-LTA", [given(CONTENT)]),
        ("jades", "B-LT", [known()]),
        ("jades", "B-LTA", [given(CONTENT)]),
        ("pades", "B-T", [known()]),
        ("jws", "B-B", [given(CONTENT)]),
        ("cose", "B-T", [given(CONTENT)]),
        ("asic_cades", "B-LTA", [given(CONTENT), given(b"other", "b.pdf")]),
        ("asic_xades", "B-LTA", [given(CONTENT), given(b"other", "b.pdf")]),
    ],
)
async def test_every_format_reaches_the_level_that_is_promised(
    world: World, form: str, level: str, documents: list[dict[str, str]]
) -> None:
    said = await world.created(format=form, level=level, documents=documents)
    status, made = await world.sign(said, await world.approved(said))
    assert status == 200, made
    (one,) = made["documents"]
    content = None if "digest" in documents[0] or form.startswith("asic") else CONTENT
    items = [] if form.startswith("asic") else [Item(name="a", digest=DIGEST, content=content)]
    if form in ("xades", "jades"):
        items = [replace(items[0], name=documents[0]["name"])]
    (found,) = every_format()[form].check(base64.b64decode(one["content"]), items)
    assert (found.problems, found.level) == ((), Level(level))


@pytest.mark.parametrize(
    ("changes", "status", "word"),
    [
        ({"format": "word"}, 422, "format is one of"),
        ({"level": "B-LTA", "format": "xades"}, 422, "goes up to B-LT"),
        ({"level": "B-LTA", "format": "asic_xades"}, 422, "goes up to B-LT"),
        ({"level": "B-LT", "format": "pades"}, 422, "goes up to B-T"),
        ({"level": "B-T", "format": "jws", "documents": [given(CONTENT)]}, 422, "up to B-B"),
        ({"format": "jws", "level": "B-B"}, 422, "needs the document itself"),
        ({"format": "pades", "documents": [given(b"no PDF")]}, 422, ""),
        ({"documents": [given(bytes(LARGEST + 1))]}, 413, "octets"),
        ({"documents": [{**given(b""), "content": "A==="}]}, 400, "base64"),
        ({"documents": []}, 400, "documents"),
        ({"surprise": 1}, 400, "not known"),
    ],
)
async def test_what_cannot_be_done_is_refused_at_once(
    world: World, changes: dict[str, Any], status: int, word: str
) -> None:
    found, said = await world.ask("POST", "", asked(**changes))
    assert (found, said["error"]) == (status, "invalid_request")
    assert word in said["error_description"]
    assert await world.database.rows(ROWS) == []


async def test_other_bodies_are_refused(world: World) -> None:
    assert (await world.ask("POST", "", b"{"))[0] == 400
    assert (await world.ask("POST", "", b'{"format":1,"format":2}'))[0] == 400
    assert (await world.ask("POST", "", b" " * (LARGEST * 2 + 300_000)))[0] == 413
    assert (await world.ask("POST", "", b"{}", **{"content-type": "text/plain"}))[0] == 415


async def test_without_a_token_or_its_scope_nothing_is_asked(world: World) -> None:
    world.bearers.tokens["bare"] = Token(expires_at=world.clock.now() + 9)
    for method, path in (("POST", ""), ("GET", "/abc"), ("DELETE", "/abc")):
        for token, status in (("", 401), ("unknown", 401), ("bare", 403)):
            reply = await world.reply(method, path, asked(), token)
            assert reply.status == status
            assert (reply.header("www-authenticate") or "").startswith("Bearer")
    assert (await world.ask("POST", "/abc/signatures", token=""))[0] == 401
    assert (await world.ask("POST", "/abc/signatures"))[0] == 404


async def test_a_request_is_its_clients_alone(world: World) -> None:
    said = await world.created()
    path = f"/{said['id']}"
    assert (await world.ask("GET", path, token="another"))[0] == 404
    assert (await world.ask("DELETE", path, token="another"))[0] == 404
    stolen = await world.approved(said, client_id="another")
    assert (await world.sign(said, stolen))[0] == 404
    assert (await world.ask("GET", path))[1]["state"] == "open"


async def test_only_what_was_approved_is_signed(world: World) -> None:
    said = await world.created()
    other = await world.created(documents=[known(hashlib.sha256(b"other").digest())])
    for token in (await world.approved(other), "office"):
        status, told = await world.sign(said, token)
        assert (status, told["error"]) == (403, "not_approved")
    forged = await world.approved(other)
    honest = world.bearers.tokens[forged]
    widened = approving(DIGEST, activation=honest.details[0]["activation"])
    world.bearers.tokens[forged] = replace(honest, details=[widened])
    assert (await world.sign(said, forged))[0] == 403
    stored = await world.approved(said)
    named = {**world.bearers.tokens[stored].details[0], "credentialID": "c"}
    world.bearers.tokens[stored] = replace(world.bearers.tokens[stored], details=[named])
    assert (await world.sign(said, stored))[0] == 403
    assert (await world.sign(said, await world.approved(said)))[0] == 200, "it is still open"


async def test_of_two_at_once_one_signs_and_nobody_afterwards(world: World) -> None:
    said = await world.created()
    tokens = [await world.approved(said) for _ in range(3)]
    answers = await asyncio.gather(*(world.sign(said, token) for token in tokens[:2]))
    assert sorted(status for status, _ in answers) == [200, 409]
    assert (await world.sign(said, tokens[2]))[0] == 409
    assert (await world.ask("DELETE", f"/{said['id']}"))[0] == 409
    assert (await world.ask("GET", f"/{said['id']}"))[1]["state"] == "signed"
    names = {row["part"] for row in await world.database.rows(PARTS)}
    assert names == {"key", "signers", "told", "result.0"}


async def test_what_is_cancelled_is_destroyed(world: World) -> None:
    said = await world.created()
    token, path = await world.approved(said), f"/{said['id']}"
    assert (await world.ask("DELETE", path)) == (204, None)
    assert (await world.ask("GET", path))[1]["state"] == "cancelled"
    assert (await world.sign(said, token))[0] == 409
    assert (await world.ask("DELETE", path))[0] == 409
    assert await world.database.rows(PARTS) == []


async def test_what_expired_is_not_signed_and_then_forgotten(world: World) -> None:
    said = await world.created()
    token, path = await world.approved(said), f"/{said['id']}"
    world.bearers.tokens[token] = replace(
        world.bearers.tokens[token], expires_at=said["expires_at"] + 9
    )
    world.clock.at = said["expires_at"]
    assert (await world.ask("GET", path))[1]["state"] == "expired"
    status, told = await world.sign(said, token)
    assert (status, told["error"]) == (410, "expired")
    await world.database.submit(*world.store.prune(world.clock.now(), 10))
    assert await world.database.rows(PARTS) == []
    assert (await world.ask("GET", path))[1]["state"] == "expired"
    world.clock.at += 86_400
    await world.database.submit(*world.store.prune(world.clock.now(), 10))
    assert (await world.ask("GET", path))[0] == 404


async def test_documents_lie_encrypted_and_no_log_tells_of_them(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    said = await world.created(documents=[given(CONTENT, "ana-divorce.txt")])
    (row,) = await world.database.rows(ROWS)
    stored = b"".join(part["octets"] for part in await world.database.rows(PARTS))
    assert CONTENT not in stored and b"divorce" not in stored
    assert "divorce" not in row["format"] + row["client_id"]
    await world.sign(said, await world.approved(said))
    assert "divorce" not in caplog.text
    assert said["documentDigests"][0]["hash"] not in caplog.text


async def test_a_key_service_that_is_away_leaves_the_request_open(world: World) -> None:
    said = await world.created()
    token = await world.approved(said)
    real = world.signing.documents
    away = DocumentClient(Path("/nowhere/esignet.sock"))
    object.__setattr__(world.signing, "documents", away)
    reply = await world.reply("POST", f"/{said['id']}/signatures", token=token)
    assert (reply.status, reply.header("retry-after")) == (503, "5")
    object.__setattr__(world.signing, "documents", real)
    await away.close()
    assert (await world.sign(said, token))[0] == 200
