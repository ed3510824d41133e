"""pyHanko's client of the CSC API v1 signs a PDF with us, and its validator agrees."""

import asyncio
import base64
import hashlib
import io
import socket
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import aiohttp
import pytest
import uvicorn
from asn1crypto import x509
from pyhanko.pdf_utils.generic import StreamObject
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.writer import PageObject, PdfFileWriter
from pyhanko.sign import PdfSignatureMetadata, PdfSigner
from pyhanko.sign.general import SigningError
from pyhanko.sign.signers.csc_signer import (
    CSCAuthorizationInfo,
    CSCAuthorizationManager,
    CSCServiceSessionInfo,
    CSCSigner,
    fetch_certs_in_csc_credential,
)
from pyhanko.sign.validation import async_validate_pdf_signature
from pyhanko_certvalidator import ValidationContext

from config.runtime.database.connect import open_database
from config.runtime.web import Budget
from tests.csc import PKI, Token, World, approving, credential, small_database
from tests.unit.web import asking


class Person(CSCAuthorizationManager):  # type: ignore[misc]
    """Asks the person, who approves what is shown."""

    world: World
    agrees_to: bytes | None = None

    async def authorize_signature(self, hash_b64s: list[str]) -> CSCAuthorizationInfo:
        digest = self.agrees_to or base64.b64decode(hash_b64s[0])
        detail = approving(
            digest, credentialID="c-1", hashType="dtbsr", activation=f"for {hash_b64s[0]}"
        )
        self.world.bearers.tokens["approval"] = Token(details=[detail])
        return CSCAuthorizationInfo(sad="approval")


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[World]:
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    origin = f"http://127.0.0.1:{listening.getsockname()[1]}"
    database = await open_database(small_database(tmp_path / "answers.db"))
    budgets = {"tokens": Budget("tokens", 100, 10)}
    world = World(database, partial(asking.web, budgets=budgets, origins=[origin]), origin)
    world.bearers.tokens["service"] = Token(scope=frozenset(("service",)))
    world.wallet.kept["ana"] = [credential("c-1", world.clock.now())]
    server = uvicorn.Server(uvicorn.Config(world.web, log_config=None, lifespan="off", ws="none"))
    running = asyncio.create_task(server.serve(sockets=[listening]))
    yield world
    server.should_exit = True
    await running
    await database.close()


def small_pdf() -> IncrementalPdfFileWriter:
    writer = PdfFileWriter()
    empty = writer.add_object(StreamObject(stream_data=b""))
    writer.insert_page(PageObject(contents=empty, media_box=(0, 0, 99, 99)))
    written = io.BytesIO()
    writer.write(written)
    return IncrementalPdfFileWriter(written)


async def signed_by_pyhanko(world: World, agrees_to: bytes | None = None) -> bytes:
    service = CSCServiceSessionInfo(world.origin, "c-1", oauth_token="service")
    async with aiohttp.ClientSession() as session:
        told = await fetch_certs_in_csc_credential(session, service)
        assert told.hash_pinning_required
        person = Person(service, told)
        person.world, person.agrees_to = world, agrees_to
        signer = CSCSigner(session, person)
        wish = PdfSignatureMetadata(field_name="Signature", md_algorithm="sha256")
        made = await PdfSigner(wish, signer).async_sign_pdf(small_pdf())
        return bytes(made.getbuffer())


@pytest.mark.spec("CSC API v1.0.4.0 §11.9")
async def test_pyhanko_signs_a_pdf_through_the_older_version(served: World) -> None:
    made = await signed_by_pyhanko(served)
    (signature,) = PdfFileReader(io.BytesIO(made)).embedded_signatures
    root = x509.Certificate.load(PKI.signer.chain[-1])
    context = ValidationContext(trust_roots=[root], allow_fetching=False)
    judged = await async_validate_pdf_signature(signature, context)
    assert judged.bottom_line, judged.pretty_print_details()


async def test_pyhanko_gets_no_signature_of_what_the_person_did_not_see(served: World) -> None:
    with pytest.raises(SigningError):
        await signed_by_pyhanko(served, agrees_to=hashlib.sha256(b"another").digest())
    assert not served.hand.used
