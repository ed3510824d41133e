"""Saying who one is and proving it: the steps of a login before anybody is known.

Every step costs and tells the same for somebody as for nobody, for a locked person as for a wrong
answer (attack A23).
"""

from dataclasses import dataclass, replace

from msgspec import structs

from config.runtime.database.unit import Refused
from config.runtime.journal import Fact
from config.settings.localized import localized
from idp.factors.device import Recognition, recognise
from idp.factors.factor import Attempt, NotJudged, NotProven, Offer
from idp.flows.login import LoginFlow
from idp.flows.login_draft import Draft
from idp.flows.login_ground import LoginGround
from idp.flows.login_writes import moves
from idp.protocol.login import Account, IllegalMove
from idp.protocol.next_step import Step, factor_choices
from idp.protocol.own_pages import is_own
from idp.protocol.session import Proof
from idp.residents.port import NOBODY
from idp.stores.history import WRONG_ANSWER, Event


@dataclass(frozen=True, slots=True)
class FactorSteps:
    """What a person can do before they are known.

    Where another login of the same browser was quicker and proved enough, a step just goes on.
    """

    flow: LoginFlow

    @property
    def _ground(self) -> LoginGround:
        return self.flow.ground

    async def identify(self, draft: Draft, typed: str, now: int) -> Draft:
        """A person typed who they are; the first factor is asked at once."""
        step = await self.flow.step(draft, now)
        if step is Step.AUTHENTICATE:
            return await self._asking(draft, now)
        if step not in (Step.IDENTIFY, Step.PROVE):
            raise IllegalMove("nobody is asked for now")
        resident = await self._ground.residents.find(typed, now)
        found = (resident.id, resident.found_by) if resident else (None, "")
        return await self._asking(
            structs.replace(draft.moved(draft.login.claim(*found)), resident=resident), now
        )

    async def account(self, draft: Draft, account: Account, now: int) -> Draft:
        """A person chose to go on as whom the browser knows, or as somebody else."""
        if account is Account.SAME:
            return await self._asking(draft.moved(draft.login.choose(account)), now)
        moved = structs.replace(draft.moved(draft.login.forget()), resident=None)
        return await self.flow.advance(moved, now)

    async def choose(self, draft: Draft, factor: str, now: int) -> Draft:
        """A person wants to use ``factor``, or to have another code of the one that is asked."""
        step = await self.flow.step(draft, now)
        if step is Step.AUTHENTICATE:
            return await self._asking(draft, now)
        if step is not Step.PROVE:
            raise IllegalMove("no factor is asked for now")
        if factor not in await self.choices(draft, now):
            raise IllegalMove("this factor does not lead on")
        draft = await self.flow.named(draft)
        login = draft.login
        if not login.claimed and draft.session is not None:
            login = login.claim(draft.session.resident_id)
        return await self._begun(
            structs.replace(draft.moved(login.ask(factor)), step=Step.PROVE), now
        )

    async def choices(self, draft: Draft, now: int) -> tuple[str, ...]:
        """Return the factors that may be asked now, the first one in front."""
        return factor_choices(draft.login, await self.flow.facts(draft, now))

    async def person(self, draft: Draft) -> str:
        """Return what to call the person whom this browser knows, or ""."""
        if draft.session is None:
            return ""
        found = await self._ground.residents.attributes(draft.session.resident_id, ("name",))
        names = {attribute.locale: str(attribute.value) for attribute in found}
        return localized(names, (draft.visit.locale,)) or next(iter(names.values()), "")

    async def view(self, draft: Draft, now: int) -> Offer:
        """Return what the page of the factor that is asked tells."""
        if draft.login.factor is None:
            raise IllegalMove("no factor is asked")
        factor = self._ground.factors[draft.login.factor]
        return await factor.view(self._attempt(draft), now)

    async def prove(self, draft: Draft, answer: str, now: int) -> Draft:
        """A person answered. Raises NotProven, without a reason."""
        name, step = draft.login.factor, await self.flow.step(draft, now)
        if step is Step.AUTHENTICATE:
            return await self._asking(draft, now)
        if name is None or step is not Step.PROVE:
            raise IllegalMove("no factor is asked")
        draft = await self.flow.named(draft)
        recognition = await self._recognition(draft)
        attempt = replace(self._attempt(draft), device=recognition.device)
        try:
            spent = await self._ground.factors[name].prove(attempt, answer, now)
        except NotJudged:
            raise NotProven from None
        except NotProven:
            await self._failed(draft, name, now)
            raise NotProven from None
        draft = structs.replace(draft, device_marks=recognition.marks)
        proven = draft.moved(draft.login.prove(Proof(name, now)), *spent)
        try:
            return await self._asking(proven, now)
        except Refused:  # another request used the same proof
            raise NotProven from None

    async def _asking(self, draft: Draft, now: int) -> Draft:
        """Go on; where a factor is due, it is asked and begins, all in one unit."""
        return await self.flow.advance(
            structs.replace(draft, asks=True), now, lambda ahead: self._begun(ahead, now)
        )

    async def _begun(self, draft: Draft, now: int) -> Draft:
        """Write the draft, together with what begins the factor that it asks."""
        if draft.step is not Step.PROVE or draft.login.factor is None:
            return await self.flow.write(draft)
        factor = self._ground.factors[draft.login.factor]
        recognition = await self._recognition(draft)
        attempt = replace(self._attempt(draft), device=recognition.device)
        await factor.offer(attempt, now, moves(self.flow.ground, draft))
        return draft.written()

    async def _failed(self, draft: Draft, factor: str, now: int) -> None:
        ground = self._ground
        event = Event(
            id=ground.entropy.token(16),
            issuer=ground.issuer,
            resident_id=draft.login.resident_id or NOBODY,
            at=now,
            client_id=draft.client.client_id,
            factors=(factor,),
            outcome=WRONG_ANSWER,
        )
        fact = Fact(name="login.failed", at=now, about=draft.login.id, details={"factor": factor})
        await ground.database.submit(ground.stores.history.add(event), ground.journal.write(fact))

    async def _recognition(self, draft: Draft) -> Recognition:
        """Return whether this browser proved the resident before."""
        return await recognise(self._ground.door, draft.visit.device, draft.resident)

    def _attempt(self, draft: Draft) -> Attempt:
        login, client, visit = draft.login, draft.client, draft.visit
        names = self._ground.names if is_own(client.client_id) else client.names
        return Attempt(
            login_id=login.id,
            login_ends_at=login.expires_at,
            issuer=login.issuer,
            client_id=client.client_id,
            client_name=localized(names, (visit.locale,)) or client.client_id,
            purpose=client.purpose((visit.locale,)),
            resident=draft.resident,
            address=visit.address,
            locale=visit.locale,
            round=login.round,
            first=draft.stored is None or draft.stored.round == 0,
        )
