"""COSE_Sign1 (RFC 9052 §4.2) at B-B, and at B-T by a time-stamp of its signature (RFC 9921)."""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import cbor2

from esignet.formats import cbor_reading
from esignet.formats.cbor_reading import Tagged
from esignet.formats.format import Evidence, Format, FormatError, Found, Item, Level, Prepared, Wish
from esignet.formats.judging import Refused, Stamps, check_stamp, noted, right_stamps
from keystore.checking.message import Problem
from keystore.checking.signature import verify
from keystore.signing.digests import HashAlgorithm
from keystore.signing.door import Signed
from keystore.signing.plans import CosePlan
from keystore.signing.structures import cose as labels

COSE_SIGN1 = 18
"""The tag of a COSE_Sign1 (RFC 9052 §4.2)."""

CRITICAL, TIMESTAMP = 2, 270
"""``crit`` (RFC 9052 §3.1), and ``3161-ctt``: a token over the signature (RFC 9921 §3.1)."""

DETACHED, ATTACHED, HASHED = "detached", "attached", "hashed"
"""``hashed`` signs the digest alone, in a hash envelope; the others need the content."""

_ALGS = {number: alg for alg, number in labels.ALGORITHMS.items()}
_HASHES = {number: algorithm for algorithm, number in labels.HASHES.items()}
_LENGTHS = {"ES256": 64, "ES384": 96, "ES512": 132}
_UNDERSTOOD = frozenset(
    [
        *(labels.ALG, CRITICAL, labels.CONTENT_TYPE, labels.CWT_CLAIMS, labels.X5CHAIN),
        *(labels.X5T, labels.HASH_OF_PAYLOAD, labels.TYPE_BEFORE_HASH),
    ]
)
LARGEST = 2 * 1024 * 1024
"""Octets of a document that goes into what is signed, and so to the key service."""

_UNKNOWN = "application/octet-stream"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sign1:
    """The four parts; ``payload`` is None when it is detached."""

    protected: bytes
    header: Mapping[Any, Any]
    unprotected: Mapping[Any, Any]
    payload: bytes | None
    signature: bytes

    def cbor(self) -> bytes:
        parts = [self.protected, dict(self.unprotected), self.payload, self.signature]
        return cbor2.dumps(cbor2.CBORTag(COSE_SIGN1, parts), canonical=True)

    @property
    def stamped(self) -> bytes:
        """Return what a time-stamp covers: the signature as it is encoded (RFC 9921 §3.1)."""
        return cbor2.dumps(self.signature, canonical=True)


@dataclass(frozen=True, slots=True)
class Cose:
    """COSE_Sign1 over one document, up to B-T: COSE has no standard place for more."""

    name: str = "cose"

    def prepare(self, items: Sequence[Item], wish: Wish) -> Prepared:
        """Return what will be signed: the item's digest, in every envelope."""
        if len(items) != 1 or wish.commitment:
            raise FormatError("a COSE_Sign1 covers one document, and says nothing else about it")
        if wish.envelope not in (DETACHED, ATTACHED, HASHED):
            raise FormatError("a COSE_Sign1 is detached, attached or hashed")
        item, content = items[0], b""
        if wish.envelope != HASHED:
            if not item.content:
                raise FormatError(
                    "a COSE_Sign1 over content needs it; hashed needs its digest alone"
                )
            if not hmac.compare_digest(wish.hash_algorithm.of(item.content), item.digest):
                raise FormatError("the digest is not that of the document")
            if len(item.content) > LARGEST:
                raise FormatError("the document is too large; hashed needs its digest alone")
            content = item.content
        media_type = "" if item.media_type == _UNKNOWN else item.media_type
        return Prepared(
            digests=(item.digest,),
            plan=CosePlan(0, content, media_type),
            items=tuple(items),
            wish=wish,
        )

    def embed(self, prepared: Prepared, signed: Signed) -> bytes:
        """Return the tagged COSE_Sign1."""
        protected, payload = signed.parts
        detached = prepared.wish.envelope == DETACHED
        return _Sign1(
            protected=protected,
            header={},
            unprotected={},
            payload=None if detached else payload,
            signature=signed.value,
        ).cbor()

    def to_stamp(self, signature: bytes) -> bytes:
        """Return the encoded signature; FormatError: it has a time-stamp already."""
        one = _read(signature)
        if TIMESTAMP in one.unprotected:
            raise FormatError("the signature has a time-stamp already")
        return one.stamped

    def to_archive(self, signature: bytes, items: Sequence[Item]) -> bytes:
        """Raise FormatError: COSE has no archive time-stamps."""
        raise FormatError("COSE has no archive time-stamps; other formats have")

    def augment(self, signature: bytes, level: Level, evidence: Evidence) -> bytes:
        """Return it with a time-stamp; FormatError at any other level."""
        if level is not Level.B_T:
            raise FormatError("COSE goes up to B-T; other formats go further")
        one = _read(signature)
        check_stamp(evidence.timestamp, self.to_stamp(signature))
        return replace(one, unprotected={**one.unprotected, TIMESTAMP: evidence.timestamp}).cbor()

    def check(self, signature: bytes, items: Sequence[Item]) -> tuple[Found, ...]:
        """Return the signature. Detached content, or what was hashed, is the one item."""
        return (_check(_read(signature), items),)


def _check(one: _Sign1, items: Sequence[Item]) -> Found:
    problems: list[Problem] = []
    certificates: tuple[bytes, ...] = ()
    alg, claimed = "", None
    with noted(problems):
        _check_header(one)
    with noted(problems):
        alg = _alg(one.header)
    with noted(problems):
        claimed = _claimed_at(one.header)
    with noted(problems):
        certificates = _certificates(one.header)
    with noted(problems):
        payload = _payload(one, items)
        if alg and certificates:
            _check_value(one, certificates[0], alg, payload)
    stamps: list[Stamps] = [(), ()]
    with noted(problems):
        stamps = right_stamps(_stamps(one), (), problems)
    return Found(
        certificate=certificates[0] if certificates else b"",
        alg=alg,
        level=Level.B_T if stamps[0] else Level.B_B,
        claimed_at=claimed,
        problems=tuple(dict.fromkeys(problems)),
        timestamps=stamps[0],
        evidence=Evidence(certificates=certificates),
        covers=tuple(item.name for item in items[:1]) or ("the payload",),
    )


def _read(signature: bytes) -> _Sign1:
    found = cbor_reading.read(signature)
    parts = found.value if isinstance(found, Tagged) and found.tag == COSE_SIGN1 else found
    if not isinstance(parts, list) or len(parts) != 4:
        raise FormatError("this is no COSE_Sign1")
    protected, unprotected, payload, value = parts
    shapes = (isinstance(protected, bytes), isinstance(unprotected, dict), isinstance(value, bytes))
    if not all(shapes) or not isinstance(payload, bytes | None):
        raise FormatError("this is no COSE_Sign1")
    header = cbor_reading.read(protected) if protected else {}
    if not isinstance(header, dict) or set(header) & set(unprotected):
        raise FormatError("the headers of the COSE_Sign1 are malformed, or say something twice")
    return _Sign1(
        protected=protected,
        header=header,
        unprotected=unprotected,
        payload=payload,
        signature=value,
    )


def _check_header(one: _Sign1) -> None:
    """Raise FormatError: an extension is not understood, or something stands unprotected."""
    critical = one.header.get(CRITICAL, [])
    if CRITICAL in one.header and (not isinstance(critical, list) or not critical):
        raise FormatError("crit is empty, or no list")
    for label in critical:
        if not isinstance(label, int | str) or label not in one.header:
            raise FormatError("crit names what is not there")
        if label not in _UNDERSTOOD:
            raise FormatError("a critical extension is not understood")
    if set(one.unprotected) - {TIMESTAMP}:
        raise FormatError("an unprotected header parameter is not accepted")
    if TIMESTAMP in one.header:
        raise FormatError("a time-stamp over the signature cannot be signed by it")


def _alg(header: Mapping[Any, Any]) -> str:
    number = header.get(labels.ALG)
    if isinstance(number, bool) or not isinstance(number, int) or number not in _ALGS:
        raise Refused("CRYPTO_CONSTRAINTS_FAILURE", "the signature's algorithm is not accepted")
    return _ALGS[number]


def _claimed_at(header: Mapping[Any, Any]) -> int | None:
    claims = header.get(labels.CWT_CLAIMS, {})
    issued = claims.get(labels.ISSUED_AT) if isinstance(claims, dict) else claims
    if issued is None:
        return None
    if isinstance(issued, bool) or not isinstance(issued, int) or not 0 <= issued < 2**38:
        raise FormatError("the signing time is malformed")
    return issued


def _certificates(header: Mapping[Any, Any]) -> tuple[bytes, ...]:
    """Return the chain, the signer's first, which ``x5t`` has to name (RFC 9360 §2)."""
    chain = header.get(labels.X5CHAIN, [])
    chain = [chain] if isinstance(chain, bytes) else chain
    if not isinstance(chain, list) or any(not isinstance(one, bytes) for one in chain):
        raise FormatError("x5chain is malformed")
    if not chain:
        reason = "the signer's certificate is not among what was signed"
        raise Refused("NO_SIGNING_CERTIFICATE_FOUND", reason)
    named = header.get(labels.X5T)
    if named is None:
        return tuple(chain)  # it is signed as a whole
    if not isinstance(named, list) or len(named) != 2 or not isinstance(named[1], bytes):
        raise FormatError("x5t is malformed")
    algorithm = _hash(named[0], "the certificate is named by a weak hash")
    if not hmac.compare_digest(hashlib.new(algorithm, chain[0]).digest(), named[1]):
        raise Refused("NO_SIGNING_CERTIFICATE_FOUND", "the signature names another certificate")
    return tuple(chain)


def _payload(one: _Sign1, items: Sequence[Item]) -> bytes:
    """Return the payload that was signed, or raise Refused: it is not at hand, or another's."""
    if labels.HASH_OF_PAYLOAD in one.header:
        return _hashed(one, items)
    if one.payload is not None:
        if items and not _is(items[0], one.payload):
            raise Refused("HASH_FAILURE", f"what was signed is not {items[0].name}")
        return one.payload
    if len(items) != 1 or items[0].content is None:
        raise Refused("SIGNED_DATA_NOT_FOUND", "what was signed is not at hand")
    return items[0].content


def _is(item: Item, payload: bytes) -> bool:
    if item.content is not None:
        return item.content == payload
    return any(hmac.compare_digest(one.of(payload), item.digest) for one in HashAlgorithm)


def _hashed(one: _Sign1, items: Sequence[Item]) -> bytes:
    if labels.CONTENT_TYPE in one.header:
        raise FormatError("a hash envelope has no content type of its payload")
    algorithm = _hash(one.header[labels.HASH_OF_PAYLOAD], "the hash of the document is too weak")
    if one.payload is None or len(items) != 1:
        raise Refused("SIGNED_DATA_NOT_FOUND", "what was signed is not at hand")
    digest = items[0].under(algorithm)
    if digest is None:
        raise Refused("SIGNED_DATA_NOT_FOUND", "what was signed is not at hand")
    if not hmac.compare_digest(digest, one.payload):
        raise Refused("HASH_FAILURE", f"what was signed is not {items[0].name}")
    return one.payload


def _hash(number: object, reason: str) -> HashAlgorithm:
    if isinstance(number, bool) or not isinstance(number, int) or number not in _HASHES:
        raise Refused("CRYPTO_CONSTRAINTS_FAILURE", reason)
    return _HASHES[number]


def _check_value(one: _Sign1, certificate: bytes, alg: str, payload: bytes) -> None:
    if len(one.signature) != _LENGTHS.get(alg, len(one.signature)):
        raise Refused("SIG_CRYPTO_FAILURE", "the signature has not the length of its algorithm")
    verify(certificate, alg, one.signature, labels.to_be_signed(one.protected, payload))


def _stamps(one: _Sign1) -> Stamps:
    token = one.unprotected.get(TIMESTAMP)
    if token is None:
        return ()
    if not isinstance(token, bytes):
        raise FormatError("the time-stamp is malformed")
    return ((token, one.stamped),)


FORMAT: Format = Cose()
