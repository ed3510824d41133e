"""A one-time code that is sent to the resident (RFC 8176 ``otp``).

Kept only as a keyed hash bound to login, round and resident. Tries and sends are counted in the
database over all codes of a login, and a new code voids the one before. For nobody, for somebody
who may not use this factor and beyond a budget, the same is done, but no code is live.
"""

import hmac
from asyncio import gather
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from config.runtime.database.unit import Database, Refused, Write
from config.runtime.entropy import Entropy
from config.runtime.limits import Charge
from config.settings import Otp as OtpSettings
from idp.factors.budgets import Budgets, Spending
from idp.factors.factor import Attempt, NotJudged, NotProven, Offer, TooMany
from idp.factors.numerals import typed_digits
from idp.factors.parts import Parts
from idp.factors.sending import Dispatch, Sender
from idp.residents.port import NOBODY, Residents
from idp.stores.challenges import Challenge, Challenges
from keystore.door import Door, Mac, MacPurpose

NAME = "otp"

_CHARGES = msgspec.json.Decoder(list[Charge])


def build(parts: Parts) -> "OneTimeCode":
    """Return the factor."""
    challenges = parts.challenges()
    return OneTimeCode(
        database=parts.database,
        residents=parts.residents,
        door=parts.door,
        entropy=parts.entropy,
        challenges=challenges,
        budgets=parts.budgets(),
        sender=Sender(
            door=parts.door, outbox=parts.outbox, challenges=challenges, channels=parts.channels
        ),
        settings=parts.settings.otp,
    )


@dataclass(frozen=True, slots=True)
class _Code:
    """A new code and whom it is for; ``dispatch.route`` None: it is made, but never live."""

    subject: str
    dispatch: Dispatch
    charges: tuple[Charge, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OneTimeCode:
    """The factor ``otp``."""

    database: Database
    residents: Residents
    door: Door
    entropy: Entropy
    challenges: Challenges
    budgets: Budgets
    sender: Sender
    settings: OtpSettings

    name: str = NAME
    amr: tuple[str, ...] = ("otp",)
    field: str = "otp"

    async def offer(self, attempt: Attempt, now: int, moves: Sequence[Write] = ()) -> Offer:
        """Queue a code for sending, unless one of this round was just sent or all sends are used.

        See Factor.offer.
        """
        before = None if attempt.first else await self.challenges.get(attempt.login_id, NAME)
        if before is not None and not self._may_send(before, attempt, now):
            if moves:
                await self.database.submit(*moves)
            return self._told(before)
        code = await self._code(attempt, now)
        after, notice = await self._queued(attempt, before, code)
        try:
            await self.database.submit(*moves, self.challenges.send(before, after), notice)
        except Refused as refused:
            await self.budgets.give_back(code.charges, now)
            if refused.write in moves:
                raise
        else:
            return self._told(after)
        # Another request of this login was first: its code is the live one.
        if moves:
            await self.database.submit(*moves)
        return await self.view(attempt, now)

    async def view(self, attempt: Attempt, now: int) -> Offer:
        """See Factor.view."""
        return self._told(await self.challenges.get(attempt.login_id, NAME))

    async def prove(self, attempt: Attempt, answer: str, now: int) -> tuple[Write, ...]:
        """See Factor.prove. What is no code at all is refused without being counted."""
        digits = typed_digits(answer, self.settings.digits)
        if digits is None:
            raise NotJudged
        asked = attempt.asked(NAME)
        spending = await self.budgets.answer(attempt, NAME, now)
        counted, macs = await gather(
            self.challenges.count(asked, self.settings.tries),
            self._macs(attempt, asked.subject, digits),
        )
        live = counted is not None and _is_live(counted, asked, now)
        right = _right(macs, counted.mac if counted is not None and live else None)
        if counted is None:
            raise NotJudged
        if not spending.allowed:
            raise TooMany
        if not right:
            raise NotProven
        await self._give_back(counted, spending, now)
        return (self.challenges.use(counted),)

    def _may_send(self, before: Challenge, attempt: Attempt, now: int) -> bool:
        if before.sends >= self.settings.sends or before.tries >= self.settings.tries:
            return False
        if before.round != attempt.round or before.subject != _subject(attempt):
            return True
        return before.sent_at is None or now >= before.sent_at + self.settings.resend_delay

    def _told(self, state: Challenge | None) -> Offer:
        tries = self.settings.tries
        if state is None:
            return Offer(tries_left=tries)
        left = max(0, tries - state.tries)
        resend_at = None
        if state.sent_at is not None and left and state.sends < self.settings.sends:
            resend_at = state.sent_at + self.settings.resend_delay
        return Offer(tries_left=left, resend_at=resend_at, expires_at=state.code_ends_at)

    async def _code(self, attempt: Attempt, now: int) -> _Code:
        """Return a new code; it goes nowhere where there is nobody, or a budget is used up."""
        subject = _subject(attempt)
        addresses = await self.residents.addresses(subject)
        route = self.sender.route(addresses)
        spending = await self.budgets.send(attempt, route.reach.to if route else None, now)
        dispatch = Dispatch(
            id=self.entropy.token(16),
            code=self.entropy.digits(self.settings.digits),
            route=route if spending.allowed and subject != NOBODY else None,
            at=now,
            ends_at=min(now + self.settings.lifetime, attempt.login_ends_at),
            locale=attempt.locale or addresses.locale,
        )
        return _Code(subject, dispatch, spending.charges)

    async def _queued(
        self, attempt: Attempt, before: Challenge | None, new: _Code
    ) -> tuple[Challenge, Write]:
        """Return the state in which ``new`` is the live code, and what queues its message."""
        dispatch = new.dispatch
        macs, notice = await gather(
            self._macs(attempt, new.subject, dispatch.code), self.sender.notice(attempt, dispatch)
        )
        after = Challenge(
            login_id=attempt.login_id,
            factor=NAME,
            round=attempt.round,
            subject=new.subject,
            mac=macs[0].value if dispatch.route else None,
            sends=1 + (before.sends if before else 0),
            tries=before.tries if before else 0,
            sent_at=dispatch.at,
            code_ends_at=dispatch.ends_at,
            charges=_joined(before, new),
            ends_at=attempt.login_ends_at,
        )
        return after, notice

    async def _macs(self, attempt: Attempt, subject: str, code: str) -> Sequence[Mac]:
        bound = "\0".join((attempt.login_id, str(attempt.round), subject, code))
        return await self.door.mac(MacPurpose.ONE_TIME_CODE, bound.encode())

    async def _give_back(self, counted: Challenge, spending: Spending, now: int) -> None:
        await self.budgets.give_back(spending.charges, now)
        once = f"{counted.login_id}:{counted.sends}"
        await self.budgets.give_back_once(once, _CHARGES.decode(counted.charges), now)


def _subject(attempt: Attempt) -> str:
    resident = attempt.able(NAME)
    return NOBODY if resident is None else resident.id


def _is_live(counted: Challenge, asked: Challenge, now: int) -> bool:
    return (
        counted.subject == asked.subject
        and counted.round == asked.round
        and counted.code_ends_at is not None
        and now < counted.code_ends_at
    )


def _right(macs: Sequence[Mac], stored: bytes | None) -> bool:
    """Compare in the same time whether or not a code is live."""
    right = False
    for mac in macs:
        right |= hmac.compare_digest(mac.value, stored or bytes(len(mac.value)))
    return right and stored is not None


def _joined(before: Challenge | None, new: _Code) -> bytes:
    """Return every charge of this login's codes to the same person, in JSON."""
    if before is None or before.subject != new.subject:
        return msgspec.json.encode(new.charges)
    return msgspec.json.encode([*_CHARGES.decode(before.charges), *new.charges])
