"""Ending a session: what it produced ends with it, save what may outlive it."""

from dataclasses import dataclass

from config.runtime.audit.records import AuditEntry
from config.runtime.journal import Fact
from idp.flows.issuer_keys import IssuerKeys
from idp.flows.login_ground import LoginGround, Visit
from idp.flows.login_subjects import subject_of
from idp.protocol.authorization import VerifiedHint
from idp.protocol.client import Client
from idp.protocol.errors import InvalidRequest
from idp.protocol.logout import AfterLogout, client_of
from idp.protocol.parameters import Parameters
from idp.protocol.session import Session
from idp.protocol.tokens import session_identifier
from idp.stores import unredeemed


@dataclass(frozen=True, slots=True, kw_only=True)
class LogoutWish:
    """What is to happen: ``certain`` when the client's hint speaks of this very session.

    ``then`` is where the browser goes afterwards, None for a page of ours.
    """

    session: Session | None
    client: Client | None
    certain: bool
    then: AfterLogout | None


@dataclass(frozen=True, slots=True)
class Logout:
    """Logging out of one issuer."""

    ground: LoginGround
    keys: IssuerKeys

    async def wish(self, asked: Parameters, visit: Visit, now: int) -> LogoutWish:
        """Judge what is asked for. Raises InvalidRequest when client_id and hint disagree.

        A hint that is no ID token of ours counts as none: the person is asked (§2).
        """
        hint = await self._hint(asked)
        client_id = client_of(asked, hint)
        client = await self.ground.clients.find(client_id) if client_id else None
        session = None
        if visit.session is not None:
            session = await self.ground.stores.sessions.find(visit.session, visit.browser, now)
        return LogoutWish(
            session=session,
            client=client,
            certain=await self._speaks_of(hint, client, session),
            then=AfterLogout.proven(asked, client, hint),
        )

    async def end(self, session: Session, now: int) -> None:
        """End the session and what rests on it, as one unit."""
        await self.end_session(session.id, session.resident_id, now)

    async def end_session(self, session_id: str, resident_id: str, now: int) -> None:
        """End a session of this resident and what rests on it."""
        ground = self.ground
        ended = ground.stores.grants.revoke_session(session_id, resident_id, now)
        entry = AuditEntry(at=now, actor=resident_id, action="session.ended", about=session_id)
        await ground.database.submit(
            ground.stores.sessions.end(session_id, resident_id, now),
            *unredeemed.of_session(session_id, resident_id),
            ended,
            ground.audit.write(entry),
            ground.journal.write(Fact(name=entry.action, at=now, about=session_id)),
        )
        await ground.database.submit(ended)

    async def _hint(self, asked: Parameters) -> VerifiedHint | None:
        if "id_token_hint" not in asked:
            return None
        try:
            return await self.keys.hint(asked["id_token_hint"])
        except InvalidRequest:
            return None

    async def _speaks_of(
        self, hint: VerifiedHint | None, client: Client | None, session: Session | None
    ) -> bool:
        if hint is None or client is None or session is None:
            return False
        if hint.session != session_identifier(session.id, client.client_id):
            return False
        subject, _ = await subject_of(self.ground, client, session.resident_id)
        return hint.subject == subject
