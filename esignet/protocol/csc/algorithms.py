"""Object identifiers of what people's keys can do (§5): ECDSA on P-256 over SHA-256."""

from esignet.protocol.csc.faults import CONTRADICTION, HASH_LENGTH, CscError, Fault, invalid
from esignet.protocol.csc.fields import Fields, from_base64
from keystore.signing.digests import HashAlgorithm

ECDSA_SHA256 = "1.2.840.10045.4.3.2"
P256 = "1.2.840.10045.3.1.7"
BITS = 256

SIGNATURES = (ECDSA_SHA256,)
"""What may stand in ``signAlgo``; it fixes the hash (RFC 5758 §3.2)."""

_HASHES = {algorithm.oid: algorithm for algorithm in HashAlgorithm}


def hash_algorithm(fields: Fields, name: str) -> HashAlgorithm:
    """Return the hash that ``name`` must tell. Nothing weaker than SHA-256 is known (§5)."""
    found = _HASHES.get(fields.text(name))
    if found is None:
        raise invalid(name)
    return found


def signed_hash(fields: Fields, name: str, *, told_apart: bool) -> HashAlgorithm:
    """Return the hash of a request with ``signAlgo``, which ``name`` may repeat and not change.

    ``told_apart`` is whether a contradiction has a sentence of its own (signDoc has one).
    """
    if fields.text("signAlgo") not in SIGNATURES:
        raise invalid("signAlgo")
    if fields.has("signAlgoParams"):
        raise invalid("signAlgoParams")
    if fields.has(name) and hash_algorithm(fields, name) is not HashAlgorithm.SHA256:
        raise CscError(CONTRADICTION) if told_apart else invalid(name)
    return HashAlgorithm.SHA256


def digest(text: object, algorithm: HashAlgorithm, fault: Fault) -> bytes:
    """Return a digest in base64, or refuse with ``fault`` what is not base64."""
    octets = from_base64(text, fault)
    if len(octets) != algorithm.length:
        raise CscError(HASH_LENGTH)
    return octets
