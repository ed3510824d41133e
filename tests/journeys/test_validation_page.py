"""The validation page: what a clerk is told of files from anywhere, and what goes wrong."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from httpx2 import Response

from config.runtime.web.multipart import FORM
from keystore.signing.digests import HashAlgorithm
from tests import pdf_files
from tests.journeys.browsers import Browser, Reader
from tests.journeys.hosted_world import SERVICE, House, hosted
from tests.small_pki import SmallPki

LEASE = b"The lease of the house\n"
LARGEST = 300_000

pytestmark = pytest.mark.asyncio(loop_scope="module")

Files = dict[str, tuple[str, bytes]]


@dataclass(frozen=True)
class Clerk:
    """Somebody with a browser before the page; ``pdf`` and ``beside`` were signed at the house."""

    house: House
    pdf: bytes
    beside: bytes

    async def checked(self, files: Files, language: str = "en", **typed: str) -> tuple[int, str]:
        """What the page says of the files: its status and its words."""
        answer = await self.sent(files, language, **typed)
        text = Reader(answer.text).text.replace("\u2068", "").replace("\u2069", "")
        return answer.status_code, text

    async def sent(self, files: Files, language: str = "en", **typed: str) -> Response:
        """Fill in the form and press its button."""
        return await self.house.browser().client.post(
            "/validate", files=files, data=typed, headers={"accept-language": language}
        )

    async def raw(self, body: bytes, kind: str) -> Response:
        """Send what no browser sends."""
        headers = {"content-type": kind, "accept": "text/html"}
        return await self.house.browser().client.post("/validate", content=body, headers=headers)


async def signed(house: House, document: tuple[str, str, bytes], **wishes: str) -> bytes:
    """A document that a person signed on the pages of the house."""
    _, link = await house.link(document, **wishes)
    browser = house.browser()
    page = await house.signed(
        browser, await browser.press(await house.opened(browser, link), "/start")
    )
    [saved] = [one for one in page.reader.links if "/signed/" in one]
    return (await browser.get(saved)).response.content


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def clerk(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Clerk]:
    directory: Path = tmp_path_factory.mktemp("validation")
    async with hosted(directory, largest_document=LARGEST) as house:
        pdf = ("Contract.pdf", "application/pdf", pdf_files.document(1))
        yield Clerk(
            house,
            await signed(house, pdf, format="pades", level="B-LT"),
            await signed(house, ("Lease.txt", "text/plain", LEASE), level="B-LT"),
        )


async def test_a_form_stands_at_the_address_and_nobody_frames_it(clerk: Clerk) -> None:
    browser = Browser(clerk.house.sign, SERVICE)
    page = await browser.get("/validate")
    form = page.form("/validate")
    assert page.status == 200 and form.method == "post"
    assert {"file", "document", "digest"} <= {name for name, _ in form.fields}
    headers = page.response.headers
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["cache-control"] == "no-store"
    assert "/validate?lang=ar" in page.reader.links


async def test_a_valid_document_is_told_in_words(clerk: Clerk) -> None:
    status, text = await clerk.checked({"file": ("Contract.pdf", clerk.pdf)})
    assert status == 200
    for words in (
        *("The signature is valid", "Contract.pdf", "TOTAL-PASSED", "B-LT", "not later than"),
        *(
            "What was signed Contract.pdf",
            "(a pseudonym)",
            "an archive time-stamp that keeps it provable",
        ),
    ):
        assert words in text, (words, text)
    assert "Do not rely" not in text and "nothing proves" not in text
    status, text = await clerk.checked({"file": ("Contract.pdf", clerk.pdf)}, "sw")
    assert "Sahihi ni halali" in text


async def test_an_altered_document_is_not_valid(clerk: Clerk) -> None:
    altered = clerk.pdf.replace(b"/MediaBox", b"/MediaBux", 1)
    assert altered != clerk.pdf
    status, text = await clerk.checked({"file": ("Contract.pdf", altered)})
    assert status == 200, text
    assert "The signature is not valid" in text and "TOTAL-FAILED HASH_FAILURE" in text
    assert "it was changed after it was signed. Do not rely on it." in text


async def test_an_authority_that_nobody_knows_decides_nothing(clerk: Clerk) -> None:
    signer = SmallPki().signer
    key = signer.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    document = pdf_files.document(1)
    theirs = await asyncio.to_thread(pdf_files.signed_by_pyhanko, document, key, signer.der)
    status, text = await clerk.checked({"file": ('<i>"Theirs.pdf', theirs)})
    assert status == 200 and '<i>"Theirs.pdf' in text
    assert "It cannot be decided whether the signature is valid" in text
    assert "comes from an authority that is not known here. Do not rely on it until" in text
    assert "NO_CERTIFICATE_CHAIN_FOUND" in text and "nothing proves when" in text


async def test_a_document_beside_its_signature_is_given_or_only_its_digest(clerk: Clerk) -> None:
    file = ("Lease.txt.p7s", clerk.beside)
    _, text = await clerk.checked({"file": file, "document": ("Lease.txt", LEASE)})
    assert "The signature is valid" in text and "What was signed Lease.txt" in text
    _, text = await clerk.checked({"file": file, "document": ("Lease.txt", LEASE + b"!")})
    assert "The signature is not valid" in text and "HASH_FAILURE" in text
    nothing = ("", b"")
    digest = sha256(LEASE).hexdigest().upper()
    _, text = await clerk.checked({"file": file, "document": nothing}, digest=f" {digest} ")
    assert "The signature is valid" in text
    _, text = await clerk.checked({"file": file, "document": nothing}, digest="")
    assert "The document that was signed is not in the file: choose it as well." in text
    for wrong in ("12", "x" * 64, "é" * 64):
        status, text = await clerk.checked({"file": file}, digest=wrong)
        assert (status, "The digest cannot be read" in text) == (422, True)
    pairs = " ".join(digest[at : at + 2] for at in range(0, 64, 2))  # as certutil of Windows 7
    _, text = await clerk.checked({"file": file}, digest=pairs)
    assert "The signature is valid" in text
    twice = await clerk.checked({"file": file}, digest=f"{digest} {digest}")
    assert (twice[0], "The digest cannot be read" in twice[1]) == (422, True)
    answer = await clerk.sent({"file": file}, digest="12 <b>")
    assert 'value="12 &lt;b&gt;"' in answer.text, "it need not be typed again"
    assert '<a href="#digest">' in answer.text and 'problem" aria-invalid="true"' in answer.text
    both = {"file": file, "document": ("Lease.txt", LEASE)}
    status, text = await clerk.checked(both, digest=digest)
    assert (status, "no document beside it" in text) == (422, True)


async def test_of_every_digest_the_one_counts_that_the_signature_was_made_of(clerk: Clerk) -> None:
    asked = {
        "format": "xades",
        "level": "B-LT",
        "envelope": "detached",
        "hashAlgorithmOID": HashAlgorithm.SHA512.oid,
    }
    file = ("Lease.xml", await signed(clerk.house, ("Lease.txt", "text/plain", LEASE), **asked))
    every = {one: one.of(LEASE).hex() for one in HashAlgorithm}
    for digits in (" ".join(every.values()), " ".join(reversed(every.values()))):
        _, text = await clerk.checked({"file": file}, digest=digits)
        assert "The signature is valid" in text
    only = every[HashAlgorithm.SHA256]
    _, text = await clerk.checked({"file": file}, digest=only)
    assert "The digest is not enough for this signature" in text and "valid." not in text
    wrong = HashAlgorithm.SHA512.of(LEASE + b"!").hex()
    _, text = await clerk.checked({"file": file}, digest=f"{only} {wrong}")
    assert "The signature is not valid" in text and "HASH_FAILURE" in text
    client = clerk.house.browser().client
    digits = "+".join(every.values())
    answer = await client.post(f"/validate?digest={digits}", content=file[1])
    [one] = answer.json()["validationConclusion"]["signatures"]
    assert one["indication"] == "TOTAL-PASSED"


async def test_what_went_wrong_is_said_beside_the_form(clerk: Clerk) -> None:
    for files, status, words in (
        ({"file": ("", b"")}, 422, "No file was chosen"),
        ({"document": ("a.txt", b"a")}, 422, "No file was chosen"),
        ({"file": ("a.txt", b"only text")}, 422, "There is no signature in it"),
        ({"file": ("a.pdf", pdf_files.document(1))}, 422, "There is no signature in it"),
        ({"file": ("a.pdf", b"%PDF-1.7 " + bytes(99))}, 422, "There is no signature in it"),
        ({"file": ("a.p7s", b"\x30" * (LARGEST + 9000))}, 413, "may have 300 kB"),
    ):
        answer = await clerk.sent(files)
        text = answer.text.replace("\u2068", "").replace("\xa0", " ")
        assert answer.status_code == status and words in text, (words, text)
        assert 'action="/validate"' in text, "the way on"


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"", FORM, 415),
        (b"", f"{FORM}; boundary=", 415),
        (b"", f"{FORM}; boundary=b", 400),
        (b"--b\r\n\r\n--b--", f"{FORM}; boundary=b", 400),
        (
            b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\nx',
            f"{FORM}; boundary=b",
            400,
        ),
    ],
)
async def test_a_form_that_no_browser_sends_is_refused_on_a_page(
    clerk: Clerk, body: bytes, kind: str, status: int
) -> None:
    answer = await clerk.raw(body, kind)
    assert answer.status_code == status
    assert "We could not read that" in answer.text and 'action="/validate"' in answer.text


async def test_programs_get_the_report_as_ever(clerk: Clerk) -> None:
    client = clerk.house.browser().client
    answer = await client.post("/validate?name=Contract.pdf", content=clerk.pdf)
    [one] = answer.json()["validationConclusion"]["signatures"]
    assert one["indication"] == "TOTAL-PASSED"
    answer = await client.post("/validate", content=b"no signature")
    assert answer.json()["error"] == "unreadable_signature"
    answer = await client.post("/validate", content=bytes(LARGEST + 1))
    assert answer.status_code == 413 and answer.json()["error"] == "invalid_request"
    answer = await client.put("/validate", headers={"accept": "text/html"})
    assert answer.status_code == 405 and 'href="/validate"' in answer.text
