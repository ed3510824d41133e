"""Agreeing to what is shared, and taking that back."""

from dataclasses import dataclass

from config.runtime.audit.records import AuditEntry
from idp.flows.consent_wish import asks_everything
from idp.flows.login import LoginFlow
from idp.flows.login_draft import Draft
from idp.protocol import consent
from idp.protocol.consent import Consent, Question, Wish
from idp.protocol.login import IllegalMove
from idp.protocol.next_step import Step
from idp.protocol.signing import asked_signature


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreed:
    """What the form of the page said: the voluntary claims in ``ticked``, and ``offline`` access.

    ``page`` is the SHA-256 hash of what the page showed, where documents are to be signed.
    """

    ticked: frozenset[str]
    offline: bool
    page: bytes = b""


@dataclass(frozen=True, slots=True)
class ConsentStep:
    """The page on which a person agrees."""

    flow: LoginFlow

    async def question(self, draft: Draft, now: int) -> Question:
        """Return what the page asks: only what is new, or everything (prompt=consent)."""
        if await self.flow.step(draft, now) is not Step.CONSENT:
            raise IllegalMove("nothing is to be agreed to now")
        return _question(draft, await self.flow.tellable(draft), now)

    async def accept(self, draft: Draft, agreed: Agreed, now: int) -> Draft:
        """The person agreed: to what is essential, and to what they ticked.

        Where another login of theirs was quicker and nothing is new any more, that decision stands.
        """
        step = await self.flow.step(draft, now)
        if step is Step.REMEMBER:
            return await self.flow.advance(draft, now)
        if step is not Step.CONSENT:
            raise IllegalMove("nothing is to be agreed to now")
        if asked_signature(draft.login.request.details) is not None and not agreed.page:
            raise IllegalMove("nobody signs what no page showed")
        if asks_everything(draft.login.request):  # then it was not read yet
            draft = await self.flow.before(draft)
        wish = await self.flow.tellable(draft)
        scope, claims = consent.decide(
            _question(draft, wish, now), wish, agreed.ticked, agreed.offline
        )
        held = consent.usable(draft.decided, wish, now)
        assert draft.login.resident_id is not None
        remembered, shared, declined = consent.outcome(held, wish, scope, claims)
        decision = Consent(
            resident_id=draft.login.resident_id,
            client_id=draft.client.client_id,
            scope=remembered,
            agreed=shared,
            declined=declined,
            purpose=wish.purpose,
            given_at=now,
            expires_at=now + self.flow.ground.lifetimes.consent,
        )
        ground = self.flow.ground
        moved = draft.moved(
            draft.login.consent(scope, claims, agreed.page),
            ground.stores.consents.record(decision),
            ground.audit.write(_entry(draft, scope, claims, agreed.page, now)),
        )
        return await self.flow.advance(moved, now)


def _entry(
    draft: Draft, scope: tuple[str, ...], claims: frozenset[str], page: bytes, now: int
) -> AuditEntry:
    """Return what the audit says about an agreement."""
    assert draft.login.resident_id is not None
    return AuditEntry(
        at=now,
        actor=draft.login.resident_id,
        action="consent.given",
        about=draft.client.client_id,
        details={
            "claims": " ".join(sorted(claims)),
            "scope": " ".join(scope),
            "types": " ".join(detail["type"] for detail in draft.login.request.details),
            **({"page": page.hex()} if page else {}),
        },
    )


def _question(draft: Draft, wish: Wish, now: int) -> Question:
    """Return what is to be asked, where ``draft.decided`` is what the person decided last."""
    return consent.question(draft.decided, wish, now, asks_everything(draft.login.request))
