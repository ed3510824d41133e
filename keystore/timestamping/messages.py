"""Requests and responses of time-stamping in DER, and what a token says (RFC 3161 §2.4)."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum
from functools import lru_cache

from keystore.der import oids
from keystore.der.algorithms import HASHES, digest_identifier, digest_oid
from keystore.der.reader import Fields, NotDer, integer, oid, read
from keystore.der.writer import TRUE, octets, sequence, tlv
from keystore.der.writer import integer as write_integer
from keystore.der.writer import oid as write_oid
from keystore.signing.digests import HashAlgorithm
from keystore.signing.door import Imprint

LONGEST_REQUEST = 4 * 1024
LONGEST_NONCE = 1 << 256

_GRANTED = 0
_REJECTION = 2


class Failure(IntEnum):
    """PKIFailureInfo: the bit that says why there is no token (§2.4.2)."""

    BAD_ALG = 0
    BAD_REQUEST = 2
    BAD_DATA_FORMAT = 5
    TIME_NOT_AVAILABLE = 14
    UNACCEPTED_POLICY = 15
    UNACCEPTED_EXTENSION = 16
    SYSTEM_FAILURE = 25


class Rejected(Exception):
    """The request gets no token; ``failure`` is what the response says."""

    def __init__(self, failure: Failure, reason: str) -> None:
        super().__init__(reason)
        self.failure = failure


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request that was read. ``policy`` is empty where any will do."""

    imprint: Imprint
    policy: str = ""
    nonce: int | None = None
    certificates: bool = True


def read_request(request: bytes) -> Asked:
    """Return what a TimeStampReq asks, or raise Rejected."""
    if len(request) > LONGEST_REQUEST:
        raise Rejected(Failure.BAD_DATA_FORMAT, "the request is too long")
    try:
        return _asked(Fields(read(request)))
    except NotDer as fault:
        raise Rejected(Failure.BAD_DATA_FORMAT, str(fault)) from fault


def stamped_statement(asked: Asked, *, policy: str, serial: int, at: int, accuracy: int) -> bytes:
    """Return a TSTInfo in DER; ``at`` is a NumericDate, ``accuracy`` in seconds."""
    hashed = asked.imprint
    return sequence(
        write_integer(1),
        write_oid(policy),
        sequence(digest_identifier(hashed.hash_algorithm.oid), octets(hashed.digest)),
        write_integer(serial),
        _generalized(at),
        sequence(write_integer(accuracy)),
        b"" if asked.nonce is None else write_integer(asked.nonce),
    )


@lru_cache(maxsize=64)
def _generalized(at: int) -> bytes:
    """Return a NumericDate as GeneralizedTime (RFC 3161 §2.4.2)."""
    return tlv(0x18, datetime.fromtimestamp(at, UTC).strftime("%Y%m%d%H%M%SZ").encode())


def granted(token: bytes) -> bytes:
    """Return the TimeStampResp that brings ``token``."""
    return sequence(sequence(write_integer(_GRANTED)), token)


def rejected(reason: Rejected) -> bytes:
    """Return the TimeStampResp that says why there is no token."""
    bit = reason.failure
    named = bytes(bit // 8) + bytes([0x80 >> bit % 8])  # X.690 §11.2.2: no trailing zero bits
    text = sequence(tlv(0x0C, str(reason).encode()))
    failure = tlv(0x03, bytes([7 - bit % 8]) + named)
    return sequence(sequence(write_integer(_REJECTION), text, failure))


def _asked(fields: Fields) -> Asked:
    if integer(fields.take(0x02)) != 1:
        raise Rejected(Failure.BAD_REQUEST, "an unknown version of the request")
    imprint = Fields(fields.take(0x30))
    hash_oid, digest = digest_oid(imprint.take(0x30)), imprint.take(0x04).content
    imprint.end()
    policy, nonce = fields.maybe(0x06), fields.maybe(0x02)
    wants, extensions = fields.maybe(0x01), fields.maybe(0xA0)
    fields.end()
    if extensions is not None:
        raise Rejected(Failure.UNACCEPTED_EXTENSION, "extensions are not understood")
    number = None if nonce is None else integer(nonce)
    if number is not None and abs(number) >= LONGEST_NONCE:
        raise Rejected(Failure.BAD_REQUEST, "the nonce is longer than 256 bits")
    return Asked(
        imprint=_imprint(hash_oid, digest),
        policy="" if policy is None else oid(policy),
        nonce=number,
        certificates=wants is not None and wants.octets == TRUE,
    )


def _imprint(hash_oid: str, digest: bytes) -> Imprint:
    if hash_oid not in HASHES or hash_oid == oids.SHA1:
        raise Rejected(Failure.BAD_ALG, "use SHA-256, SHA-384 or SHA-512")
    algorithm = HashAlgorithm(HASHES[hash_oid])
    if len(digest) != algorithm.length:
        raise Rejected(Failure.BAD_DATA_FORMAT, "the digest has not the length of its algorithm")
    return Imprint(algorithm, digest)
