"""The sample relying party takes a PDF of the person's own: bounded, and refused in words."""

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from config.wiring.demo.upload import MOST, NotTaken, _file, uploaded_pdf

PDF = b"%PDF-1.7\r\n--\r\n\x00\xff\r\n"
MULTIPART = "multipart/form-data; boundary=b"


async def taken(request: Request) -> Response:
    try:
        found = await uploaded_pdf(request)
    except NotTaken as reason:
        return PlainTextResponse(str(reason), 400)
    if found is None:
        return PlainTextResponse("none", 404)
    return Response(found.content, headers={"x-name": found.name.encode().hex()})


@pytest.fixture
def client() -> httpx2.AsyncClient:
    application = Starlette(routes=[Route("/", taken, methods=["POST"])])
    transport = httpx2.ASGITransport(application)
    return httpx2.AsyncClient(transport=transport, base_url="http://clinic.example")


async def sent(client: httpx2.AsyncClient, name: str, content: bytes) -> httpx2.Response:
    return await client.post("/", files={"document": (name, content, "application/pdf")})


@pytest.mark.parametrize("name", ["a.pdf", "/etc/../c:\\b/Vertrag ü.pdf", "x" * 200 + ".pdf"])
async def test_a_pdf_comes_octet_by_octet_under_the_last_part_of_its_name(
    client: httpx2.AsyncClient, name: str
) -> None:
    answer = await sent(client, name, PDF)
    assert answer.status_code == 200 and answer.content == PDF
    told = bytes.fromhex(answer.headers["x-name"]).decode()
    assert len(told) <= 100 and "/" not in told and "\\" not in told
    assert name.endswith(told) or len(name) > 100


async def test_what_is_no_pdf_or_too_large_is_refused_in_words(client: httpx2.AsyncClient) -> None:
    assert "not a PDF" in (await sent(client, "a.txt", b"text")).text
    for length in (MOST + 1, MOST * 2):
        assert "larger than 10 MB" in (await sent(client, "a.pdf", PDF.ljust(length))).text
    assert (await sent(client, "a.pdf", PDF.ljust(MOST))).status_code == 200


async def test_a_form_without_a_file_is_none(client: httpx2.AsyncClient) -> None:
    assert (await sent(client, "", b"")).status_code == 404
    assert (await client.post("/", data={"which": "sample"})).status_code == 404
    assert (await client.post("/", content=b"--b", headers={"content-type": MULTIPART})).is_error


@given(body=st.binary(max_size=300), kind=st.sampled_from([MULTIPART, MULTIPART + "\xff", "x"]))
def test_no_body_breaks_the_reading(body: bytes, kind: str) -> None:
    _file(kind, body)
    found = _file(kind, b'--b\r\ncontent-disposition: form-data; filename="' + body)
    assert found is None or len(found.name) <= 100
