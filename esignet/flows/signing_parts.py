"""What is to be signed, and what came of it: between whoever asks and the flow that signs."""

from dataclasses import dataclass

from esignet.formats.format import Evidence, Format, Level, Prepared
from esignet.pdf.pool import SealedPdf


@dataclass(frozen=True, slots=True)
class Part:
    """One signature to be made in ``format`` at ``level``.

    ``material`` is whether the evidence of its certificates is wanted beside it. ``pdf`` works on
    a document that lies in a file: then what was prepared, and is made, is what is appended to it.
    """

    format: Format
    prepared: Prepared
    level: Level
    material: bool = False
    pdf: SealedPdf | None = None

    @property
    def is_pdf(self) -> bool:
        """Return whether a whole PDF is worked on, which has a pool of its own."""
        return self.format.name == "pades" and self.prepared.content is not None


@dataclass(frozen=True, slots=True)
class Made:
    """A signature that was checked, and the evidence of its certificates if that was wanted.

    ``promise`` is the key service's promise that its audit log will hold the signature, of which
    ``certificate`` is the signer's.
    """

    document: bytes
    evidence: Evidence
    promise: bytes = b""
    certificate: bytes = b""
