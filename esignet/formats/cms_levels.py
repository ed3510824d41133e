"""The levels of CAdES above B-B: time-stamps, validation material, archive time-stamps."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace

from esignet.formats.format import Evidence, FormatError, Found, Level
from keystore.checking.message import ContentDigest, Problem, judge
from keystore.checking.timestamp import BadTimestamp, Token, check
from keystore.der import cms, oids
from keystore.der.algorithms import HASHES, digest_oid
from keystore.der.cms_reading import Message, Signer, read_message
from keystore.der.reader import Fields, NotDer, expect, read
from keystore.der.writer import algorithm, octets, sequence


def unstamped(message: Message) -> Signer:
    """Return the one signer without signature-time-stamp; FormatError: none, or several."""
    found = [one for one in message.signers if not one.unsigned_values(oids.SIGNATURE_TIME_STAMP)]
    if len(found) != 1:
        raise FormatError("not exactly one signer is without a time-stamp")
    return found[0]


def with_timestamp(message: Message, token: bytes) -> Message:
    """Return it with a signature-time-stamp at the signer that has none."""
    signer = unstamped(message)
    _over(token, signer.signature)
    stamp = cms.attribute(oids.SIGNATURE_TIME_STAMP, token)
    return _changed(message, signer, signer.with_unsigned(stamp))


def with_material(message: Message, evidence: Evidence) -> Message:
    """Return it with certificates and revocation data in SignedData (EN 319 122-1 §5.4.1)."""
    return message.with_evidence(evidence.certificates, evidence.ocsp, evidence.crls)


def archived(message: Message) -> bytes:
    """Return what the next archive-time-stamp-v3 covers (§5.5.3), under the signer's hash."""
    signer = _to_archive(message)
    return _archive_input(message, signer, hash_index(message, signer))


def with_archive(message: Message, evidence: Evidence) -> Message:
    """Return it with an archive-time-stamp-v3, and what more material the stamp needs."""
    signer = _to_archive(message)
    index = hash_index(message, signer)
    _over(evidence.timestamp, _archive_input(message, signer, index))
    token = read_message(evidence.timestamp)
    stamper = token.signers[0].with_unsigned(cms.attribute(oids.ATS_HASH_INDEX_V3, index))
    stamp = cms.attribute(oids.ARCHIVE_TIME_STAMP_V3, replace(token, signers=(stamper,)).der())
    return with_material(_changed(message, signer, signer.with_unsigned(stamp)), evidence)


def hash_index(message: Message, signer: Signer) -> bytes:
    """Return an ATSHashIndexV3 over everything in the message that is not signed (§5.5.2)."""
    lists = (sequence(*map(octets, some)) for some in _hashed(message, signer, signer.hash_oid))
    return sequence(algorithm(signer.hash_oid), *lists)


def found(message: Message, signer: Signer, digest: ContentDigest) -> Found:
    """Return what a signer did, with every problem of its signature and of its time-stamps."""
    judged = judge(message, signer, digest)
    try:
        stamps, wrong = _stamps(message, signer, digest)
        claimed = signer.claimed_at()
    except NotDer as fault:
        stamps, wrong, claimed = _Stamps(), (("FORMAT_FAILURE", str(fault)),), None
    return Found(
        certificate=judged.certificate,
        alg=signer.alg,
        level=_level(message, stamps),
        claimed_at=claimed,
        problems=(*judged.problems, *wrong),
        timestamps=stamps.signature,
        archive=stamps.archive,
        evidence=Evidence(certificates=message.certificates, ocsp=message.ocsp, crls=message.crls),
    )


@dataclass(frozen=True, slots=True)
class _Stamps:
    """Tokens that are right, each with what it covers."""

    signature: tuple[tuple[bytes, bytes], ...] = ()
    archive: tuple[tuple[bytes, bytes], ...] = ()


def _stamps(
    message: Message, signer: Signer, digest: ContentDigest
) -> tuple[_Stamps, tuple[Problem, ...]]:
    problems: list[Problem] = []
    over = [(one, signer.signature) for one in signer.unsigned_values(oids.SIGNATURE_TIME_STAMP)]
    archive = [
        (one, _archive_covered(message, signer, one, digest))
        for one in signer.unsigned_values(oids.ARCHIVE_TIME_STAMP_V3)
    ]
    times: list[list[int]] = []
    right: list[tuple[tuple[bytes, bytes], ...]] = []
    for stamps in (over, archive):
        tokens = [(stamp, _judged(stamp, problems)) for stamp in stamps]
        right.append(tuple(stamp for stamp, token in tokens if token))
        times.append([token.at for _, token in tokens if token])
    if times[0] and times[1] and min(times[1]) < max(times[0]):
        problems.append(
            ("TIMESTAMP_ORDER_FAILURE", "an archive time-stamp is older than what it covers")
        )
    return _Stamps(*right), tuple(problems)


def _judged(stamp: tuple[bytes, bytes], problems: list[Problem]) -> Token | None:
    token, covered = stamp
    try:
        return check(token, covered)
    except BadTimestamp as fault:
        problems.append(("SIG_CONSTRAINTS_FAILURE", str(fault)))
        return None


def _level(message: Message, stamps: _Stamps) -> Level:
    if not stamps.signature:
        return Level.B_B
    if not message.revocations:
        return Level.B_T
    return Level.B_LTA if stamps.archive else Level.B_LT


def _archive_covered(
    message: Message, signer: Signer, token: bytes, digest: ContentDigest
) -> bytes:
    """Return what a stamp that is there covers; nothing when its index names what is gone."""
    indexes = read_message(token).signers[0].unsigned_values(oids.ATS_HASH_INDEX_V3)
    if len(indexes) != 1:
        return b""
    fields = Fields(read(indexes[0]))
    hash_oid = digest_oid(fields.take(0x30))
    content = digest(HASHES[hash_oid]) if hash_oid in HASHES else None
    if content is None:
        return b""
    for there in _hashed(message, signer, hash_oid):
        named = {expect(one, 0x04).content for one in fields.take(0x30).children()}
        if not named <= set(there):
            return b""
    return _input(message, signer, content, indexes[0])


def _archive_input(message: Message, signer: Signer, index: bytes) -> bytes:
    value = signer.one(oids.MESSAGE_DIGEST)
    if value is None:
        raise FormatError("the signature has no message-digest")
    return _input(message, signer, value.content, index)


def _input(message: Message, signer: Signer, content: bytes, index: bytes) -> bytes:
    content_type = Fields(read(message.encapsulated)).take(0x06).octets
    return content_type + content + signer.head + index


def _hashed(message: Message, signer: Signer, hash_oid: str) -> Iterator[list[bytes]]:
    """Yield the hashes of the certificates, of the revocation data, of the unsigned values."""
    name = HASHES[hash_oid]
    values = [kind + value for kind, value in signer.unsigned_pairs()]
    for some in (message.certificates, message.revocations, values):
        yield [hashlib.new(name, one).digest() for one in some]


def _to_archive(message: Message) -> Signer:
    """Return the signer with the fewest archive time-stamps; FormatError: none is at B-T."""

    def archives(signer: Signer) -> int:
        return len(signer.unsigned_values(oids.ARCHIVE_TIME_STAMP_V3))

    stamped = [one for one in message.signers if one.unsigned_values(oids.SIGNATURE_TIME_STAMP)]
    if not stamped or any(one.hash_oid not in HASHES for one in stamped):
        raise FormatError("no signer is at a level that can be archived")
    return min(stamped, key=archives)


def _over(token: bytes, covered: bytes) -> None:
    try:
        check(token, covered)
    except BadTimestamp as fault:
        raise FormatError(str(fault)) from fault


def _changed(message: Message, one: Signer, other: Signer) -> Message:
    return replace(
        message, signers=tuple(other if there is one else there for there in message.signers)
    )
