"""Whether a signer of a cryptographic message signed what it should have: arithmetic, no trust."""

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass

from keystore.checking.signature import BadSignature, ecdsa_raw, verify
from keystore.der import oids
from keystore.der.algorithms import HASHES, digest_oid, read_signature_algorithm
from keystore.der.cms_reading import Message, Signer
from keystore.der.reader import Fields, NotDer, Value, expect, oid, read

Problem = tuple[str, str]
"""A sub-indication of ETSI EN 319 102-1 §5.1.3, and a sentence."""

ContentDigest = Callable[[str], bytes | None]
"""From a hash's name to the digest of what was signed; None where it is not known."""


@dataclass(frozen=True, slots=True)
class Judged:
    """Who signed, empty where the certificate is not there, and what is wrong, if anything."""

    certificate: bytes
    problems: tuple[Problem, ...]


def judge(message: Message, signer: Signer, digest: ContentDigest) -> Judged:
    """Return whether ``signer`` signed content with this ``digest`` (RFC 5652 §5.6).

    Every problem is found, so that a report names all; octets that cannot be read are one.
    """
    try:
        certificate = message.certificate_of(signer) or b""
        problems = list(_attributes(message, signer, digest))
        if certificate:
            problems += _reference(signer, certificate) + _signature(signer, certificate)
        else:
            problems.append(
                ("NO_SIGNING_CERTIFICATE_FOUND", "the signer's certificate is not in the message")
            )
    except NotDer as fault:
        return Judged(b"", (("FORMAT_FAILURE", str(fault)),))
    return Judged(certificate, tuple(problems))


def encapsulated_digest(message: Message) -> ContentDigest:
    """Return how the content that a message holds is digested."""
    content = message.content
    return lambda name: None if content is None else hashlib.new(name, content).digest()


def _attributes(message: Message, signer: Signer, digest: ContentDigest) -> list[Problem]:
    if not signer.signed:
        return [("FORMAT_FAILURE", "there are no signed attributes")]
    problems = []
    content_type, hashed = signer.one(oids.CONTENT_TYPE), signer.one(oids.MESSAGE_DIGEST)
    if content_type is None or oid(content_type) != message.content_type:
        problems.append(("FORMAT_FAILURE", "the content-type attribute names another type"))
    if not _in_order(signer):
        problems.append(("FORMAT_FAILURE", "the signed attributes are not in the order of DER"))
    if hashed is None:
        return [*problems, ("FORMAT_FAILURE", "there is no message-digest")]
    if signer.hash_oid not in HASHES:
        return [*problems, ("CRYPTO_CONSTRAINTS_FAILURE", "the content's hash is too weak")]
    found = digest(HASHES[signer.hash_oid])
    if found is None:
        problems.append(("SIGNED_DATA_NOT_FOUND", "what was signed is not at hand"))
    elif not hmac.compare_digest(expect(hashed, 0x04).content, found):
        problems.append(("HASH_FAILURE", "what was signed is not this content"))
    return problems


def _in_order(signer: Signer) -> bool:
    """Return whether the attributes are the SET OF that DER writes (RFC 5652 §5.4)."""
    written = [member.octets for member in read(signer.signed).children()]
    return written == sorted(written)


def _reference(signer: Signer, certificate: bytes) -> list[Problem]:
    """Judge signing-certificate-v2 (RFC 5035 §5.4.1); the one of SHA-1 does not count."""
    attribute = signer.one(oids.SIGNING_CERTIFICATE_V2)
    if attribute is None:
        return [("SIG_CONSTRAINTS_FAILURE", "no signed attribute names the certificate")]
    first = Fields(Fields(Fields(attribute).take(0x30)).take(0x30))
    algorithm = first.maybe(0x30)
    name = HASHES.get(digest_oid(algorithm) if algorithm else oids.SHA256)
    if name is None:
        return [("CRYPTO_CONSTRAINTS_FAILURE", "the certificate is named by a weak hash")]
    if first.take(0x04).content != hashlib.new(name, certificate).digest():
        return [("NO_SIGNING_CERTIFICATE_FOUND", "the signature names another certificate")]
    return []


def _signature(signer: Signer, certificate: bytes) -> list[Problem]:
    if not signer.alg:
        return [("CRYPTO_CONSTRAINTS_FAILURE", "the signature's algorithm is not accepted")]
    protected = signer.one(oids.ALGORITHM_PROTECTION)
    if protected is not None and not _protects(protected, signer):
        return [("SIG_CRYPTO_FAILURE", "the algorithms are not those that were signed")]
    try:
        elliptic = signer.alg.startswith("ES")
        raw = ecdsa_raw(certificate, signer.signature) if elliptic else signer.signature
        verify(certificate, signer.alg, raw, signer.signed)
    except BadSignature as fault:
        return [("SIG_CRYPTO_FAILURE", str(fault))]
    return []


def _protects(attribute: Value, signer: Signer) -> bool:
    """Return whether the attribute of RFC 6211 §2 names the algorithms that stand outside it."""
    fields = Fields(attribute)
    hash_oid, signature = digest_oid(fields.take(0x30)), fields.maybe(0xA1)
    if signature is None or hash_oid != signer.hash_oid:
        return False
    named = read(bytes((0x30,)) + signature.octets[1:])
    return read_signature_algorithm(named, hash_oid) == signer.alg
