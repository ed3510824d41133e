"""Driving a login from authorization request to answer: load, decide, act, and write once.

Decisions are in ``idp.protocol.next_step``; this module fetches what they need and does what they
say. Everything that one request changes is one unit.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from msgspec import structs

from config.runtime.database.unit import Refused
from idp.flows.consent_wish import asks_everything, tellable, wish_of
from idp.flows.login_draft import Draft
from idp.flows.login_ending import (
    answered,
    authenticated,
    check_grant,
    ended,
    is_spent,
    rejected,
)
from idp.flows.login_ground import LoginGround, Visit
from idp.flows.login_subjects import sector_of, subject_of
from idp.flows.login_writes import added, moves
from idp.protocol.authorization import AuthorizationRequest
from idp.protocol.client import Client
from idp.protocol.consent import Wish, covers, remembered
from idp.protocol.errors import AccessDenied, InvalidRequestUri, OAuthError
from idp.protocol.login import UNBOUND, IllegalMove, Login, Stage
from idp.protocol.next_step import Facts, Step, demanded_subjects, factor_choices, next_step, proven
from idp.protocol.own_pages import OWN_PAGES, is_own
from idp.protocol.session import Proof
from idp.residents.port import NOBODY, Resident
from idp.stores.history import REFUSED

Writing = Callable[[Draft], Awaitable[Draft]]
"""Writes a draft as one unit, or raises Refused."""


class UnknownLogin(Exception):
    """There is no such login, or it was begun in another browser."""


class ExpiredLogin(Exception):
    """The login of this browser took too long; ``draft`` is what it was."""

    def __init__(self, draft: Draft) -> None:
        super().__init__("expired")
        self.draft = draft


@dataclass(frozen=True, slots=True)
class LoginFlow:
    """The dispatcher of logins: every step comes back to ``advance``."""

    ground: LoginGround

    def new(
        self, request: AuthorizationRequest, browser: bytes, now: int, until: int | None = None
    ) -> Login:
        """Return a login that is not stored yet. Its id is a capability of 256 bits."""
        entropy, ends = self.ground.entropy, now + self.ground.lifetimes.login
        return Login(
            id=entropy.token(),
            issuer=self.ground.issuer,
            browser=browser,
            request=request,
            csrf=entropy.token(16),
            begun_at=now,
            expires_at=ends if until is None else min(ends, until),
        )

    async def begin(
        self,
        request: AuthorizationRequest,
        client: Client,
        visit: Visit,
        now: int,
        until: int | None = None,
    ) -> Draft:
        """Begin a login in this browser and take it as far as it goes without the person.

        A login that needs nobody (single sign-on, a silent refusal) is never stored. It ends
        ``until`` then at the latest: when another device waits no longer.
        """
        login = self.new(request, visit.browser, now, until)
        session = None
        if visit.session is not None:
            session = await self.ground.stores.sessions.find(visit.session, visit.browser, now)
        draft = Draft(visit=visit, client=client, stored=None, login=login, session=session)
        draft = await self._known(draft)
        if draft.session is None and not request.is_silent:
            await self.ground.pace.begin(visit.address, now)
        return await self.advance(draft, now)

    async def keep(self, request: AuthorizationRequest, address: str, now: int) -> Login:
        """Store a request that came as a POST, without cookies, for the browser that comes next."""
        login = self.new(request, UNBOUND, now)
        await self.ground.pace.begin(address, now)
        await self.ground.database.submit(*added(self.ground, login))
        return login

    async def adopt(self, login_id: str, visit: Visit, now: int) -> Draft:
        """Bind a kept login to the browser that was sent to it, once; then go on."""
        draft = await self._draft(login_id, visit, now)
        if draft.login.browser == UNBOUND:
            draft = draft.moved(draft.login.bind(visit.browser))
        return await self.advance(draft, now)

    async def resume(self, login_id: str, visit: Visit, now: int) -> Draft:
        """Return the login as it stands, for the browser that began it.

        Raises UnknownLogin or ExpiredLogin.
        """
        draft = await self._draft(login_id, visit, now)
        if draft.login.browser == UNBOUND:
            raise UnknownLogin
        return draft

    async def advance(self, draft: Draft, now: int, write: Writing | None = None) -> Draft:
        """Take the login on until a page or an answer is due, and write all of it as one unit.

        ``write`` writes in place of ``self.write``. Raises IllegalMove when another request moved
        the login meanwhile, and Refused when one of the draft's own writes was refused.
        """
        write = write or self.write
        try:
            return await write(await self.onward(draft, now))
        except Refused as refused:
            if refused.write in draft.writes:
                raise
        # A subject made by two requests at once is refused to the second: it reads the first's.
        try:
            if await is_spent(self.ground, draft.login.request, now):
                spent = InvalidRequestUri("request_uri was used meanwhile, or is over")
                return await write(await rejected(self.ground, draft, spent, now))
            return await write(await self.onward(draft, now))
        except Refused as refused:
            if refused.write in draft.writes:
                raise
            raise IllegalMove("the login was moved meanwhile") from None

    async def cancel(self, draft: Draft, now: int) -> Draft:
        """The person does not want to: the client is told (RFC 6749 §4.1.2.1)."""
        refused = await rejected(self.ground, draft, AccessDenied("the person did not agree"), now)
        if draft.login.stage is Stage.PENDING:  # nobody is known: it is nobody's history
            return await self.write(refused)
        event = ended(self.ground, draft, REFUSED, now)
        return await self.write(refused.moved(refused.login, event))

    async def facts(self, draft: Draft, now: int) -> Facts:
        """Return what the next decision rests on."""
        login, session = draft.login, draft.session
        resident_id = login.resident_id or (session.resident_id if session else None)
        facts = Facts(
            now=now, ladder=self.ground.ladder, session=session, consented=draft.consented
        )
        if resident_id is not None and demanded_subjects(login.request) is not None:
            subject, _ = await subject_of(self.ground, draft.client, resident_id)
            facts = replace(facts, subject=subject)
        if draft.resident is not None and proven(login, facts):
            usable = [name for name in self.ground.factors if draft.resident.may_use(name)]
            facts = replace(facts, usable=usable)
        return facts

    async def named(self, draft: Draft) -> Draft:
        """Load whom the login names, if it names anybody; nobody costs as much as somebody."""
        if not draft.login.claimed or draft.resident is not None:
            return draft
        resident = await self.ground.residents.described(draft.login.resident_id or NOBODY)
        return structs.replace(draft, resident=resident)

    async def _draft(self, login_id: str, visit: Visit, now: int) -> Draft:
        """Load the login of this browser, or one that no browser has yet."""
        stores, session = self.ground.stores, None
        if visit.session is None:
            login = await stores.logins.find(login_id)
        else:
            login, session = await stores.sessions.with_login(
                login_id, visit.session, visit.browser, now
            )
        if login is None or login.browser not in (UNBOUND, visit.browser):
            raise UnknownLogin
        if is_own(login.request.client_id):
            client: Client | None = OWN_PAGES
        else:
            client = await self.ground.clients.find(login.request.client_id)
        if client is None or login.issuer != self.ground.issuer:  # removed meanwhile
            raise UnknownLogin
        draft = Draft(visit=visit, client=client, stored=login, login=login, session=session)
        if now >= login.expires_at:
            raise ExpiredLogin(draft)
        return await self._decided(await self._known(draft), now)

    async def _known(self, draft: Draft) -> Draft:
        """Load who is known already: in the session of this browser, or in this login.

        A session counts only while its resident is active, and what was locked since counts no
        more: locks win over everything. Who was only named is not asked about yet: see ``named``.
        """
        login, session = draft.login, draft.session
        if session is not None:
            holder = await self.ground.residents.described(session.resident_id)
            left = _unlocked(session.proofs, holder) if holder is not None else ()
            same = not login.claimed or login.resident_id == session.resident_id
            draft = structs.replace(
                draft,
                session=replace(session, proofs=left) if left else None,
                resident=holder if same else None,
            )
        return await self.named(draft) if login.proofs else draft

    async def _decided(self, draft: Draft, now: int) -> Draft:
        """Load what the person, who is known now, decided about this client before."""
        request, client = draft.login.request, draft.client
        if draft.login.stage is not Stage.AUTHENTICATED:
            return draft
        wish = wish_of(request, client)
        draft = structs.replace(draft, wish=wish)
        if is_own(client.client_id) or wish.asks_nothing:
            return structs.replace(draft, consented=True)
        if asks_everything(request):
            return draft
        draft = await self.before(draft)
        covered = draft.decided is not None and (
            covers(draft.decided, wish, now)
            or covers(draft.decided, await self.tellable(draft), now)
        )
        return structs.replace(draft, consented=covered)

    async def before(self, draft: Draft) -> Draft:
        """Read what the person decided about this client before, and what it calls them."""
        decided, subject = await self.ground.stores.consents.with_subject(
            draft.login.resident_id or NOBODY,
            draft.client.client_id,
            self.ground.issuer,
            sector_of(self.ground, draft.client),
        )
        return structs.replace(draft, decided=decided, subject=subject)

    async def tellable(self, draft: Draft) -> Wish:
        """Return what the request wishes to know that the ID store can tell of the person."""
        assert draft.wish is not None
        resident = draft.resident
        if resident is None or resident.claims is None:
            resident = await self.ground.residents.described(draft.login.resident_id or NOBODY)
        return tellable(draft.wish, (resident and resident.claims) or frozenset())

    async def step(self, draft: Draft, now: int) -> Step | None:
        """Return what is due; None when the client is to be told why nothing can be."""
        try:
            return next_step(draft.login, await self.facts(draft, now))
        except OAuthError:
            return None

    async def onward(self, draft: Draft, now: int) -> Draft:
        """Take the login on until a page or an answer is due, and write nothing."""
        try:
            while not draft.is_done:
                draft = await self._next(draft, now)
        except OAuthError as refusal:
            return await rejected(self.ground, draft, refusal, now)
        return draft

    async def _next(self, draft: Draft, now: int) -> Draft:
        facts = await self.facts(draft, now)
        step = next_step(draft.login, facts)
        match step:
            case Step.AUTHENTICATE:
                draft = authenticated(self.ground, draft, facts)
                await check_grant(self.ground, draft, now)
                return await self._decided(draft, now)
            case Step.REMEMBER:
                assert draft.wish is not None
                agreed = remembered(draft.decided, draft.wish)
                return draft.moved(draft.login.consent(*agreed))
            case Step.ISSUE:
                return await answered(self.ground, draft, now)
            case Step.PROVE if draft.asks and draft.login.claimed and not draft.login.factor:
                first, *_ = factor_choices(draft.login, facts)
                draft = draft.moved(draft.login.ask(first))
        return structs.replace(draft, step=step)

    async def write(self, draft: Draft) -> Draft:
        """Write what the draft changes as one unit; or raise Refused."""
        if writes := moves(self.ground, draft):
            await self.ground.database.submit(*writes)
        return draft.written()


def _unlocked(proofs: tuple[Proof, ...], resident: Resident) -> tuple[Proof, ...]:
    return tuple(proof for proof in proofs if resident.may_use(proof.factor))
