"""Tools of others that are asked about a signed PDF: each that is installed says what it thinks."""

import asyncio
import re
import shutil
import tempfile
from base64 import encodebytes
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from esignet.formats.format import Found
from esignet.formats.pades import FORMAT
from keystore.der.names import issuer_and_serial
from keystore.x509.parsed import parsed

_RANGE = re.compile(rb"/ByteRange\s*\[\s*(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s*\]")
_VERIFY = ("-inform", "DER", "-in", "message", "-content", "covered", "-out", "content")
_TRUST = ("-CAfile", "root.pem")


@dataclass(frozen=True, slots=True)
class Question:
    """How a tool is asked, in the directory with the files, and what it says of what is good."""

    name: str
    command: tuple[str, ...]
    good: str


WHOLE = (
    Question("pdfsig", ("pdfsig", "-nocert", "signed.pdf"), "Signature is Valid"),
    Question("mutool", ("mutool", "sign", "-v", "signed.pdf"), "signature is valid"),
    Question("qpdf", ("qpdf", "--check", "signed.pdf"), "No syntax or stream encoding errors"),
)
"""What is asked about the file as it is."""

PARTS = (
    Question(
        "openssl cms",
        ("openssl", "cms", "-verify", "-cades", "-binary", "-purpose", "any", *_VERIFY, *_TRUST),
        "CAdES Verification successful",
    ),
    Question(
        "openssl ts",
        ("openssl", "ts", "-verify", "-data", "stamped", "-token_in", "-in", "token", *_TRUST),
        "Verification: OK",
    ),
    Question(
        "openssl ocsp",
        (
            *("openssl", "ocsp", "-respin", "answer", "-issuer", "issuer.pem"),
            *("-sha256", "-cert", "signer.pem", "-no_nonce", *_TRUST),
        ),
        "signer.pem: good",
    ),
)
"""What is asked about the message in it, its time-stamp and the answer about its certificate."""


async def judged(document: bytes) -> dict[str, bool]:
    """Return what each judge that is installed here says of a PDF with one signature at B-LT."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        for file, content in _files(document):
            (place / file).write_bytes(content)
        questions = [one for one in (*WHOLE, *PARTS) if shutil.which(one.command[0])]
        return {one.name: one.good in await _told(one, place) for one in questions}


async def _told(question: Question, place: Path) -> str:
    pipe, both = asyncio.subprocess.PIPE, asyncio.subprocess.STDOUT
    run = await asyncio.create_subprocess_exec(
        *question.command, cwd=place, stdout=pipe, stderr=both
    )
    told, _ = await run.communicate()
    return told.decode(errors="replace")


def _files(document: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield the document and its parts, by the names that the questions have for them."""
    yield "signed.pdf", document
    found = _RANGE.search(document)
    signatures = FORMAT.check(document, [])
    if found is None or len(signatures) != 1:
        raise ValueError("a PDF with one signature was expected")
    start, length, after, rest = map(int, found.groups())
    yield "covered", document[start : start + length] + document[after : after + rest]
    yield "message", bytes.fromhex(document[start + length + 1 : after - 1].decode("ascii"))
    yield from _evidence(signatures[0])


def _evidence(found: Found) -> Iterator[tuple[str, bytes]]:
    for token, covered in found.timestamps[:1]:
        yield "token", token
        yield "stamped", covered
    issuer, serial = issuer_and_serial(found.certificate)
    for answer in found.evidence.ocsp:
        if serial in answer:  # the others are about who stamped
            yield "answer", answer
    named = {parsed(one).subject.public_bytes(): one for one in found.evidence.certificates}
    yield "signer.pem", _pem(found.certificate)
    yield "issuer.pem", _pem(named[issuer])
    roots = (one for name, one in named.items() if issuer_and_serial(one)[0] == name)
    yield "root.pem", b"".join(map(_pem, roots))


def _pem(certificate: bytes) -> bytes:
    text = encodebytes(certificate)
    return b"-----BEGIN CERTIFICATE-----\n" + text + b"-----END CERTIFICATE-----\n"
