"""Judging one signature: who made it, when it is proved to have existed, and whether that counts.

The order is that of ETSI EN 319 102-1: format and arithmetic (§5.2), time-stamps as proofs of
existence (§5.4, §5.6), the path of certificates at the time that is proved, revocation, and
the level that all of it amounts to. Nothing is fetched.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from esignet.formats.format import Found, Level
from esignet.protocol.indications import FAILING, PASSED, Conclusion, concluded
from keystore.checking import timestamp
from keystore.checking.paths import TIME_STAMPING, NoPath, Path, find
from keystore.checking.revocation import Answer, answers, never_revoked
from keystore.checking.timestamp import BadTimestamp

ACCEPTED = frozenset(
    [
        *("ES256", "ES384", "ES512", "EdDSA", "Ed25519"),
        *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
        *("ML-DSA-65", "ML-DSA-87"),  # categories 3 and 5 of FIPS 204, as strong as the curves
    ]
)
"""Algorithms that count (ETSI TS 119 312): none with SHA-1 or without a signature."""

STALE = 86_400
"""Seconds that an answer about revocation may be older than the time at which it has to count."""

_EXPIRED = "its certificate has expired, and no later time-stamp proves that it is older"

_TOLD = range(-62_135_596_800, 253_402_300_800)
"""Times that calendars have, of the years 1 to 9999: what else a signer claims is no time."""


class Lack(StrEnum):
    """What a higher level would need, in words for people."""

    TIMESTAMP = "a time-stamp that proves when the signature existed"
    REVOCATION = "what tells that no certificate was revoked"
    CHAIN = "every certificate on the way to the authority"
    ARCHIVE = "an archive time-stamp that keeps it provable for decades"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """Which authorities are believed (DER): for signers, and for time-stamps."""

    anchors: tuple[bytes, ...]
    stamp_anchors: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """A time-stamp of the signature. ``trouble`` says why it proves nothing, if it does not.

    ``alg`` is the JWS name of what it is signed with; ``until`` is when the first certificate of
    its authority expires.
    """

    at: int
    is_archive: bool
    alg: str = ""
    certificate: bytes = b""
    until: int = 0
    trouble: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What a validation came to. ``best_time`` is when the signature is proved to have existed.

    Where nothing proves it, that is the time of the validation. ``level`` is the level that was
    proved, None where the signature failed.
    """

    found: Found
    conclusion: Conclusion
    best_time: int
    is_proved: bool
    level: Level | None
    stamps: tuple[Stamp, ...]
    path: tuple[bytes, ...]
    missing: tuple[Lack, ...]


def judge(found: Found, trust: Trust, now: int) -> Judged:
    """Return what ``found`` comes to at ``now`` (NumericDate) under ``trust``."""
    if found.claimed_at not in _TOLD:
        found = replace(found, claimed_at=None)
    pool = _pool(found)
    stamps = _lasting(_stamps(found, pool, trust), now)
    proved = [one.at for one in stamps if not one.trouble]
    best = min(proved, default=now)
    proofs = _Proofs(best, bool(proved), now, tuple(_archived(stamps)))
    conclusion, path = _concluded(found, trust, proofs)
    missing = _missing(found, stamps, path, pool)
    return Judged(
        found=found,
        conclusion=conclusion,
        best_time=best,
        is_proved=bool(proved),
        level=_level(found, conclusion, missing),
        stamps=stamps,
        path=path.der() if path else (),
        missing=missing,
    )


def _pool(found: Found) -> list[bytes]:
    return list(dict.fromkeys(found.evidence.certificates))


@dataclass(frozen=True, slots=True)
class _Proofs:
    """``best`` is when the signature existed, proved or not; ``archived`` when all of it did."""

    best: int
    is_proved: bool
    now: int
    archived: tuple[int, ...]

    def existed(self, since: int) -> int:
        """Return the earliest time at which what was made at ``since`` is proved to exist."""
        return min((at for at in self.archived if at >= since), default=self.now)


def _concluded(found: Found, trust: Trust, proofs: _Proofs) -> tuple[Conclusion, Path | None]:
    fatal = sorted(found.problems, key=lambda problem: problem[0] not in FAILING)
    if fatal:
        return concluded(*fatal[0]), None
    if found.alg not in ACCEPTED:
        return concluded("CRYPTO_CONSTRAINTS_FAILURE", "the algorithm is not accepted"), None
    try:
        path = find(found.certificate, _pool(found), trust.anchors)
    except NoPath as reason:
        return concluded(reason.code, str(reason)), None
    try:
        path.check_times(proofs.best)
        _check_revocation(path, found, proofs)
    except NoPath as reason:
        code = reason.code
        if code == "EXPIRED" and not proofs.is_proved:
            code = "OUT_OF_BOUNDS_NO_POE"  # it may have been made in time: nothing proves it
        return concluded(code, str(reason)), path
    return PASSED, path


def _check_revocation(path: Path, found: Found, proofs: _Proofs) -> None:
    """Raise NoPath unless every certificate of the path was good when it counted (§5.2.6.4)."""
    best = proofs.best
    for place, (certificate, issuer) in enumerate(path.links):
        if never_revoked(certificate):
            continue
        known = answers(certificate, issuer, found.evidence.ocsp, found.evidence.crls)
        revoked = next((one for one in known if one.revoked_at is not None), None)
        if revoked is not None and revoked.revoked_at is not None and revoked.revoked_at <= best:
            if proofs.is_proved:
                raise NoPath("REVOKED", "a certificate was revoked before the signature existed")
            code = "REVOKED_NO_POE" if place == 0 else "REVOKED_CA_NO_POE"
            raise NoPath(code, "a certificate is revoked, and nothing proves the signature older")
        fresh = [one for one in known if _counts(one, best, is_authority=place > 0)]
        if not fresh:
            raise NoPath("TRY_LATER", "nothing tells whether a certificate had been revoked")
        if not any(_is_real(one, path, place, proofs) for one in fresh):
            reason = "who told of revocation has expired, and nothing proves the answer older"
            raise NoPath("REVOCATION_OUT_OF_BOUNDS_NO_POE", reason)


def _is_real(answer: Answer, path: Path, place: int, proofs: _Proofs) -> bool:
    """Say whether the answer is proved to exist while its signer's certificate was valid.

    Whoever has an old key can give old answers; an authority that is trusted itself has no end.
    """
    signer = answer.signer or path.certificates[place + 1]
    if signer == path.certificates[-1]:
        return True
    return proofs.existed(answer.since) <= _seconds(signer.not_valid_after_utc)


def _counts(answer: Answer, best: int, *, is_authority: bool) -> bool:
    """Say whether an answer is fresh enough for the time at which it has to count.

    That about an authority counts until the next one is due (ETSI EN 319 102-1 §5.2.5.4): a root
    that lies in a safe makes its list a few times a year.
    """
    if is_authority and answer.until is not None and best <= answer.until:
        return True
    return answer.since >= best - STALE


def _stamps(found: Found, pool: Sequence[bytes], trust: Trust) -> tuple[Stamp, ...]:
    made = [
        *((token, covered, False) for token, covered in found.timestamps),
        *((token, covered, True) for token, covered in found.archive),
    ]
    return tuple(
        _stamp(token, covered, is_archive, pool, trust) for token, covered, is_archive in made
    )


def _lasting(stamps: Sequence[Stamp], now: int) -> tuple[Stamp, ...]:
    """Return them with trouble where an authority has expired that nothing later vouches for.

    The newest archive time-stamp counts while its certificate is valid; what it covers existed at
    its time, and so on to the oldest (§5.6.2.3).
    """
    judged: dict[int, Stamp] = {}
    existed = now

    def newest_first(place: int) -> tuple[bool, int, int]:
        return not stamps[place].is_archive, -stamps[place].at, -stamps[place].until

    for place in sorted(range(len(stamps)), key=newest_first):
        one = stamps[place]
        if not one.trouble and existed > one.until:
            one = replace(one, trouble=_EXPIRED)
        if one.is_archive and not one.trouble:
            existed = one.at
        judged[place] = one
    return tuple(judged[place] for place in range(len(stamps)))


def _archived(stamps: Sequence[Stamp]) -> Iterator[int]:
    return (one.at for one in stamps if one.is_archive and not one.trouble)


def _stamp(
    token: bytes, covered: bytes, is_archive: bool, pool: Sequence[bytes], trust: Trust
) -> Stamp:
    try:
        read = timestamp.check(token, covered)
    except BadTimestamp as reason:
        return Stamp(at=0, is_archive=is_archive, trouble=str(reason))
    told = Stamp(at=read.at, is_archive=is_archive, alg=read.alg, certificate=read.certificate)
    if read.alg not in ACCEPTED:
        return replace(told, trouble=f"its algorithm is not accepted: {read.alg}")
    known = (*read.certificates, *pool)
    try:
        path = find(read.certificate, known, trust.stamp_anchors, usage=TIME_STAMPING)
        path.check_times(read.at)
    except NoPath as reason:
        return replace(told, trouble=f"its authority is not believed: {reason}")
    ends = path.certificates[:-1] or path.certificates
    return replace(told, until=min(_seconds(one.not_valid_after_utc) for one in ends))


def _missing(
    found: Found, stamps: Sequence[Stamp], path: Path | None, pool: Sequence[bytes]
) -> tuple[Lack, ...]:
    missing = []
    if not _proving(stamps, archive=False):
        missing.append(Lack.TIMESTAMP)
    if path is None or not all(
        never_revoked(one) or answers(one, issuer, found.evidence.ocsp, found.evidence.crls)
        for one, issuer in path.links
    ):
        missing.append(Lack.REVOCATION)
    if path is None or any(one not in pool for one in path.der()[1:-1]):
        missing.append(Lack.CHAIN)
    if not _proving(stamps, archive=True):
        missing.append(Lack.ARCHIVE)
    return tuple(missing)


def _proving(stamps: Sequence[Stamp], *, archive: bool) -> bool:
    return any(not one.trouble for one in stamps if one.is_archive is archive)


def _level(found: Found, conclusion: Conclusion, missing: Sequence[Lack]) -> Level | None:
    """Return the highest level of which every part was found good."""
    if conclusion.sub_indication in FAILING:
        return None
    if Lack.TIMESTAMP in missing or found.level is Level.B_B:
        return Level.B_B
    if {Lack.REVOCATION, Lack.CHAIN} & set(missing) or found.level is Level.B_T:
        return Level.B_T
    return Level.B_LT if Lack.ARCHIVE in missing else found.level


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())
