"""Reading and judging time-stamp tokens (RFC 3161) of any authority: arithmetic, no trust."""

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from keystore.checking.message import encapsulated_digest, judge
from keystore.der import oids
from keystore.der.algorithms import HASHES, digest_oid
from keystore.der.cms_reading import Message, read_message, read_time
from keystore.der.reader import Fields, NotDer, Value, integer, oid, read
from keystore.der.remembering import remembering
from keystore.der.writer import tlv


class BadTimestamp(Exception):
    """The token cannot be read, is not signed as it must be, or is over something else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """What a token says: ``imprint`` existed ``at`` (NumericDate, fractions cut off).

    ``alg`` is the JWS name of what it is signed with; ``certificate`` is the authority's,
    ``certificates`` all that the token brings, in DER. ``nonce`` is the one of the request, if it
    had any.
    """

    at: int
    policy: str
    serial: int
    hash_oid: str
    imprint: bytes
    alg: str
    certificate: bytes
    certificates: tuple[bytes, ...]
    nonce: int | None


def read_token(token: bytes) -> Token:
    """Return what a TimeStampToken says once its signature is right, or raise BadTimestamp.

    Demands one signer, whose certificate is for time-stamping alone and critically so (RFC 3161
    §2.3), and the reference to that certificate (RFC 5816).
    """
    return _remembered(token)


def _read_token(token: bytes) -> Token:
    try:
        message = read_message(token)
        certificate = _signer(message)
        fields = _tst_fields(message)
    except NotDer as fault:
        raise BadTimestamp(f"the time-stamp cannot be read: {fault}") from fault
    _for_stamping_alone(certificate)
    at, policy, serial, hash_oid, imprint, nonce = fields
    return Token(
        at=at,
        policy=policy,
        serial=serial,
        hash_oid=hash_oid,
        imprint=imprint,
        alg=message.signers[0].alg,
        certificate=certificate,
        certificates=message.certificates,
        nonce=nonce,
    )


# Whoever embeds a token checks it when it comes, in its place, and at the end.
_remembered = remembering(_read_token, kept=1024, longest=8192)


def check(token: bytes, covered: bytes) -> Token:
    """Return what ``token`` says, or raise BadTimestamp unless it is over ``covered``."""
    return check_digest(token, lambda name: hashlib.new(name, covered).digest())


def check_digest(token: bytes, digest: Callable[[str], bytes]) -> Token:
    """Do the same with what digests the covered octets, given the name of an algorithm."""
    found = read_token(token)
    if not hmac.compare_digest(digest(HASHES[found.hash_oid]), found.imprint):
        raise BadTimestamp("the time-stamp is over something else")
    return found


def _signer(message: Message) -> bytes:
    if message.content_type != oids.TST_INFO or len(message.signers) != 1:
        raise BadTimestamp("this is no time-stamp with one signer")
    judged = judge(message, message.signers[0], encapsulated_digest(message))
    if judged.problems:
        raise BadTimestamp(f"the time-stamp is not signed as it must be: {judged.problems[0][1]}")
    return judged.certificate


def _tst_fields(message: Message) -> tuple[int, str, int, str, bytes, int | None]:
    fields = Fields(read(message.content or b""))
    if integer(fields.take(0x02)) != 1:
        raise NotDer("an unknown version of TSTInfo")
    policy = oid(fields.take(0x06))
    imprint = Fields(fields.take(0x30))
    hash_oid, hashed = digest_oid(imprint.take(0x30)), imprint.take(0x04).content
    imprint.end()
    if hash_oid not in HASHES or len(hashed) != hashlib.new(HASHES[hash_oid]).digest_size:
        raise BadTimestamp("the time-stamp is over a digest that is not accepted")
    serial = integer(fields.take(0x02))
    at = _whole_seconds(fields.take(0x18))
    fields.maybe(0x30)  # accuracy
    fields.maybe(0x01)  # ordering
    nonce = fields.maybe(0x02)
    return at, policy, serial, hash_oid, hashed, None if nonce is None else integer(nonce)


def _whole_seconds(value: Value) -> int:
    """Return a GeneralizedTime with or without a fraction (RFC 3161 §2.4.2), or raise NotDer."""
    text = value.content
    if b"." in text:
        whole, _, fraction = text.partition(b".")
        if not fraction[:-1].isdigit() or fraction[-1:] != b"Z" or len(fraction) > 10:
            raise NotDer("a malformed time")
        text = whole + b"Z"
    return read_time(read(tlv(0x18, text)))


def _usage_of(certificate: bytes) -> None:
    try:
        parsed = x509.load_der_x509_certificate(certificate)
        usage = parsed.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    except Exception as fault:  # the library raises several kinds of error over foreign octets
        raise BadTimestamp("the certificate is not for time-stamping") from fault
    if not usage.critical or list(usage.value) != [ExtendedKeyUsageOID.TIME_STAMPING]:
        raise BadTimestamp("the certificate is not for time-stamping alone")


_for_stamping_alone = remembering(_usage_of, kept=64, longest=4096)
