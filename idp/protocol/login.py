"""A login in progress, as a value that moves through stages.

    PENDING -> AUTHENTICATED -> CONSENTED -> ISSUED
       \\-------------\\------------\\------> REFUSED

While PENDING a person says who they are (``claimed``), then proves one factor or more. A claim
that nobody has looks the same as one that somebody has: ``resident_id`` is then None and no factor
will ever be proven. ``next_step`` is the single place that decides what happens next; steps never
call one another, each stores the moved login and returns to the dispatcher.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from idp.protocol.authorization import AuthorizationRequest


class Stage(StrEnum):
    PENDING = "pending"
    AUTHENTICATED = "authenticated"
    CONSENTED = "consented"
    ISSUED = "issued"
    REFUSED = "refused"


class IllegalMove(Exception):
    """A step was taken out of order: a stale tab, a replay or a bug."""


@dataclass(frozen=True, slots=True)
class Proof:
    """A factor that was proven, and when."""

    factor: str
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """One attempt to answer one authorization request, bound to the browser that began it.

    ``browser`` is SHA-256 of the browser's secret cookie. ``claimed`` says that a person named
    themselves; ``factor`` is the one that is being asked; ``granted_claims`` are the names that the
    person agreed to share. ``revision`` counts the moves: stores compare it when they swap.
    """

    id: str
    issuer: str
    browser: bytes
    request: AuthorizationRequest
    begun_at: int
    expires_at: int
    revision: int = 0
    stage: Stage = Stage.PENDING
    claimed: bool = False
    resident_id: str | None = None
    factor: str | None = None
    proofs: tuple[Proof, ...] = ()
    session_id: str | None = None
    auth_time: int | None = None
    acr: str | None = None
    amr: tuple[str, ...] = ()
    granted_scope: tuple[str, ...] = ()
    granted_claims: frozenset[str] = frozenset()

    def claim(self, resident_id: str | None) -> "Login":
        """A person said who they are. Naming somebody else forgets what was proven so far."""
        self._require(Stage.PENDING)
        return self._moved(claimed=True, resident_id=resident_id, factor=None, proofs=())

    def ask(self, factor: str) -> "Login":
        """``factor`` is being asked now."""
        self._require(Stage.PENDING)
        return self._moved(factor=factor)

    def prove(self, proof: Proof) -> "Login":
        """A factor was proven."""
        self._require(Stage.PENDING)
        return self._moved(factor=None, proofs=(*self.proofs, proof))

    def authenticate(
        self, session_id: str, auth_time: int, acr: str | None, amr: tuple[str, ...]
    ) -> "Login":
        """Enough was proven, now or in the session."""
        self._require(Stage.PENDING)
        return self._moved(
            stage=Stage.AUTHENTICATED, session_id=session_id, auth_time=auth_time, acr=acr, amr=amr
        )

    def consent(self, scope: tuple[str, ...], claims: frozenset[str]) -> "Login":
        """The person agreed, now or before, to share ``claims`` and to allow ``scope``."""
        self._require(Stage.AUTHENTICATED)
        return self._moved(stage=Stage.CONSENTED, granted_scope=scope, granted_claims=claims)

    def issue(self) -> "Login":
        self._require(Stage.CONSENTED)
        return self._moved(stage=Stage.ISSUED)

    def refuse(self) -> "Login":
        self._require(Stage.PENDING, Stage.AUTHENTICATED, Stage.CONSENTED)
        return self._moved(stage=Stage.REFUSED)

    def _moved(self, **changes: object) -> "Login":
        return replace(self, revision=self.revision + 1, **changes)  # type: ignore[arg-type]

    def _require(self, *stages: Stage) -> None:
        if self.stage not in stages:
            raise IllegalMove(f"not possible when {self.stage}")
