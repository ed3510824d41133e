"""The certificate with which a client proved itself in TLS: of our own listener, or as a trusted
proxy passes it on (RFC 9440).

What is here was proven in a handshake (its holder has the private key), and nothing more: who
issued it, whether it is still valid and whose it is, the client authentication judges.
"""

import binascii
import re
from base64 import b64decode, b64encode
from dataclasses import dataclass

from config.runtime.malformed import Malformed

CERTIFICATE = "symbolon.certificate"
"""Stands in the scope of a request that came over a connection with a client certificate."""

LARGEST_CERTIFICATE = 16_384
"""Bytes of a certificate in DER; usual ones have 500 to 2,500."""

LONGEST_CHAIN = 8
"""Certificates of issuers that are taken with it."""

_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}", re.ASCII)
_LARGEST_ITEM = 4 * -(-LARGEST_CERTIFICATE // 3) + 2


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """The client's certificate and those of its issuers that came with it, each in DER.

    The first byte of each is the tag of a SEQUENCE; nothing else has been looked at.
    """

    leaf: bytes
    issuers: tuple[bytes, ...] = ()


def within_bounds(chain: list[bytes]) -> bool:
    """Return whether certificates (the client's first) are few and small enough to be looked at."""
    return len(chain) <= LONGEST_CHAIN + 1 and all(
        0 < len(one) <= LARGEST_CERTIFICATE for one in chain
    )


def passed_on(certificate: str | None, chain: str | None) -> ClientCertificate | None:
    """Return what the headers Client-Cert and Client-Cert-Chain say; None when there is neither.

    RFC 9440 §2.2, §2.3. Raises Malformed for anything that a proxy of ours would not write: the
    structured fields are read without the leniency that RFC 9651 §4.2 allows.
    """
    if certificate is None:
        if chain is not None:
            raise Malformed("Client-Cert-Chain without Client-Cert")
        return None
    leaf = _byte_sequence(certificate.strip(" "))
    if chain is None:
        return ClientCertificate(leaf)
    members = chain.split(",", LONGEST_CHAIN)
    if len(members) > LONGEST_CHAIN:
        raise Malformed("Client-Cert-Chain has too many members")
    return ClientCertificate(leaf, tuple(_byte_sequence(one.strip(" \t")) for one in members))


def client_cert(der: bytes) -> str:
    """Return the value of Client-Cert for a certificate: what a proxy writes (RFC 9440 §2.2)."""
    return f":{b64encode(der).decode()}:"


def _byte_sequence(item: str) -> bytes:
    """Read a Byte Sequence that has no parameters (RFC 9651 §4.2.7) and holds a DER SEQUENCE."""
    if len(item) > _LARGEST_ITEM:
        raise Malformed("a client certificate is too large")
    text = item[1:-1]
    if len(item) < 3 or item[0] != ":" or item[-1] != ":" or not _BASE64.fullmatch(text):
        raise Malformed("a client certificate is not a byte sequence")
    try:
        der = b64decode(text, validate=True)
    except binascii.Error:
        raise Malformed("a client certificate is not base64") from None
    if b64encode(der).decode() != text:  # one spelling, so that two readers read the same
        raise Malformed("a client certificate is not canonical base64")
    if der[0] != 0x30 or len(der) > LARGEST_CERTIFICATE:
        raise Malformed("a client certificate is not one in DER")
    return der
