"""Key versions and how they move: pending, published, active, retiring, retired (R7).

Pure functions over frozen values. A ring is everything that serves one purpose: the signing keys of
an issuer, or the versions of one keyed hash or one seal. In a ring, each algorithm has at most one
active version.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from keystore.backends.backend import SIGNING, Algorithm
from keystore.door import KeyState

MARGIN = 60
"""Seconds that a version stays published beyond ``publish_for``: until every process of ours shows
it, and what was signed just before the change has arrived."""

_ORDER = {state: place for place, state in enumerate(KeyState)}


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyVersion:
    """One version of one key. ``since`` is when it entered its state (NumericDate)."""

    kid: str
    ring: str
    algorithm: Algorithm
    version: int
    ref: str
    public: bytes
    state: KeyState
    since: int

    def moved(self, state: KeyState, now: int) -> "Move":
        """Return the move of this version forward to ``state``."""
        if _ORDER[state] <= _ORDER[self.state]:
            raise ValueError(f"a key never goes from {self.state} to {state}")
        return Move(self, replace(self, state=state, since=now))


@dataclass(frozen=True, slots=True)
class Move:
    """A version before and after it moved."""

    before: KeyVersion
    after: KeyVersion


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How long a version stays in a state, in seconds.

    ``publish_for``: the ``max-age`` with which the JWKS is served. ``active_for``: a version older
    than this is due for rotation. ``keep_for``: the longest life of what a version made; None keeps
    it until what it made was made anew. ``waits``: whether a version stays published until it is
    ``chosen``, because somebody else has to certify it first.
    """

    publish_for: int
    active_for: int
    keep_for: int | None
    waits: bool = False


def next_version(keys: Iterable[KeyVersion]) -> int:
    """Return the number of the version that follows ``keys`` of one ring and algorithm."""
    return max((key.version for key in keys), default=0) + 1


def advance(keys: Iterable[KeyVersion], now: int, policy: Policy) -> tuple[Move, ...]:
    """Return every move that is due. The moves of one ring belong together in one unit."""
    moves: list[Move] = []
    for versions in _families(keys):
        if not policy.waits:
            moves += _activation(versions, now, policy)
        for key in versions:
            if key.state is KeyState.PENDING:
                moves.append(key.moved(KeyState.PUBLISHED, now))
            elif (
                key.state is KeyState.RETIRING
                and policy.keep_for is not None
                and now >= key.since + policy.keep_for
            ):
                moves.append(key.moved(KeyState.RETIRED, now))
    return tuple(moves)


def due(keys: Iterable[KeyVersion], now: int, policy: Policy) -> tuple[KeyVersion, ...]:
    """Return the active versions that served long enough and have no successor under way."""
    found = []
    for versions in _families(keys):
        if not any(map(_is_unused, versions)):
            found += [
                key
                for key in versions
                if key.state is KeyState.ACTIVE and now >= key.since + policy.active_for
            ]
    return tuple(found)


def emergency(keys: Iterable[KeyVersion], fresh: KeyVersion) -> tuple[Move, ...]:
    """Return the moves that make room for ``fresh``, which is active at once or waits alone.

    A signing key leaves the JWKS now: what it signed is no longer believed. A keyed hash or a seal
    stays readable until everything was made anew.
    """
    moves = []
    for key in keys:
        if key.kid == fresh.kid or key.state is KeyState.RETIRED:
            continue
        if _is_unused(key) or key.algorithm in SIGNING:
            moves.append(key.moved(KeyState.RETIRED, fresh.since))
        elif key.state is KeyState.ACTIVE:
            moves.append(key.moved(KeyState.RETIRING, fresh.since))
    return tuple(moves)


def chosen(keys: Iterable[KeyVersion], key: KeyVersion, now: int) -> tuple[Move, ...]:
    """Return the moves that make ``key``, which waited, the active one of its ring.

    What was active retires; what waited before it was never used, and goes at once.
    """
    moves = [key.moved(KeyState.ACTIVE, now)]
    for other in keys:
        if other.state is KeyState.ACTIVE:
            moves.append(other.moved(KeyState.RETIRING, now))
        elif _is_unused(other) and other.version < key.version:
            moves.append(other.moved(KeyState.RETIRED, now))
    return tuple(moves)


def _is_unused(key: KeyVersion) -> bool:
    return key.state in (KeyState.PENDING, KeyState.PUBLISHED)


def _activation(versions: Sequence[KeyVersion], now: int, policy: Policy) -> list[Move]:
    ready = [
        key
        for key in versions
        if key.state is KeyState.PUBLISHED and now >= key.since + policy.publish_for + MARGIN
    ]
    if not ready:
        return []
    newest = max(ready, key=lambda key: key.version)
    outgoing = [
        key.moved(KeyState.RETIRING, now)
        for key in versions
        if key.state is KeyState.ACTIVE or (key in ready and key is not newest)
    ]
    return [*outgoing, newest.moved(KeyState.ACTIVE, now)]


def _families(keys: Iterable[KeyVersion]) -> list[list[KeyVersion]]:
    def family(key: KeyVersion) -> tuple[str, str]:
        return key.ring, key.algorithm

    ordered = sorted(keys, key=lambda key: (*family(key), key.version))
    return [list(group) for _, group in groupby(ordered, key=family)]
