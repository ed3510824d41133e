"""What EU DSS signs with: keys of a small authority, and documents; and which of it is kept."""

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12

from tests import pdf_files
from tests.judges.corpus import JSON, TEXT, XML, written
from tests.small_pki import Holder, SmallPki

PASSWORD = b"password"
WHOLE = ("cades-enveloping", "xades-enveloped", "jades-json_serialization", "pades-enveloped")
"""Shapes that are kept at every level; of the others only the highest is."""


def give(directory: Path, pki: SmallPki) -> None:
    """Write keys, what tells that nobody was revoked, and documents to be signed."""
    written(
        directory,
        {
            "signer.p12": _key_store(pki.signer),
            "stamper.p12": _key_store(pki.stamper),
            "trusted/root.der": pki.root.der,
            "trusted/ocsp/signer.der": pki.ocsp(pki.signer),
            "trusted/ocsp/stamper.der": pki.ocsp(pki.stamper),
            "trusted/crl/root.der": pki.crl(),
            "trusted/crl/issuing.der": pki.crl(pki.issuing),
            "page.pdf": pdf_files.document(),
            **{one.name: one.content or b"" for one in (TEXT, JSON, XML)},
        },
    )


def is_kept(name: str) -> bool:
    """Whether a signature is one of those that the tests judge ever after."""
    return name.endswith("_lta") or "compact" in name or name.rpartition("_")[0] in WHOLE


def _key_store(holder: Holder) -> bytes:
    assert isinstance(holder.key, EllipticCurvePrivateKey)
    return pkcs12.serialize_key_and_certificates(
        b"key", holder.key, holder.certificate, holder.above, BestAvailableEncryption(PASSWORD)
    )
