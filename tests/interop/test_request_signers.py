"""Several people sign one request: one after the other, each once, and engines of others agree."""

import base64
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from config.runtime.database.connect import OpenDatabase
from config.wiring.verifying import every_format
from esignet.formats.format import Found, Item, Level
from tests import pdf_files
from tests.interop.test_signature_requests import ran
from tests.request_world import CONTENT, DIGEST, World, asked, given, known, request_world

BOTH = [{"label": "Buyer"}, {"label": "Seller"}]
XML = b"<lease><rent>100</rent></lease>"


@pytest.fixture(params=["sqlite"])
def database_kind(request: pytest.FixtureRequest) -> str:
    """These tests are about signatures: one kind of database is enough."""
    return str(request.param)


@pytest.fixture
async def world(database: OpenDatabase, tmp_path: Path) -> AsyncIterator[World]:
    async with request_world(database, tmp_path) as made:
        yield made


async def all_signed(world: World, said: dict[str, Any]) -> list[bytes]:
    """Have Ana and then Ben sign what each is told; the outcome as files."""
    for subject in ("ana", "ben"):
        shown = await world.shown(said)
        assert shown["state"] == "open"
        status, made = await world.sign(said, await world.approved(shown, subject))
        assert status == 200, made
    shown = await world.shown(said)
    assert [one["state"] for one in shown["signers"]] == ["signed", "signed"]
    assert [one["label"] for one in shown["signers"]] == ["Buyer", "Seller"]
    assert shown["state"] == "signed" and "documentDigests" not in shown
    files: list[bytes] = []
    while (
        reply := await world.reply("GET", f"/{said['id']}/documents/{len(files)}")
    ).status == 200:
        files.append(reply.body)
    assert reply.status == 404
    return files


async def test_two_people_sign_one_pdf_and_others_find_both(world: World, tmp_path: Path) -> None:
    documents = [given(pdf_files.form())]
    said = await world.created(format="pades", documents=documents, signers=BOTH)
    (pdf,) = await all_signed(world, said)
    found = await world.signing.pdf.check(pdf)
    assert [(one.problems, one.level) for one in found] == [((), Level.B_LT)] * 2
    assert len({one.certificate for one in found}) == 2
    (tmp_path / "signed.pdf").write_bytes(pdf)
    shown = ran("pdfsig", "-nocert", "signed.pdf", cwd=tmp_path)
    assert shown.count("Signature is Valid") == 2


@pytest.mark.parametrize(
    ("form", "level", "envelope", "document", "files"),
    [
        ("cades", "B-LTA", "detached", known(), 1),
        ("cades", "B-LT", "enveloping", given(CONTENT), 1),
        ("xades", "B-LTA", "parallel", given(XML, "lease.xml"), 1),
        ("xades", "B-LT", "detached", known(), 2),
        ("jades", "B-LT", "detached", known(), 2),
        ("jws", "B-B", "detached", given(CONTENT), 2),
        ("cose", "B-T", "detached", given(CONTENT), 2),
        ("asic_cades", "B-LT", "asic-e", given(CONTENT), 1),
        ("asic_cades", "B-LT", "asic-s", given(CONTENT), 1),
        ("asic_xades", "B-LT", "asic-e", given(CONTENT), 1),
    ],
)
async def test_two_people_sign_in_every_format(
    world: World, form: str, level: str, envelope: str, document: dict[str, str], files: int
) -> None:
    said = await world.created(
        format=form, level=level, envelope=envelope, documents=[document], signers=BOTH
    )
    made = await all_signed(world, said)
    assert len(made) == files
    inside = base64.b64decode(document.get("content", ""))
    items = [
        Item(
            name=document["name"],
            digest=hashlib.sha256(inside).digest() if inside else DIGEST,
            content=inside or None,
        )
    ]
    found: list[Found] = []
    for signature in made:
        found += every_format()[form].check(signature, [] if form.startswith("asic") else items)
    assert [(one.problems, one.level) for one in found] == [((), Level(level))] * 2
    assert len({one.certificate for one in found}) == 2


@pytest.mark.parametrize(("form", "envelope"), [("xades", "enveloped"), ("asic_xades", "asic-s")])
async def test_where_no_second_signature_has_a_place_it_is_said_at_once(
    world: World, form: str, envelope: str
) -> None:
    wanted = asked(format=form, envelope=envelope, documents=[given(XML)], signers=BOTH)
    assert (await world.ask("POST", "", wanted))[0] == 422


async def test_nobody_signs_for_two_and_nobody_before_their_turn(world: World) -> None:
    said = await world.created(signers=BOTH)
    first = await world.approved(said)
    status, told = await world.sign(said, first, 1)
    assert (status, told["error"]) == (409, "conflict")
    status, made = await world.sign(said, first, 0)
    assert status == 200
    status, told = await world.sign(said, await world.approved(said, "ana"))
    assert (status, told["error"]) == (403, "signed_already")
    assert await world.sign(said, first) == (200, made), "the same approval is told the same"
    states = [one["state"] for one in (await world.shown(said))["signers"]]
    assert states == ["signed", "waiting"]
    assert (await world.ask("GET", f"/{said['id']}/documents/0"))[0] == 409
    status, last = await world.sign(said, await world.approved(said, "ben"))
    assert status == 200 and last != made
    assert await world.sign(said, first) == (200, made)


async def test_where_the_order_is_free_the_second_may_sign_first(world: World) -> None:
    said = await world.created(signers=BOTH, order="any", format="jades")
    assert (await world.sign(said, await world.approved(said, "ben"), 1))[0] == 200
    states = [one["state"] for one in (await world.shown(said))["signers"]]
    assert states == ["waiting", "signed"]
    assert (await world.sign(said, await world.approved(said, "ana"), 1))[0] == 409
    assert (await world.sign(said, await world.approved(said, "ana"), 0))[0] == 200
    assert (await world.shown(said))["state"] == "signed"


async def test_an_approval_of_the_pdf_before_the_first_signature_is_no_good_after_it(
    world: World,
) -> None:
    said = await world.created(
        format="pades", documents=[given(pdf_files.form())], signers=BOTH, order="any"
    )
    early = await world.approved(said, "ben")
    assert (await world.sign(said, await world.approved(said, "ana")))[0] == 200
    status, told = await world.sign(said, early)
    assert (status, told["error"]) == (403, "not_approved")
