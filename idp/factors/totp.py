"""A code of an authenticator application (RFC 6238: SHA-1, 30 s, 6 digits; RFC 8176 ``otp``)."""

import hmac
from asyncio import gather
from base64 import b32encode
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from config.runtime.database.unit import Database, Write
from config.runtime.entropy import Entropy
from config.settings import Totp as TotpSettings
from idp.factors.budgets import Budgets
from idp.factors.factor import Attempt, NotJudged, NotProven, Offer, TooMany
from idp.factors.numerals import typed_digits
from idp.factors.parts import Parts
from idp.residents.port import Residents
from idp.stores.challenges import Challenges

NAME = "totp"

STEP = 30
"""Seconds of one time step (RFC 6238 §4.1)."""

DIGITS = 6
SEED_BYTES = 20
"""RFC 4226 §4, requirement 6 recommends 160 bits."""

TRIES = 5
"""Answers that a login takes."""


def build(parts: Parts) -> "Totp":
    """Return the factor."""
    return Totp(
        residents=parts.residents,
        database=parts.database,
        challenges=parts.challenges(),
        budgets=parts.budgets(),
        decoy=new_seed(parts.entropy),
        settings=parts.settings.totp,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Totp:
    """The factor ``totp``. ``decoy`` is a seed that nobody has."""

    residents: Residents
    database: Database
    challenges: Challenges
    budgets: Budgets
    decoy: bytes
    settings: TotpSettings

    name: str = NAME
    amr: tuple[str, ...] = ("otp",)
    field: str = "totp"

    async def offer(self, attempt: Attempt, now: int, moves: Sequence[Write] = ()) -> Offer:
        """See Factor.offer: nothing is sent."""
        if moves:
            await self.database.submit(*moves)
        return await self.view(attempt, now)

    async def view(self, attempt: Attempt, now: int) -> Offer:
        """See Factor.view."""
        state = await self.challenges.get(attempt.login_id, NAME)
        return Offer(tries_left=TRIES - (state.tries if state else 0))

    async def prove(self, attempt: Attempt, answer: str, now: int) -> tuple[Write, ...]:
        """See Factor.prove: the write uses up the time step (RFC 6238 §5.2)."""
        digits = typed_digits(answer, DIGITS)
        if digits is None:
            raise NotJudged
        asked = attempt.asked(NAME)
        spending = await self.budgets.answer(attempt, NAME, now)
        counted, seed = await gather(
            self.challenges.count(asked, TRIES), self.residents.secret(asked.subject, NAME)
        )
        window = self.settings.window
        step = matching_step(seed or self.decoy, digits, now, window)
        if counted is None:
            raise NotJudged
        if not spending.allowed:
            raise TooMany
        if step is None or seed is None:  # nobody has no seed
            raise NotProven
        await self.budgets.give_back(spending.charges, now)
        return (self._use(asked.subject, step, now),)

    async def enrol(
        self, resident_id: str, seed: bytes, answer: str, now: int
    ) -> tuple[Write, ...]:
        """Return the writes that enrol ``seed`` once ``answer`` shows that an application has it.

        The step is used up with it. Raises NotProven.
        """
        digits = typed_digits(answer, DIGITS)
        step = matching_step(seed, digits or "", now, self.settings.window)
        if step is None or len(seed) != SEED_BYTES:
            raise NotProven
        return (
            await self.residents.enrol(resident_id, NAME, seed, now),
            self._use(resident_id, step, now),
        )

    def _use(self, resident_id: str, step: int, now: int) -> Write:
        # Kept until the step has left the window: it could not be used after that anyway.
        forgotten_at = max(now + 1, (step + self.settings.window + 1) * STEP)
        usable_since = (step - self.settings.window) * STEP
        return self.challenges.use_step(resident_id, step, forgotten_at, usable_since)


def new_seed(entropy: Entropy) -> bytes:
    """Return a new secret to share with an application."""
    return entropy.bytes(SEED_BYTES)


def written(seed: bytes) -> str:
    """Return the seed as a person types it into an application: base32 (RFC 4648 §6)."""
    return b32encode(seed).decode().rstrip("=")


def otpauth(seed: bytes, service: str, account: str) -> str:
    """Return the address that an application reads as a QR code (Key Uri Format).

    ``account`` is shown in the application: nothing that identifies the person to a stranger.
    """
    plain = service.replace(":", " ")
    label = f"{quote(plain, safe='')}:{quote(account.replace(':', ' '), safe='')}"
    shared = {"secret": written(seed), "issuer": plain, "algorithm": "SHA1"}
    parameters = urlencode({**shared, "digits": DIGITS, "period": STEP}, quote_via=quote)
    return f"otpauth://totp/{label}?{parameters}"


def code(seed: bytes, step: int) -> str:
    """Return the code of time step ``step`` (RFC 4226 §5.3, RFC 6238 §4.2)."""
    mac = hmac.digest(seed, step.to_bytes(8), "sha1")
    offset = mac[-1] & 0x0F
    number = int.from_bytes(mac[offset : offset + 4]) & 0x7FFF_FFFF
    return f"{number % 10**DIGITS:0{DIGITS}d}"


def matching_step(seed: bytes, digits: str, now: int, window: int) -> int | None:
    """Return the step within ``window`` steps of ``now`` whose code is ``digits``, else None.

    Every step is compared, whichever matches.
    """
    current = now // STEP
    found = None
    for step in range(max(0, current - window), current + window + 1):
        if hmac.compare_digest(code(seed, step).encode(), digits.encode()):
            found = step
    return found
