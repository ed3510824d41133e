"""Documents that were uploaded first: signed where they lie, gone with their request."""

import asyncio
import base64
import hashlib
import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from config.runtime.database.connect import OpenDatabase
from config.runtime.database.unit import DatabaseUnavailable
from esignet.flows.documents import NoSuchDocument
from esignet.formats.format import Level
from esignet.stores.documents import Documents, Upload
from tests import large_pdf, pdf_files
from tests.request_world import CONTENT, LARGEST, World, asked, known, octets, request_world
from tests.unit.web.asking import Asked

MEBIBYTE = 1 << 20
PDF = b"".join(large_pdf.pieces(2 * MEBIBYTE))


pytestmark = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)


@pytest.fixture
async def world(database: OpenDatabase, tmp_path: Path) -> AsyncIterator[World]:
    async with request_world(database, tmp_path) as made:
        yield made


async def uploaded(world: World, content: bytes, client: str = "office") -> Upload:
    async def pieces() -> AsyncIterator[bytes]:
        yield content

    return await world.uploads.taken(client, "application/pdf", pieces())


def named(upload: Upload, name: str = "a.pdf", **members: str) -> dict[str, str]:
    return {"name": name, "document": upload.id, **members}


async def got(
    world: World, path: str, wanted: str = "", status: int = 200
) -> tuple[dict[bytes, bytes], bytes]:
    """Return the headers and the whole of an answer that is streamed, or the range ``wanted``."""
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [("authorization", "Bearer office")] + ([("range", wanted)] if wanted else [])
    call = Asked("GET", path, headers)
    await world.web(call.scope(), call.receiver(), send)
    assert sent[0]["status"] == status
    return dict(sent[0]["headers"]), b"".join(one["body"] for one in sent[1:])


async def test_a_large_pdf_is_signed_where_it_lies_by_one_after_another(
    world: World, tmp_path: Path
) -> None:
    assert len(PDF) > LARGEST
    upload = await uploaded(world, PDF)
    said = await world.created(
        format="pades", documents=[named(upload)], signers=[{"label": "Ana"}, {"label": "Ben"}]
    )
    (told,) = said["documentDigests"]
    checksum = base64.b64encode(hashlib.sha256(PDF).digest()).decode()
    assert (told["hashType"], told["checksum"]) == ("sdr", f"sha256-{checksum}")
    status, first = await world.sign(said, await world.approved(said))
    assert status == 200, first
    (one,) = first["documents"]
    assert one == {"name": "a.pdf", "href": f"/signature-requests/{said['id']}/documents/0"}
    shown = await world.shown(said)
    (told,) = shown["documentDigests"]
    status, second = await world.sign(said, await world.approved({**said, **shown}, subject="ben"))
    assert status == 200, second
    headers, signed = await got(world, one["href"])
    assert headers[b"accept-ranges"] == b"bytes"
    assert headers[b"content-length"] == str(len(signed)).encode()
    assert headers[b"content-type"] == b"application/pdf"
    assert b'filename="a.pdf"' in headers[b"content-disposition"]
    assert signed.startswith(PDF)
    behind, size = len(PDF), len(signed)  # what was given, and what was appended to it
    for first, last in ((behind - 9, behind + 8), (behind, size - 1), (behind + 5, behind + 5)):
        told, octets = await got(world, one["href"], f"bytes={first}-{last}", 206)
        assert octets == signed[first : last + 1]
        assert told[b"content-range"] == f"bytes {first}-{last}/{size}".encode()
        assert told[b"etag"] == headers[b"etag"]
        assert b'filename="a.pdf"' in told[b"content-disposition"]
    found = await world.signing.pdf.check(signed)
    assert [(one.problems, one.level) for one in found] == [((), Level.B_LT)] * 2
    (tmp_path / "signed.pdf").write_bytes(signed)
    if shutil.which("pdfsig"):
        command = ["pdfsig", "-nocert", str(tmp_path / "signed.pdf")]
        judged = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True)
        assert judged.stdout.count("Signature is Valid") == 2


async def test_what_is_small_is_taken_in_and_signed_in_any_format(world: World) -> None:
    pdf = pdf_files.document()
    said = await world.created(format="pades", documents=[named(await uploaded(world, pdf))])
    status, made = await world.sign(said, await world.approved(said))
    assert status == 200, made
    signed = base64.b64decode(made["documents"][0]["content"])
    assert signed.startswith(pdf)
    upload = await uploaded(world, CONTENT)
    said = await world.created(format="jws", level="B-B", documents=[named(upload, "a.txt")])
    assert said["documentDigests"][0]["label"] == "a.txt"


async def test_of_what_is_large_the_digest_is_signed(world: World) -> None:
    upload = await uploaded(world, PDF)
    said = await world.created(documents=[known(), named(upload, media_type="image/tiff")])
    hashes = [octets(one["hash"]) for one in said["documentDigests"]]
    assert hashes[1] == hashlib.sha256(PDF).digest()
    wanted = asked(format="jws", level="B-B", documents=[named(await uploaded(world, PDF))])
    status, told = await world.ask("POST", "", wanted)
    assert (status, "needs the document itself" in told["error_description"]) == (422, True)


async def test_a_document_is_of_one_request_and_goes_with_it(world: World) -> None:
    upload = await uploaded(world, PDF)
    said = await world.created(format="pades", documents=[named(upload)])
    found = await world.uploads.find(upload.id, "office")
    assert (found.request, found.expires_at) == (said["id"], said["expires_at"])
    again = asked(format="pades", documents=[named(upload)])
    status, told = await world.ask("POST", "", again)
    assert (status, told["error_description"]) == (409, "a document belongs to another request")
    assert (await world.ask("DELETE", f"/{said['id']}"))[0] == 204
    with pytest.raises(NoSuchDocument):
        await world.uploads.find(upload.id, "office")
    status, told = await world.ask("POST", "", again)
    assert (status, told["error_description"]) == (422, "there is no such document of this client")


async def test_only_its_client_names_a_document_and_names_it_once(world: World) -> None:
    upload = await uploaded(world, PDF, client="another")
    status, told = await world.ask("POST", "", asked(documents=[named(upload)]))
    assert (status, told["error_description"]) == (422, "there is no such document of this client")
    mine = await uploaded(world, PDF)
    twice = [named(mine), named(mine, "b.pdf")]
    status, told = await world.ask("POST", "", asked(documents=twice))
    assert (status, told["error_description"]) == (400, "a document is named once")
    for wrong in ("", "a\0b", "\u00e9", "../x", 7, None):
        strange = [{"name": "a.pdf", "document": wrong}]
        assert (await world.ask("POST", "", asked(documents=strange)))[0] == 400
    both = [{**named(mine), "digest": known()["digest"]}]
    status, told = await world.ask("POST", "", asked(documents=both))
    assert (status, told["error_description"]) == (
        400,
        "a document has one of content, digest and document",
    )


async def test_of_two_requests_at_once_one_gets_the_document(world: World) -> None:
    upload = await uploaded(world, CONTENT)
    wanted = asked(documents=[named(upload)])
    answers = await asyncio.gather(*(world.ask("POST", "", wanted) for _ in range(3)))
    assert sorted(status for status, _ in answers) == [201, 409, 409]


async def test_a_request_whose_document_is_gone_fails_and_says_so(world: World) -> None:
    upload = await uploaded(world, PDF)
    said = await world.created(format="pades", documents=[named(upload)])
    await world.database.submit(world.uploads.store.destroyed_of(said["id"]))
    status, told = await world.sign(said, await world.approved(said))
    assert (status, told["error"]) == (422, "unsignable")
    assert (await world.shown(said))["state"] == "failed"


async def test_what_is_no_pdf_is_refused_and_stays_for_another_try(world: World) -> None:
    upload = await uploaded(world, bytes(2 * MEBIBYTE))
    status, told = await world.ask("POST", "", asked(format="pades", documents=[named(upload)]))
    assert (status, told["error_description"]) == (422, "this is no PDF")
    assert (await world.uploads.find(upload.id, "office")).request == ""


async def test_where_chunks_are_away_it_is_gone_on_with(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The approval was used and the signature made; the PDF comes when its chunks are back."""
    said = await world.created(
        format="pades", level="B-T", documents=[named(await uploaded(world, PDF))]
    )

    async def away(store: Documents, identifier: str, number: int) -> bytes | None:
        raise DatabaseUnavailable

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(Documents, "chunk", away)
        token = await world.approved(said)
        assert (await world.sign(said, token))[0] == 503
        assert (await world.shown(said))["state"] == "completing"
        await world.resuming.signing.drained()
    status, made = await world.sign(said, token)
    assert status == 200, made
    _, signed = await got(world, made["documents"][0]["href"])
    (found,) = await world.signing.pdf.check(signed)
    assert found.problems == ()
