"""Signatures of documents from their digests, per second of one processor, format by format.

Run ``python -m benchmarks.document_formats``. Counted are preparing, the key service's builder, an
ES256 signature in software and embedding (B-B); raising to B-LT with a token and answers that are
at hand; and checking what came of it. Sockets, databases and HSMs are counted by other benchmarks.
"""

import hashlib
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from esignet.formats import asic_xades, cades, cose, jades, jws, xades
from esignet.formats.format import Evidence, Format, Item, Level, Wish
from keystore.signing.digests import HashAlgorithm
from keystore.signing.structures import cms as cms_structure
from keystore.signing.structures import cose as cose_structure
from keystore.signing.structures import jades as jades_structure
from keystore.signing.structures import jws as jws_structure
from keystore.signing.structures import xml as xml_structure
from keystore.signing.structures.structure import Ground
from tests.small_pki import AT, SmallPki

SECONDS = 1.5
"""How long each figure is measured."""

_CONTENT = b"A contract.\n" * 100
_GIVEN = Item(
    name="contract.txt",
    digest=hashlib.sha256(_CONTENT).digest(),
    media_type="text/plain",
    content=_CONTENT,
)
_BARE = Item(name=_GIVEN.name, digest=_GIVEN.digest, media_type=_GIVEN.media_type)


@dataclass(frozen=True)
class Case:
    """A format with its builder, and the document as it is given: with or without content."""

    form: Format
    build: Any
    item: Item = _BARE
    envelope: str = "detached"
    highest: Level = Level.B_LT


CASES: Mapping[str, Case] = {
    "CAdES": Case(cades.FORMAT, cms_structure.build),
    "XAdES": Case(xades.FORMAT, xml_structure.build),
    "JAdES": Case(jades.FORMAT, jades_structure.build),
    "ASiC-E with XAdES": Case(asic_xades.FORMAT, xml_structure.build, _GIVEN, "asic-e"),
    "JWS": Case(jws.FORMAT, jws_structure.build, _GIVEN, highest=Level.B_B),
    "COSE": Case(cose.FORMAT, cose_structure.build, _BARE, "hashed", Level.B_T),
}


def signed(case: Case, pki: SmallPki) -> bytes:
    """Return a signature at B-B."""
    prepared = case.form.prepare([case.item], Wish(envelope=case.envelope))
    ground = Ground(
        hash_algorithm=HashAlgorithm.SHA256,
        digests=prepared.digests,
        certificate=pki.signer.der,
        chain=pki.signer.chain[:-1],
        alg="ES256",
        now=AT,
    )
    built = case.build(prepared.plan, ground)
    return case.form.embed(prepared, pki.signer.signed(built.parts, built.signed))


def per_second(work: Callable[[], object]) -> float:
    """Return how often ``work`` is done in a second of processor time."""
    work()
    count, began = 0, time.process_time()
    while (spent := time.process_time() - began) < SECONDS:
        work()
        count += 1
    return count / spent


def figures(case: Case, pki: SmallPki) -> Sequence[float | None]:
    """Return signatures at B-B, raised to B-LT (or as far as it goes), and checked, per second."""
    form, first = case.form, signed(case, pki)
    base = per_second(lambda: signed(case, pki))
    if case.highest is Level.B_B:
        return base, None, per_second(lambda: form.check(first, [case.item]))
    stamp = Evidence(timestamp=pki.token(form.to_stamp(first)))
    material = pki.material(pki.signer)

    def raised() -> bytes:
        at_t = form.augment(first, Level.B_T, stamp)
        return at_t if case.highest is Level.B_T else form.augment(at_t, Level.B_LT, material)

    whole = raised()
    return base, per_second(raised), per_second(lambda: form.check(whole, [case.item]))


def main() -> None:
    """Print the table."""
    pki = SmallPki()
    out = sys.stdout.write
    out("| format | B-B from a digest /s | raised to B-LT /s | checked /s |\n|---|---|---|---|\n")
    for name, case in CASES.items():
        cells = ["-" if one is None else f"{one:,.0f}" for one in figures(case, pki)]
        out(f"| {name} | {' | '.join(cells)} |\n")
    raw = per_second(lambda: pki.signer.sign(_CONTENT))
    out(f"| (ES256 in software alone) | {raw:,.0f} | - | - |\n")


if __name__ == "__main__":
    main()
