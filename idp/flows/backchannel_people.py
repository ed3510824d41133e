"""Whom a backchannel request means, and whether that person may be disturbed.

Whatever a client could learn about people from the answer it does not: an unknown person, a locked
one and one who was asked too often are asked in vain, and look like one who does not answer.
"""

import hmac
from dataclasses import dataclass, replace
from hashlib import blake2b, sha256

from config.runtime.limits import Charge, Limits, Rate
from config.settings import Limits as Rates
from idp.protocol import ciba
from idp.protocol.authorization import VerifiedHint
from idp.protocol.client import Client
from idp.protocol.errors import InvalidUserCode, SlowDown
from idp.protocol.parameters import Parameters
from idp.residents.port import NOBODY, Resident, Residents, State
from idp.stores.subjects import Subjects

USER_CODE = "user_code"
"""The name under which the ID store keeps the code that a person set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackchannelPeople:
    """Finds people for clients of one issuer. ``secret`` hides them in the keys of ``limits``."""

    issuer: str
    residents: Residents
    subjects: Subjects
    limits: Limits
    rates: Rates
    secret: bytes

    async def admit(self, client: Client, now: int) -> None:
        """Charge one request to the client, or raise SlowDown."""
        charge = self._charge("per_client", self.rates.backchannel_per_client, client.client_id)
        if not (await self.limits.spend((charge,), now)).allowed:
            raise SlowDown("this client sends too many requests")

    async def named(
        self, asked: Parameters, hint: VerifiedHint | None, client: Client, now: int
    ) -> Resident | None:
        """Return whom the request means and who may be asked now; None for anybody else.

        Raises InvalidUserCode, for a wrong code as for a person without one.
        """
        if hint is None:
            found = await self.residents.find(asked["login_hint"], now)
        else:
            found = await self._hinted(hint, client)
        if found is not None and found.state is not State.ACTIVE:
            found = None
        whom = found.id if found else "hint\0" + (asked.get("login_hint") or "")
        agreed = await self._knows_code(asked.get("user_code"), found, whom, now)
        reached = await self._may_reach(whom, client, now)
        return found if agreed and reached else None

    async def _hinted(self, hint: VerifiedHint, client: Client) -> Resident | None:
        sector = client.sector if client.subject_type == "pairwise" else self.issuer
        resident_id = await self.subjects.resident_of(self.issuer, sector, hint.subject)
        found = await self.residents.get(resident_id or NOBODY)
        return None if found is None else replace(found, found_by="")

    async def _knows_code(
        self, typed: str | None, found: Resident | None, whom: str, now: int
    ) -> bool:
        """Return whether the person lets this client ask: who has a code wants it to be told."""
        code = await self.residents.secret(found.id if found else NOBODY, USER_CODE)
        if typed is None:
            return not code
        charge = self._charge("user_codes", self.rates.user_codes_per_resident, whom)
        allowed = (await self.limits.spend((charge,), now)).allowed
        told = (ciba.user_code(typed) or "").encode()
        fits = hmac.compare_digest(sha256(told).digest(), sha256(code or b"").digest())
        if not (allowed and fits and code):
            raise InvalidUserCode("user_code is not the one of this person")
        await self.limits.give_back((charge,), now)
        return True

    async def _may_reach(self, whom: str, client: Client, now: int) -> bool:
        """Charge it to the person: nobody is asked until they give in (MFA fatigue)."""
        pair = f"{client.client_id}\0{whom}"
        charges = (
            self._charge("per_pair", self.rates.backchannel_per_pair, pair),
            self._charge("per_resident", self.rates.backchannel_per_resident, whom),
        )
        return (await self.limits.spend(charges, now)).allowed

    def _charge(self, limit: str, rate: str, whom: str) -> Charge:
        hidden = blake2b(whom.encode(), key=self.secret, digest_size=16).hexdigest()
        return Charge(f"backchannel {limit}:{hidden}", Rate.parse(rate))
