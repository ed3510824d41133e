"""The contract of an authentication factor: a way to prove which resident a person is.

A flow asks a factor in three steps: ``offer`` when the person comes to its page (a code is sent),
``view`` whenever the page is shown again, ``prove`` when an answer came. A factor does the same
work and answers alike whether the identifier is somebody's, nobody's, locked or not enrolled.

To add a factor, write a module here with ``build`` and name it in ``factors.enabled``; see
docs/how-to/add-a-factor.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from config.runtime.database.unit import Write
from idp.residents.port import NOBODY, Resident
from idp.stores.challenges import Challenge


class NotProven(Exception):
    """The person did not prove who they are. No reason on purpose: it would help an attacker."""


class TooMany(NotProven):
    """A budget is used up. For counting only: the person must see the same as for NotProven."""


class NotJudged(NotProven):
    """Nothing was judged: no answer at all, or one more than a login takes, whoever was named.

    It leaves no trace, so that nobody fills tables, or another's history, by sending it again and
    again. The person must see the same as for NotProven.
    """


class Busy(Exception):
    """This process has no room for more such work, whoever asks: answer 503, nothing counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """Who tries to prove what, from where.

    ``resident`` is None when the identifier is nobody's. ``round`` is another number each time
    somebody is named in this login: a code of one round proves nothing in the next. ``address`` is
    the network address. ``device`` comes from ``idp.factors.device.recognise``: it names a browser
    that proved this resident before. ``login_ends_at`` is when the login expires. ``first``:
    nothing was asked in this login before.
    """

    login_id: str
    login_ends_at: int
    issuer: str
    client_id: str
    client_name: str
    resident: Resident | None
    address: str
    locale: str
    round: int = 0
    purpose: str = ""
    device: str | None = None
    first: bool = False

    def able(self, factor: str) -> Resident | None:
        """Return the resident when they may use ``factor`` now; None is answered as a stranger."""
        if self.resident is not None and self.resident.may_use(factor):
            return self.resident
        return None

    def asked(self, factor: str) -> Challenge:
        """Return what is asked of whom in this round, as it is when nothing was answered yet."""
        resident = self.able(factor)
        return Challenge(
            login_id=self.login_id,
            factor=factor,
            round=self.round,
            subject=NOBODY if resident is None else resident.id,
            ends_at=self.login_ends_at,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What the page of a factor may tell, which is the same for somebody and for nobody.

    ``tries_left`` is how many answers this login still takes. ``resend_at`` is when another code
    may be asked for, None when no more are sent (or the factor sends none). ``expires_at`` is
    until when the code that was sent last is accepted, None when none was sent.
    """

    tries_left: int
    resend_at: int | None = None
    expires_at: int | None = None


class Factor(Protocol):
    """One way to prove a resident. ``name`` is also the name under which residents enrol it."""

    @property
    def name(self) -> str: ...

    @property
    def amr(self) -> tuple[str, ...]:
        """Return what ``amr`` tells when this was proven (RFC 8176 §2)."""
        ...

    @property
    def field(self) -> str:
        """Return the name and id of the form field that carries the answer."""
        ...

    async def offer(self, attempt: Attempt, now: int, moves: Sequence[Write] = ()) -> Offer:
        """Begin, or begin again: the page of this factor is asked for, or another code is.

        Changes things (a code is queued for sending), so only a POST may come here. ``moves`` are
        what moves the login so that it asks this factor: they happen in the same unit, and raise
        Refused if they cannot. A call of the same round that comes before ``Offer.resend_at``, or
        when no sends are left, changes nothing else.
        """
        ...

    async def view(self, attempt: Attempt, now: int) -> Offer:
        """Return what the page tells, changing nothing: for a GET."""
        ...

    async def prove(self, attempt: Attempt, answer: str, now: int) -> tuple[Write, ...]:
        """Return the writes that use up what was proven; put them into the unit of the moved login.

        Raises NotProven. The answer is counted durably before it is judged. When the unit is
        Refused because of one of these writes, somebody else used the proof: treat as NotProven.
        Raises Busy.
        """
        ...
