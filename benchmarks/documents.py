"""What document formats and PDFs cost in one process, and the memory of a large PDF."""

import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks import document_formats, pdf_documents
from tests.small_pki import SmallPki


@dataclass(frozen=True, slots=True)
class Documents:
    """``formats`` are rates by format, ``pdf`` ours and pyHanko's; ``large`` is a sentence."""

    formats: Mapping[str, Sequence[float | None]]
    pdf: Mapping[str, tuple[float, float]]
    large: str


def measured() -> Documents:
    """Measure them. Nothing else may run in this process meanwhile."""
    pki = SmallPki()
    formats = {
        name: document_formats.figures(case, pki) for name, case in document_formats.CASES.items()
    }
    command = (sys.executable, "-m", "benchmarks.pdf_documents", "large")
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    return Documents(formats, pdf_documents.figures(pki), f"a PDF of 500 MB on disk: {told}")
