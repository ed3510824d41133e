"""Collecting what is wrong with a signature: every problem is named, not only the first."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from esignet.formats.format import Evidence, FormatError, Level
from keystore.checking.message import Problem
from keystore.checking.signature import BadSignature
from keystore.checking.timestamp import BadTimestamp, check

Stamps = tuple[tuple[bytes, bytes], ...]
"""Time-stamp tokens, each with the octets that it covers."""


class Refused(Exception):
    """A part of a signature is not as it must be; ``code`` is the sub-indication."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code


@contextmanager
def noted(problems: list[Problem]) -> Iterator[None]:
    """Add what is raised within to ``problems``; what is merely malformed is a FORMAT_FAILURE."""
    try:
        yield
    except Refused as fault:
        problems.append((fault.code, str(fault)))
    except FormatError as fault:
        problems.append(("FORMAT_FAILURE", str(fault)))
    except BadSignature as fault:
        problems.append(("SIG_CRYPTO_FAILURE", str(fault)))


def right_stamps(signature: Stamps, archive: Stamps, problems: list[Problem]) -> list[Stamps]:
    """Return the time-stamps of both kinds that are right; what is wrong is added to ``problems``.

    An archive time-stamp must not be older than the signature time-stamps that it covers.
    """
    right: list[Stamps] = []
    times: list[list[int]] = []
    for stamps in (signature, archive):
        judged = [(stamp, _time(stamp, problems)) for stamp in stamps]
        right.append(tuple(stamp for stamp, at in judged if at is not None))
        times.append([at for _, at in judged if at is not None])
    if times[0] and times[1] and min(times[1]) < max(times[0]):
        reason = "an archive time-stamp is older than what it covers"
        problems.append(("TIMESTAMP_ORDER_FAILURE", reason))
    return right


def level_of(stamps: Sequence[Stamps], evidence: Evidence) -> Level:
    """Return the level that time-stamps and material amount to, before anyone is trusted."""
    signature, archive = stamps
    if not signature:
        return Level.B_B
    if not evidence.ocsp and not evidence.crls:
        return Level.B_T
    return Level.B_LTA if archive else Level.B_LT


def check_stamp(token: bytes, covered: bytes) -> None:
    """Raise FormatError unless ``token`` is a right time-stamp over ``covered``."""
    try:
        check(token, covered)
    except BadTimestamp as fault:
        raise FormatError(str(fault)) from fault


def _time(stamp: tuple[bytes, bytes], problems: list[Problem]) -> int | None:
    try:
        return check(*stamp).at
    except BadTimestamp as fault:
        problems.append(("SIG_CONSTRAINTS_FAILURE", str(fault)))
        return None
