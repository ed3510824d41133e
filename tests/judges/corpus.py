"""Signatures of every format and level as the service makes them, written for judges.

Each lies in a directory of its own as ``signed.<ending>``, with ``originals/`` where the signature
is beside what it signs. ``trusted/`` holds the one root that is to be believed.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from config.runtime.clock import SystemClock
from esignet.formats.format import Level, Wish
from esignet.formats.pdf_wish import PdfWish
from tests import pdf_files
from tests.judges.pdf_a import pdf_a
from tests.judges.signer import Case, Signer, item, signer
from tests.request_world import FONT
from tests.sealing import Office, enrolled
from tests.signing_house import SETTINGS

TEXT = item("debt.txt", b"I owe you nothing.\n")
JSON = item("annex.json", b'{"debt": 0}', "application/json")
XML = item(
    "order.xml",
    b'<a:debt xmlns:a="urn:a" xmlns="urn:b" Id="o-1"><!-- really --><sum of="0"/></a:debt>',
    "text/xml",
)
JPEG = bytes.fromhex("ffd8ffc0000b080010001001011100ffda0008010100003f0000ffd9")
PROOF_OF_ORIGIN = "1.2.840.113549.1.9.16.6.1"
LASTING = msgspec.structs.replace(SETTINGS, archive_timestamp_algorithm="ML-DSA-65")
ENDINGS = {
    "cades": "p7m",
    "xades": "xml",
    "jades": "json",
    "pades": "pdf",
    "asic_cades": "asice",
    "asic_xades": "asice",
}


@dataclass(frozen=True)
class Corpus:
    """Where it is written."""

    directory: Path

    def write(self, case: Case, what: str, signature: bytes) -> None:
        """Write a signature of a case."""
        files = {f"signed.{ENDINGS[case.format]}": signature}
        if case.beside:
            documents = case.of or case.items
            files |= {f"originals/{one.name}": one.content or b"" for one in documents}
        written(self.directory / f"{case.name}_{what}", files)


def written(directory: Path, files: Mapping[str, bytes]) -> None:
    """Write files, and the directories that they lie in."""
    for name, octets in files.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_bytes(octets)


def cases(now: int) -> Iterator[Case]:
    """Every format in each of its shapes."""
    for form in ("cades", "xades"):
        for envelope in ("detached", "enveloping"):
            yield Case(
                name=f"{form}-{envelope}",
                format=form,
                items=[TEXT],
                wish=Wish(envelope=envelope, commitment=PROOF_OF_ORIGIN),
                beside=envelope == "detached",
            )
    for envelope in ("enveloped", "parallel"):
        wish = Wish(envelope=envelope)
        yield Case(name=f"xades-{envelope}", format="xades", items=[XML], wish=wish)
    both = [TEXT, JSON]
    yield Case(name="xades-files", format="xades", items=both, wish=Wish(), beside=True)
    wish = Wish(commitment=PROOF_OF_ORIGIN)
    yield Case(name="jades-file", format="jades", items=[TEXT], wish=wish, beside=True)
    yield Case(name="jades-files", format="jades", items=both, wish=Wish(), beside=True)
    for form in ("cades", "xades"):
        for kind, items in (("s", [TEXT]), ("e", both)):
            name, wish = f"asic-{kind}-{form}", Wish(envelope=f"asic-{kind}")
            yield Case(name=name, format=f"asic_{form}", items=items, wish=wish)
    looks = {
        "hidden": PdfWish(at=now),
        "seen": seen(now),
        "certifying": PdfWish(at=now, certify=2),
        "final": PdfWish(at=now, certify=1),
    }
    for name, look in looks.items():
        yield pdf_case(name, pdf_files.document(), look)


def pdf_case(name: str, pdf: bytes, look: PdfWish) -> Case:
    """A signature in a PDF."""
    items = [item("a.pdf", pdf, "application/pdf")]
    return Case(name=f"pades-{name}", format="pades", items=items, wish=Wish(pdf=look))


def seen(now: int) -> PdfWish:
    """A signature that is seen on its page."""
    return PdfWish(
        at=now,
        box=(72, 500, 372, 620),
        text="Signed by Ana",
        fonts=(FONT.read_bytes(),),
        picture=JPEG,
        reason="I agree",
    )


async def make(directory: Path) -> None:
    """Write every case at every level, what several people make of it, seals, and PDFs."""
    now, corpus = SystemClock().now(), Corpus(directory)
    async with signer(SETTINGS) as office:
        for case in cases(now):
            made = await office.sign([(case, level) for level in Level])
            for level, signature in zip(Level, made, strict=True):
                corpus.write(case, level, signature)
            corpus.write(case, "B-LTA_renewed", await office.renewed(case, made[-1]))
            await _once_more(office, case, made[-1], corpus)
        await _sealed(office, corpus, now)
        await _pdfs(office, corpus, now)
        written(directory / "trusted", await office.trusted())


async def make_lasting(directory: Path) -> None:
    """Write every case at B-LTA with archive time-stamps by ML-DSA."""
    corpus = Corpus(directory)
    async with signer(LASTING) as office:
        for case in cases(SystemClock().now()):
            [made] = await office.sign([(case, Level.B_LTA)])
            corpus.write(case, "B-LTA_ml-dsa", made)
        written(directory / "trusted", await office.trusted())


async def _once_more(office: Signer, case: Case, signature: bytes, corpus: Corpus) -> None:
    there = _second(case, signature)
    if there is not None:
        for level in (Level.B_B, Level.B_LTA):
            [twice] = await office.sign([(there, level)], serial="p-Ben", pseudonym="loud-heron")
            corpus.write(there, f"B-LTA_then_{level}", twice)


def _second(case: Case, signature: bytes) -> Case | None:
    """What a second person is asked to sign, where the format has room for one."""
    wish = replace(case.wish, envelope="parallel")
    there = item(case.items[0].name, signature)
    if case.format == "cades":
        beside = replace(case.items[0], content=signature)
        return replace(case, items=[beside], wish=wish, of=case.items)
    if case.name in ("xades-parallel", "asic-e-cades", "asic-s-cades", "asic-e-xades"):
        return replace(case, items=[there], wish=wish)
    if case.wish.pdf and case.wish.pdf.certify != 1:
        look = PdfWish(at=case.wish.pdf.at)
        return replace(case, items=[there], wish=Wish(pdf=look))
    return None


async def _sealed(office: Signer, corpus: Corpus, now: int) -> None:
    registry = Office()
    await enrolled(office.house, registry)
    for case in cases(now):
        if not case.wish.commitment:
            corpus.write(case, "seal_B-LTA", await office.seal(case, Level.B_LTA, registry))
    wish = Wish(envelope="asic-e")
    told = [item("evidence.json", b"{}", "application/json")]
    bundle = Case(name="evidence", format="asic_cades", items=told, wish=wish)
    corpus.write(bundle, "B-LT", await office.evidence(bundle))


async def _pdfs(office: Signer, corpus: Corpus, now: int) -> None:
    """Sign PDFs of many kinds; those of PDF/A are left as they were, too."""
    archivable = {f"pdf-a-{part}b": pdf_a(part) for part in (1, 2, 3)}
    for name, pdf in archivable.items():
        written(corpus.directory / f"pades-{name}_unsigned", {"before.pdf": pdf})
    kinds = {"form": pdf_files.form(), "pdf-2.0": pdf_files.pdf_2(), **archivable}
    for name, pdf in kinds.items():
        for shown, look in (("hidden", PdfWish(at=now)), ("seen", seen(now))):
            case = pdf_case(f"{name}-{shown}", pdf, look)
            for level in (Level.B_B, Level.B_LTA):
                [made] = await office.sign([(case, level)])
                corpus.write(case, level, made)
