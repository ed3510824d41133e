"""PDF signatures per second of one processor beside pyHanko's own path, and the memory they take.

Run ``python -m benchmarks.pdf_documents``. A message for /Contents is made from a digest by our
writer and by pyHanko; a whole PDF is prepared and filled by us and signed by pyHanko; and one of
500 MB is prepared, digested and filled on disk, in a process whose memory is then read.
"""

import asyncio
import hashlib
import io
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, cast

from asn1crypto import keys, x509
from cryptography.hazmat.primitives import serialization
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import PdfSignatureMetadata, SimpleSigner, sign_pdf
from pyhanko.sign.fields import SigSeedSubFilter
from pyhanko_certvalidator.registry import SimpleCertificateStore

from benchmarks.document_formats import per_second
from esignet.formats import pdf_writing
from esignet.formats.format import Item, Wish
from esignet.formats.pades import FORMAT
from esignet.formats.pdf_wish import PdfWish
from keystore.signing.digests import HashAlgorithm
from keystore.signing.structures.cms import build
from keystore.signing.structures.structure import Ground
from tests import pdf_files
from tests.small_pki import AT, SmallPki

LARGE = 500 * 1024 * 1024
"""Octets of the large document."""

_DIGEST = hashlib.sha256(b"a PDF").digest()


def ours(pki: SmallPki, item: Item, wish: Wish) -> bytes:
    """Return a signature at B-B: a message, or a PDF when the item has one."""
    prepared = FORMAT.prepare([item], wish)
    ground = Ground(
        hash_algorithm=HashAlgorithm.SHA256,
        digests=prepared.digests,
        certificate=pki.signer.der,
        chain=pki.signer.chain[:-1],
        alg="ES256",
        now=AT,
    )
    built = build(prepared.plan, ground)  # type: ignore[arg-type]
    return FORMAT.embed(prepared, pki.signer.signed(built.parts, built.signed))


def pyhanko_signer(pki: SmallPki) -> SimpleSigner:
    """Return pyHanko's signer with the same key and chain."""
    key = pki.signer.key.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    store = SimpleCertificateStore()
    store.register(x509.Certificate.load(pki.signer.chain[0]))
    return SimpleSigner(x509.Certificate.load(pki.signer.der), keys.PrivateKeyInfo.load(key), store)


def pyhanko_message(signer: SimpleSigner) -> Callable[[], object]:
    """Return what makes pyHanko's message from the digest alone."""
    loop = asyncio.new_event_loop()

    def made() -> object:
        signing = signer.async_sign(_DIGEST, "sha256", use_pades=True)
        return loop.run_until_complete(signing).dump()

    return made


def pyhanko_pdf(signer: SimpleSigner, pdf: bytes) -> object:
    """Return pyHanko's signed PDF."""
    wish = PdfSignatureMetadata(field_name="Signature1", subfilter=SigSeedSubFilter.PADES)
    return sign_pdf(IncrementalPdfFileWriter(io.BytesIO(pdf)), wish, signer=signer)


def large() -> None:
    """Sign a large document on disk, and print the seconds and the memory of this process."""
    with tempfile.NamedTemporaryFile(dir=Path.cwd(), suffix=".pdf") as file:
        stream = cast(BinaryIO, file)
        _write_large(stream)
        before, began = _megabytes(), time.perf_counter()
        gap = pdf_writing.reserve(stream, PdfWish(at=AT))
        pdf_writing.digest(stream, gap, HashAlgorithm.SHA256)
        pdf_writing.fill(stream, gap, bytes(4_000))
        spent = time.perf_counter() - began
        more = _megabytes() - before
        sys.stdout.write(f"{spent:.1f} s, at its peak {more:.0f} MB more memory than at rest\n")


def _write_large(file: BinaryIO) -> None:
    """Write a document with a stream that is as large as a document may be."""
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<<>>>>",
    ]
    file.write(b"%PDF-1.7\n")
    places = []
    for number, one in enumerate(objects, 1):
        places.append(file.tell())
        file.write(b"%d 0 obj\n%s\nendobj\n" % (number, one))
    places.append(file.tell())
    file.write(b"4 0 obj\n<</Length %d>>\nstream\n" % LARGE)
    for _ in range(LARGE >> 20):
        file.write(bytes(1 << 20))
    file.write(b"\nendstream\nendobj\n")
    start = file.tell()
    file.write(b"xref\n0 5\n0000000000 65535 f \n")
    file.writelines(b"%010d 00000 n \n" % place for place in places)
    file.write(b"trailer\n<</Size 5/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % start)


def _megabytes() -> float:
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def figures(pki: SmallPki) -> dict[str, tuple[float, float]]:
    """Return how many signatures per second of processor we make, and pyHanko, of each kind."""
    signer = pyhanko_signer(pki)
    bare = Item(name="a.pdf", digest=_DIGEST)
    pdf = pdf_files.document(10)
    given = Item(name="a.pdf", digest=hashlib.sha256(pdf).digest(), content=pdf)
    wish = Wish(pdf=PdfWish(at=AT))
    return {
        "message at B-B from a digest": (
            per_second(lambda: ours(pki, bare, Wish())),
            per_second(pyhanko_message(signer)),
        ),
        "PDF of ten pages at B-B": (
            per_second(lambda: ours(pki, given, wish)),
            per_second(lambda: pyhanko_pdf(signer, pdf)),
        ),
    }


def main() -> None:
    """Print the table."""
    out = sys.stdout.write
    out("| B-B | ours /s | pyHanko /s | times |\n|---|---|---|---|\n")
    for name, (one, other) in figures(SmallPki()).items():
        out(f"| {name} | {one:,.0f} | {other:,.0f} | {one / other:.1f} |\n")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    out(f"\nPeak memory of this process: {peak:.0f} MB.\nA PDF of 500 MB on disk: ")
    sys.stdout.flush()
    subprocess.run([sys.executable, "-m", "benchmarks.pdf_documents", "large"], check=True)


if __name__ == "__main__":
    large() if sys.argv[1:] == ["large"] else main()
