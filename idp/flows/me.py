"""A resident's own pages: what others may know, where one is signed in, what happened."""

from dataclasses import dataclass

from config.runtime.audit.records import AuditEntry
from config.runtime.database.unit import Write
from config.runtime.journal import Fact
from config.settings.localized import localized
from idp.flows.login import LoginFlow
from idp.flows.login_draft import Draft
from idp.flows.login_ground import LoginGround, Visit
from idp.flows.logout import Logout
from idp.protocol.client import Client
from idp.protocol.consent import Consent
from idp.protocol.login import IllegalMove
from idp.protocol.own_pages import OWN_PAGES, own_request
from idp.protocol.session import Session, standing
from idp.residents.port import Resident, State
from idp.stores import unredeemed
from idp.stores.history import WITHDRAWN, Event

RECENTLY = 300
"""Seconds within which a person must have proven themselves to change how they log in."""


@dataclass(frozen=True, slots=True)
class Person:
    """Who reads their own pages, in which session."""

    session: Session
    resident: Resident

    @property
    def stands(self) -> bool:
        """Return whether something that the session rests on is neither locked nor gone."""
        return any(self.resident.may_use(proof.factor) for proof in self.session.proofs)


@dataclass(frozen=True, slots=True)
class Past:
    """A line of the history and its client, None when the client is gone or it was our own page."""

    event: Event
    client: Client | None


@dataclass(frozen=True, slots=True)
class Me:
    """Reading and changing what is one's own."""

    flow: LoginFlow
    logout: Logout

    @property
    def ground(self) -> LoginGround:
        """Return what it stands on."""
        return self.flow.ground

    async def person(self, visit: Visit, now: int, recently: bool) -> Person | None:
        """Return who is signed in in this browser, None when nobody is (or not ``recently``)."""
        if visit.session is None:
            return None
        session = await self.ground.stores.sessions.find(visit.session, visit.browser, now)
        if session is None:
            return None
        resident = await self.ground.residents.get(session.resident_id)
        if resident is None or resident.state is not State.ACTIVE:
            return None
        request = own_request(self.ground.issuer, "", RECENTLY if recently else None)
        held = standing(session, request, now)
        if not any(resident.may_use(proof.factor) for proof in held):
            return None
        return Person(session, resident)

    async def name(self, person: Person, locale: str) -> str:
        """Return what to call the person in a language, or ""."""
        found = await self.ground.residents.attributes(person.resident.id, ("name",))
        names = {attribute.locale: str(attribute.value) for attribute in found}
        return localized(names, (locale,)) or next(iter(names.values()), "")

    async def login(self, visit: Visit, address: str, now: int, recently: bool) -> Draft:
        """Begin a login that ends at ``address``, one of our own."""
        request = own_request(self.ground.issuer, address, RECENTLY if recently else None)
        return await self.flow.begin(request, OWN_PAGES, visit, now)

    async def consents(self, person: Person, now: int) -> list[tuple[Consent, Client]]:
        """Return what the person agreed to, with the clients that there still are."""
        found = []
        for consent in await self.ground.stores.consents.of(person.resident.id, now):
            client = await self.ground.clients.named(consent.client_id)
            if client is not None:
                found.append((consent, client))
        return found

    async def withdraw(self, person: Person, client_id: str, now: int) -> None:
        """Take back what was agreed with one client: its tokens are dead at once.

        Raises IllegalMove when there is no such client.
        """
        if await self.ground.clients.named(client_id) is None:
            raise IllegalMove("there is no such client")
        resident_id, stores = person.resident.id, self.ground.stores
        ended = stores.grants.revoke_consent(resident_id, client_id, now)
        await self.ground.database.submit(
            stores.consents.withdraw(resident_id, client_id),
            *unredeemed.of_consent(resident_id, client_id),
            ended,
            *self.noted(person, "consent.withdrawn", now, client_id=client_id, outcome=WITHDRAWN),
        )
        await self.ground.database.submit(ended)

    async def sessions(self, person: Person, now: int) -> list[Session]:
        """Return where the person is signed in, this browser first."""
        found = await self.ground.stores.sessions.of(person.resident.id, now)
        return sorted(found, key=lambda session: session.id != person.session.id)

    async def end(self, person: Person, session_id: str, now: int) -> None:
        """Sign out of one session. Raises IllegalMove when it is none of the person's."""
        if all(session_id != session.id for session in await self.sessions(person, now)):
            raise IllegalMove("there is no such session")
        await self.logout.end_session(session_id, person.resident.id, now)

    async def end_others(self, person: Person, now: int) -> None:
        """Sign out everywhere but here."""
        ground, kept = self.ground, person.session
        entry = AuditEntry(
            at=now, actor=person.resident.id, action="session.others_ended", about=kept.id
        )
        await ground.database.submit(
            *unredeemed.of_other_sessions(kept),
            ground.stores.grants.revoke_other_sessions(kept, now),
            ground.stores.sessions.end_others(kept, now),
            ground.audit.write(entry),
            ground.journal.write(Fact(name=entry.action, at=now, about=kept.id)),
        )

    async def history(self, person: Person) -> list[Past]:
        """Return what happened in the person's name, the newest first."""
        past = []
        for event in await self.ground.stores.history.of(person.resident.id):
            client = await self.ground.clients.named(event.client_id) if event.client_id else None
            past.append(Past(event, client))
        return past

    def noted(
        self, person: Person, action: str, now: int, *, client_id: str = "", outcome: str
    ) -> tuple[Write, ...]:
        """Return the writes that record what the person did themselves."""
        ground = self.ground
        event = Event(
            id=ground.entropy.token(16),
            issuer=ground.issuer,
            resident_id=person.resident.id,
            at=now,
            client_id=client_id,
            factors=(),
            outcome=outcome,
        )
        about = client_id or person.session.id
        entry = AuditEntry(at=now, actor=person.resident.id, action=action, about=about)
        return (
            ground.stores.history.add(event),
            ground.audit.write(entry),
            ground.journal.write(Fact(name=action, at=now, about=about)),
        )
