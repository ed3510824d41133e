"""Agreeing to what is shared, and taking that back."""

from dataclasses import dataclass

from config.runtime.audit.records import AuditEntry
from idp.flows.consent_wish import asks_everything, tellable, wish_of
from idp.flows.login import LoginFlow
from idp.flows.login_draft import Draft
from idp.protocol import consent
from idp.protocol.consent import Consent, Question, Wish
from idp.protocol.login import IllegalMove
from idp.protocol.next_step import Step


@dataclass(frozen=True, slots=True)
class ConsentStep:
    """The page on which a person agrees."""

    flow: LoginFlow

    async def question(self, draft: Draft, now: int) -> Question:
        """Return what the page asks: only what is new, or everything (prompt=consent)."""
        if await self.flow.step(draft, now) is not Step.CONSENT:
            raise IllegalMove("nothing is to be agreed to now")
        return _question(draft, await self._wish(draft), draft.decided, now)

    async def accept(self, draft: Draft, ticked: frozenset[str], offline: bool, now: int) -> Draft:
        """The person agreed: to what is essential, and to the voluntary claims in ``ticked``.

        Where another login of theirs was quicker and nothing is new any more, that decision stands.
        """
        step = await self.flow.step(draft, now)
        if step is Step.REMEMBER:
            return await self.flow.advance(draft, now)
        if step is not Step.CONSENT:
            raise IllegalMove("nothing is to be agreed to now")
        before, wish = await self._before(draft), await self._wish(draft)
        scope, claims = consent.decide(_question(draft, wish, before, now), wish, ticked, offline)
        held = consent.usable(before, wish, now)
        assert draft.login.resident_id is not None
        remembered, agreed, declined = consent.outcome(held, wish, scope, claims)
        decision = Consent(
            resident_id=draft.login.resident_id,
            client_id=draft.client.client_id,
            scope=remembered,
            agreed=agreed,
            declined=declined,
            purpose=wish.purpose,
            given_at=now,
            expires_at=now + self.flow.ground.lifetimes.consent,
        )
        entry = AuditEntry(
            at=now,
            actor=decision.resident_id,
            action="consent.given",
            about=draft.client.client_id,
            details={
                "claims": " ".join(sorted(claims)),
                "scope": " ".join(scope),
                "types": " ".join(detail["type"] for detail in draft.login.request.details),
            },
        )
        ground = self.flow.ground
        moved = draft.moved(
            draft.login.consent(scope, claims),
            ground.stores.consents.record(decision),
            ground.audit.write(entry),
        )
        return await self.flow.advance(moved, now)

    async def _before(self, draft: Draft) -> Consent | None:
        """Return what was decided before: a page that asks everything did not read it."""
        login = draft.login
        if not asks_everything(login.request):
            return draft.decided
        assert login.resident_id is not None
        consents = self.flow.ground.stores.consents
        return await consents.find(login.resident_id, draft.client.client_id)

    async def _wish(self, draft: Draft) -> Wish:
        assert draft.login.resident_id is not None
        wish = wish_of(draft.login.request, draft.client)
        return await tellable(wish, self.flow.ground.residents, draft.login.resident_id)


def _question(draft: Draft, wish: Wish, before: Consent | None, now: int) -> Question:
    """Return what is to be asked where ``before`` is what the person decided last."""
    return consent.question(before, wish, now, asks_everything(draft.login.request))
