"""A browser in which a resident is logged in, and what of that a request may rely on.

Single sign-on is judged here: OpenID Connect Core 1.0 §3.1.2.1 (``prompt``, ``max_age``) and
§3.1.2.3 say when a person must prove anew.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from idp.protocol.authorization import AuthorizationRequest


@dataclass(frozen=True, slots=True)
class Proof:
    """A factor that was proven, and when."""

    factor: str
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One browser's login at one ``issuer``; at another issuer it counts for nothing.

    ``id`` is random, and no client learns it; ``digest`` is SHA-256 of the session's cookie. The
    cookie alone opens nothing: ``browser`` is SHA-256 of the browser's secret, and both must
    come. ``csrf`` is the token of the forms on the resident's own pages. ``proofs`` is what was
    proven, each with its time.
    """

    id: str
    issuer: str
    digest: bytes
    browser: bytes
    resident_id: str
    proofs: tuple[Proof, ...]
    begun_at: int
    expires_at: int
    csrf: str
    ended_at: int | None = None

    def is_live(self, now: int) -> bool:
        """Return whether the session still counts."""
        return self.ended_at is None and now < self.expires_at

    def renewed(self, digest: bytes, proofs: tuple[Proof, ...], expires_at: int) -> "Session":
        """Return the session after more was proven: behind a new cookie (ASVS V7.2.4)."""
        return replace(self, digest=digest, proofs=proofs, expires_at=expires_at)


def standing(session: Session | None, request: AuthorizationRequest, now: int) -> tuple[Proof, ...]:
    """Return what the session has proven that ``request`` may rely on.

    Nothing when a new login is asked for, or an ID for somebody new; nothing that is ``max_age``
    seconds old or older, so that ``max_age=0`` asks for a new login (OpenID Connect Core 1.0
    §3.1.2.1).
    """
    if session is None or not session.is_live(now) or request.prompt & {"login", "create"}:
        return ()
    if request.max_age is None:
        return session.proofs
    return tuple(proof for proof in session.proofs if now - proof.at < request.max_age)


def joined(kept: Iterable[Proof], fresh: Iterable[Proof], now: int) -> tuple[Proof, ...]:
    """Return what a session holds after ``fresh`` was proven.

    A login is completed at one moment, so what was proven in it is as old as its end. What stands
    from before keeps its age.
    """
    new = {proof.factor: Proof(proof.factor, now) for proof in fresh}
    return (*(proof for proof in kept if proof.factor not in new), *new.values())


def authenticated_at(proofs: Iterable[Proof]) -> int:
    """Return the ``auth_time`` that rests on ``proofs``: nobody is told that a person proved more
    recently than they did (OpenID Connect Core 1.0 §2).
    """
    return min(proof.at for proof in proofs)
