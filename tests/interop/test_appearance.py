"""Signatures that are seen in their PDFs, asked for by signature requests; other engines look."""

import asyncio
import base64
import subprocess
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from config.runtime.database.connect import OpenDatabase
from tests import pdf_files
from tests.interop.test_uploaded_documents import got, named, uploaded
from tests.request_world import (
    LARGEST,
    PARTS,
    ROWS,
    VALIDATION,
    World,
    asked,
    given,
    known,
    request_world,
)
from tests.unit.esignet.formats.test_pades import drawn, ran

pytestmark = [
    pytest.mark.server,
    pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True),
]

TEXT = "Signed by {signer}\n{date} UTC, {document}\n{validation}"


@pytest.fixture
async def world(database: OpenDatabase, tmp_path: Path) -> AsyncIterator[World]:
    async with request_world(database, tmp_path) as made:
        yield made


def seen(left: int, **changes: object) -> dict[str, object]:
    return {"box": [left, 50, left + 240, 130], "text": TEXT, **changes}


def two(**changes: object) -> dict[str, Any]:
    signers = [{"label": "Buyer"}, {"label": "Seller"}]
    shown = [seen(20, certify="forms", qr="{validation}"), {"field": "Second", "reason": "Sold"}]
    documents = [given(pdf_files.document(), "Contract.pdf")]
    return {
        **{"format": "pades", "level": "B-B", "documents": documents, "signers": signers},
        **{"appearance": shown, **changes},
    }


async def signed(world: World, said: dict[str, Any], *people: str) -> bytes:
    for person in people:
        now = await world.shown(said)
        status, made = await world.sign(now, await world.approved(now, subject=person))
        assert status == 200, made
    return base64.b64decode(made["documents"][0]["content"])


def picture(tmp_path: Path) -> str:
    """A JPEG in base64, as another engine writes it."""
    (tmp_path / "page.pdf").write_bytes(pdf_files.document())
    command = ("pdftoppm", "-jpeg", "-r", "9", "-singlefile", "page.pdf", "picture")
    subprocess.run(command, cwd=tmp_path, check=True)
    return base64.b64encode((tmp_path / "picture.jpg").read_bytes()).decode()


def judge(tmp_path: Path, pdf: bytes, signatures: int) -> str:
    """Other engines find the signatures valid and the file whole; return what they see."""
    assert ran(tmp_path, pdf, "pdfsig", "-nocert").count("Signature is Valid") == signatures
    assert "No syntax or stream encoding errors" in ran(tmp_path, pdf, "qpdf", "--check")
    told = ran(tmp_path, pdf, "mutool", "sign", "-v")
    assert told.count("unchanged since signing") >= 1
    return drawn(tmp_path, pdf)


async def test_each_signer_is_seen_and_placeholders_are_filled(
    world: World, tmp_path: Path
) -> None:
    shown = [seen(20, picture=picture(tmp_path)), seen(320, location="Accra")]
    said = await world.created(**two(appearance=shown))
    today = datetime.fromtimestamp(world.clock.now(), UTC).strftime("%Y-%m-%d")
    pdf = await signed(world, said, "ana", "ben")
    there = await asyncio.to_thread(judge, tmp_path, pdf, 2)
    for word in ("Signed by Buyer", "Signed by Seller", f"{today} UTC, Contract.pdf", VALIDATION):
        assert word in there
    assert (there.count(VALIDATION), "{" in there) == (2, False)
    assert b"/Location" in pdf and b"/DCTDecode" in pdf
    names = {row["part"] for row in await world.database.rows(PARTS)}
    assert names == {"key", "signers", "told", "result.0", "result.1"}, (
        "nothing of its looks is kept"
    )


async def test_the_first_certifies_and_the_second_fills_its_field(
    world: World, tmp_path: Path
) -> None:
    pdf = await signed(world, await world.created(**two()), "ana", "ben")
    there = await asyncio.to_thread(judge, tmp_path, pdf, 2)
    assert "Signed by Buyer" in there and b"/DocMDP" in pdf and b"(Sold)" in pdf


async def test_a_pdf_that_lies_elsewhere_gains_the_same(world: World, tmp_path: Path) -> None:
    pdf = pdf_files.document(310)
    assert len(pdf) > LARGEST
    upload = await uploaded(world, pdf)
    said = await world.created(**two(documents=[named(upload)]))
    for person in ("ana", "ben"):
        now = await world.shown(said)
        status, made = await world.sign(now, await world.approved(now, subject=person))
        assert status == 200, made
    _, signed_pdf = await got(world, f"/signature-requests/{said['id']}/documents/0")
    there = await asyncio.to_thread(judge, tmp_path, signed_pdf, 2)
    assert signed_pdf.startswith(pdf) and "Signed by Buyer" in there


REFUSED: list[tuple[dict[str, Any], int, str]] = [
    ({"format": "cades"}, 422, "pades alone"),
    ({"documents": [known()]}, 422, "not its digest"),
    ({"order": "any"}, 422, "the order sequential"),
    ({"appearance": []}, 400, "list of one for each signer"),
    ({"appearance": seen(20, text="{name}")}, 400, "after the approval"),
    ({"appearance": seen(20, text="\u16a0")}, 422, "font"),
    ({"appearance": [seen(20), seen(900)]}, 422, "not on its page"),
    ({"appearance": [seen(20, certify="none"), {}]}, 422, "permits no further"),
    ({"appearance": [seen(20, certify="forms"), seen(320)]}, 422, "needs a field"),
    ({"appearance": [{}, {"field": "Signature1"}]}, 422, "signed already"),
    ({"appearance": seen(20, text="", picture="AAAA")}, 422, "no JPEG"),
    ({"appearance": seen(20, page=7)}, 422, "no such page"),
]


async def test_what_could_not_be_seen_is_refused_before_anybody_signs(world: World) -> None:
    for changes, status, word in REFUSED:
        found, said = await world.ask("POST", "", asked(**two(**changes)))
        assert (found, said["error"]) == (status, "invalid_request")
        assert word in said["error_description"], changes
    assert await world.database.rows(ROWS) == []
