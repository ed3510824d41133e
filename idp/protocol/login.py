"""A login in progress, as a value that moves through stages.

    PENDING -> AUTHENTICATED -> CONSENTED -> ISSUED
       \\-------------\\------------\\------> REFUSED

While PENDING a person says who they are (``claimed``), then proves one factor or more. A claim
that nobody has looks the same as one that somebody has: ``resident_id`` is then None and no factor
will ever be proven. ``idp.protocol.next_step`` is the single place that decides what happens next;
steps never call one another, each stores the moved login and returns to the dispatcher.
"""

from dataclasses import dataclass
from enum import StrEnum

from msgspec import Struct, structs

from idp.protocol.authorization import AuthorizationRequest
from idp.protocol.session import Proof

UNBOUND = b""
"""The browser of a login that a POST began: cookies that are Lax did not come with it."""


class Stage(StrEnum):
    PENDING = "pending"
    AUTHENTICATED = "authenticated"
    CONSENTED = "consented"
    ISSUED = "issued"
    REFUSED = "refused"


class Account(StrEnum):
    """Which person goes on where a browser is logged in already (prompt=select_account)."""

    OPEN = "open"
    SAME = "same"
    OTHER = "other"


class IllegalMove(Exception):
    """A step was taken out of order: a stale tab, a replay or a bug."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What was reached by proving ``factors``: the level, and the methods (RFC 8176)."""

    factors: tuple[str, ...]
    acr: str | None
    amr: tuple[str, ...]


class Login(Struct, frozen=True, kw_only=True):
    """One attempt to answer one authorization request, bound to the browser that began it.

    ``browser`` is SHA-256 of the browser's secret cookie. ``csrf`` is the token of the login's
    forms. ``claimed`` says that a person named themselves, ``round`` how often; ``found_by`` is
    what the ID store wants spent at the end. ``factor`` is the one that is being asked,
    ``factors`` are those on which the login rests. ``granted_claims`` are the names that the
    person agreed to share, ``page`` the SHA-256 hash of the page on which they agreed to sign
    documents. ``revision`` counts the moves: stores compare it when they swap.

    A Struct, because every step copies it: that takes a thirtieth of a dataclass's time.
    """

    id: str
    issuer: str
    browser: bytes
    request: AuthorizationRequest
    csrf: str
    begun_at: int
    expires_at: int
    revision: int = 0
    stage: Stage = Stage.PENDING
    account: Account = Account.OPEN
    claimed: bool = False
    round: int = 0
    resident_id: str | None = None
    found_by: str = ""
    factor: str | None = None
    proofs: tuple[Proof, ...] = ()
    session_id: str | None = None
    auth_time: int | None = None
    acr: str | None = None
    amr: tuple[str, ...] = ()
    factors: tuple[str, ...] = ()
    granted_scope: tuple[str, ...] = ()
    granted_claims: frozenset[str] = frozenset()
    page: bytes = b""

    @property
    def is_over(self) -> bool:
        """Return whether nothing can happen to the login any more."""
        return self.stage in (Stage.ISSUED, Stage.REFUSED)

    def bind(self, browser: bytes) -> "Login":
        """The browser that was sent here is known now: once, and for good."""
        self._require(Stage.PENDING)
        if self.browser != UNBOUND:
            raise IllegalMove("bound to a browser already")
        return self._moved(browser=browser)

    def choose(self, account: Account) -> "Login":
        """The person chose to go on as whom the browser knows, or as somebody else."""
        self._require(Stage.PENDING)
        return self._moved(account=account)

    def claim(self, resident_id: str | None, found_by: str = "") -> "Login":
        """A person said who they are. Naming somebody forgets what was proven so far."""
        self._require(Stage.PENDING)
        return self._moved(
            claimed=True,
            round=self.round + 1,
            resident_id=resident_id,
            found_by=found_by,
            factor=None,
            proofs=(),
        )

    def forget(self) -> "Login":
        """The person wants to be somebody else: back to the first question."""
        self._require(Stage.PENDING)
        return self._moved(
            claimed=False,
            account=Account.OTHER,
            resident_id=None,
            found_by="",
            factor=None,
            proofs=(),
        )

    def ask(self, factor: str | None) -> "Login":
        """``factor`` is being asked now; None shows the choice."""
        self._require(Stage.PENDING)
        if not self.claimed:
            raise IllegalMove("nobody was named yet")
        return self._moved(factor=factor)

    def prove(self, proof: Proof) -> "Login":
        """The factor that was asked was proven."""
        self._require(Stage.PENDING)
        if self.factor != proof.factor or self.resident_id is None:
            raise IllegalMove("another factor was asked")
        return self._moved(factor=None, proofs=(*self.proofs, proof))

    def authenticate(self, session_id: str, auth_time: int, standing: Standing) -> "Login":
        """Enough was proven, now or in the session."""
        self._require(Stage.PENDING)
        if self.resident_id is None:
            raise IllegalMove("nobody was proven")
        return self._moved(
            stage=Stage.AUTHENTICATED,
            factor=None,
            session_id=session_id,
            auth_time=auth_time,
            acr=standing.acr,
            amr=standing.amr,
            factors=standing.factors,
        )

    def consent(self, scope: tuple[str, ...], claims: frozenset[str], page: bytes = b"") -> "Login":
        """The person agreed, now or before, to share ``claims`` and to allow ``scope``."""
        self._require(Stage.AUTHENTICATED)
        return self._moved(
            stage=Stage.CONSENTED, granted_scope=scope, granted_claims=claims, page=page
        )

    def issue(self) -> "Login":
        """The answer is on its way to the client."""
        self._require(Stage.CONSENTED)
        return self._moved(stage=Stage.ISSUED)

    def refuse(self) -> "Login":
        """The client is told that nothing came of it."""
        self._require(Stage.PENDING, Stage.AUTHENTICATED, Stage.CONSENTED)
        return self._moved(stage=Stage.REFUSED)

    def _moved(self, **changes: object) -> "Login":
        return structs.replace(self, revision=self.revision + 1, **changes)

    def _require(self, *stages: Stage) -> None:
        if self.stage not in stages:
            raise IllegalMove(f"not possible when {self.stage}")
