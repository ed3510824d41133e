"""What a person is asked to approve, as authorization details say it (RFC 9396)."""

from base64 import b64encode
from collections.abc import Sequence
from typing import Any, Protocol

from esignet.protocol.asking import encoded
from esignet.protocol.csc.approval import CREDENTIAL
from esignet.protocol.signature_request import SignatureRequest


class ToTell(Protocol):
    """A document that waits for a signature: its name, what is approved, its own digest."""

    @property
    def label(self) -> str: ...
    @property
    def digest(self) -> bytes: ...
    @property
    def file(self) -> bytes: ...


def asked_detail(
    request: SignatureRequest, documents: Sequence[ToTell], pages: Sequence[int], tells: str
) -> dict[str, Any]:
    """Return what is asked of a person (CSC API v2.2 §8); ``pages`` are 0 if unknown.

    ``tells`` is what the certificate does: a pseudonym or the name.
    """
    return {
        "type": CREDENTIAL,
        "numSignatures": len(documents),
        **({"certificateSubject": tells} if tells == "name" else {}),
        "hashAlgorithmOID": request.algorithm.oid,
        "documentDigests": [
            {**told_document(request, one), **({"pages": count} if count else {})}
            for one, count in zip(documents, pages, strict=True)
        ],
    }


def told_document(request: SignatureRequest, one: ToTell) -> dict[str, str]:
    """Return a document as an authorization detail names it.

    ``sodr`` is the digest of the document itself; ``sdr`` is that of what a signature covers of it,
    beside which ``checksum`` (W3C SRI) tells that of the document if we know it.
    """
    told = {"hash": encoded(one.digest), "label": one.label, "hashType": "sodr"}
    if one.digest != one.file:
        checksum = f"{request.algorithm.value}-{b64encode(one.file).decode()}"
        return {**told, "hashType": "sdr", "checksum": checksum}
    return {**told, "hashType": "sdr"} if request.format == "pades" else told
