"""The moves that end a login: the person is known; the client gets its answer."""

from dataclasses import dataclass, replace

from msgspec import structs

from config.runtime.audit.records import AuditEntry
from config.runtime.database.unit import Write
from config.runtime.journal import Fact
from idp.flows.login_approvals import change_of, outcome_of, signature_of
from idp.flows.login_draft import Draft
from idp.flows.login_ground import LoginGround, digest
from idp.flows.login_subjects import subject_of
from idp.protocol.acr import methods
from idp.protocol.authorization import AuthorizationRequest, Reply
from idp.protocol.decoupled import Decoupled
from idp.protocol.errors import AccessDenied, OAuthError
from idp.protocol.grant import Authorization, Confirmation, IssuedCode
from idp.protocol.grant_management import check_owner
from idp.protocol.login import IllegalMove, Login, Standing
from idp.protocol.next_step import Facts, proven, wanted
from idp.protocol.own_pages import is_own
from idp.protocol.response_types import words
from idp.protocol.session import Proof, Session, authenticated_at, joined
from idp.protocol.signing import APPROVED_ONCE
from idp.stores.history import Event


def authenticated(ground: LoginGround, draft: Draft, facts: Facts) -> Draft:
    """Enough was proven: the login rests on a session, which is new if anything was proven now."""
    held = proven(draft.login, facts)
    login = draft.login
    if login.proofs or draft.session is None:
        draft, held = _with_session(ground, draft, facts)
    elif not login.claimed:
        login = login.claim(draft.session.resident_id)
    assert draft.session is not None
    names = tuple(proof.factor for proof in held)
    reached = Standing(
        names,
        ground.ladder.achieved(wanted(login.request), names),
        methods(names, {name: factor.amr for name, factor in ground.factors.items()}),
    )
    return draft.moved(login.authenticate(draft.session.id, authenticated_at(held), reached))


async def check_grant(ground: LoginGround, draft: Draft, now: int) -> None:
    """Raise InvalidGrantId unless the grant to be amended is this person's with this client."""
    login = draft.login
    if login.request.grant_id is not None:
        grant = await ground.stores.grants.find(login.request.grant_id)
        check_owner(grant, draft.client.client_id, login.resident_id, now)


def _with_session(
    ground: LoginGround, draft: Draft, facts: Facts
) -> tuple[Draft, tuple[Proof, ...]]:
    """Put what was proven into a session behind a new cookie (against session fixation)."""
    login, before, now = draft.login, draft.session, facts.now
    assert login.resident_id is not None
    kept = [proof for proof in proven(login, facts) if proof not in login.proofs]
    held = joined(kept, login.proofs, now)
    cookie = ground.entropy.token()
    ends = now + ground.lifetimes.session
    writes: list[Write] = []
    if before is not None and before.resident_id == login.resident_id:
        session = replace(before.renewed(digest(cookie), held, ends), browser=draft.visit.browser)
        writes.append(ground.stores.sessions.renew(before, session))
    else:
        session = Session(
            id=ground.entropy.token(16),
            issuer=ground.issuer,
            digest=digest(cookie),
            browser=draft.visit.browser,
            resident_id=login.resident_id,
            proofs=held,
            begun_at=now,
            expires_at=ends,
            csrf=ground.entropy.token(16),
        )
        writes.append(ground.stores.sessions.add(session))
        if before is not None:
            writes.append(ground.stores.sessions.end(before.id, before.resident_id, now))
    if login.found_by:
        writes.append(ground.residents.use(login.found_by, now))
    fact = Fact(
        name="login.succeeded",
        at=now,
        about=login.id,
        details={"client": draft.client.client_id, "factors": " ".join(p.factor for p in held)},
    )
    who = login.resident_id
    draft = structs.replace(draft, session=session, session_cookie=cookie, device_of=who)
    return draft.moved(login, *writes, ground.journal.write(fact)), held


async def answered(ground: LoginGround, draft: Draft, now: int) -> Draft:
    """Everything was agreed: a code for the client, or the resident's own page."""
    login = draft.login
    assert login.resident_id is not None
    recorded = ended(ground, draft, outcome_of(login), now)
    if is_own(draft.client.client_id):
        reply = Reply(uri=login.request.reply_to.uri, mode="query", fields=())
        return structs.replace(draft.moved(login.issue(), recorded), reply=reply)
    subject, kept = draft.subject, None
    if subject is None:
        subject, kept = await subject_of(ground, draft.client, login.resident_id)
    authorization = _authorization(ground, login, subject)
    if login.request.decoupled is not None:
        outcome = await _approved(ground, draft, authorization, now)
    else:
        outcome = await _issued(ground, draft, authorization, now)
    details = {"client": draft.client.client_id, "session": authorization.session_id}
    entry = AuditEntry(
        at=now,
        actor=login.resident_id,
        action=outcome.action,
        about=authorization.grant_id,
        details=details,
    )
    fact = Fact(name=entry.action, at=now, about=entry.about, details=details)
    writes = (
        *outcome.writes,
        *_used(ground, login.request, now),
        recorded,
        ground.audit.write(entry),
        ground.journal.write(fact),
    )
    draft = draft.moved(login.issue(), *writes, *((kept,) if kept else ()))
    sealed = await ground.signing.sealed(outcome.reply, draft.client, now)
    return structs.replace(draft, reply=sealed)


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What is recorded, the answer, and the writes that make it true."""

    action: str
    reply: Reply
    writes: tuple[Write, ...]


async def rejected(ground: LoginGround, draft: Draft, refusal: OAuthError, now: int) -> Draft:
    """The client is told why nothing comes of it (RFC 6749 §4.1.2.1)."""
    login = draft.login.refuse()
    writes: list[Write] = []
    if login.request.decoupled is not None:
        writes += await denied(ground, draft, refusal)
    fact = Fact(
        name="login.refused",
        at=now,
        about=login.id,
        details={"client": draft.client.client_id, "error": refusal.code},
    )
    writes.append(ground.journal.write(fact))
    reply = login.request.reply_to.refuse(refusal)
    sealed = await ground.signing.sealed(reply, draft.client, now)
    return structs.replace(draft.moved(login, *writes), reply=sealed, step=None)


async def _issued(
    ground: LoginGround, draft: Draft, authorization: Authorization, now: int
) -> _Outcome:
    """Return the answer with a code, with tokens, or with both."""
    request, client = draft.login.request, draft.client
    fields: tuple[tuple[str, str], ...] = ()
    writes: tuple[Write, ...] = ()
    if has_code := "code" in words(request.response_type):
        code = ground.entropy.token()
        issued = IssuedCode(
            digest=digest(code),
            authorization=authorization,
            redirect_uri=request.reply_to.uri,
            code_challenge=request.code_challenge,
            expires_at=now + ground.lifetimes.code,
        )
        fields, writes = (("code", code),), (ground.stores.codes.insert(issued),)
    fronted = await ground.front.made(request, authorization, client, now)
    fields = (*fields, *fronted.fields)
    fields = await ground.front.proven(request, authorization, client, fields, now)
    action = "code.issued" if has_code else "tokens.issued"
    return _Outcome(action, request.reply_to.accept(*fields), (*writes, *fronted.writes))


def _used(ground: LoginGround, request: AuthorizationRequest, now: int) -> tuple[Write, ...]:
    """Return the write that uses up the pushed request that this is, if it was pushed."""
    return () if request.pushed is None else (ground.stores.pushed.use(request.pushed, now),)


async def is_spent(ground: LoginGround, request: AuthorizationRequest, now: int) -> bool:
    """Return whether the pushed request was answered already, from another window, or is over."""
    if request.pushed is None:
        return False
    return not await ground.stores.pushed.is_usable(request.pushed, now)


async def _approved(
    ground: LoginGround, draft: Draft, authorization: Authorization, now: int
) -> _Outcome:
    """Return the same for a request that waits on another device: that is approved now."""
    request = draft.login.request
    waiting = await _waiting(ground, request)
    approved = waiting.approve(authorization, now)
    told = await ground.notices.approved(approved, draft.client, now)
    write = ground.stores.decoupled.move(waiting, told.request)
    reply = Reply(uri=request.reply_to.uri, mode="query", fields=())
    return _Outcome("request.approved", reply, (write, *told.writes))


async def denied(ground: LoginGround, draft: Draft, refusal: OAuthError) -> tuple[Write, ...]:
    """Return the writes that tell the device that waits that nothing came of it.

    Where a person is named, nobody else who fails to be that person ends it: it waits on.
    """
    waiting = await _waiting(ground, draft.login.request)
    named = waiting.resident_id
    if named not in (None, draft.login.resident_id) and not isinstance(refusal, AccessDenied):
        return ()
    told = await ground.notices.denied(waiting, draft.client)
    return (ground.stores.decoupled.move(waiting, waiting.deny()), *told)


async def _waiting(ground: LoginGround, request: AuthorizationRequest) -> Decoupled:
    assert request.decoupled is not None
    waiting = await ground.stores.decoupled.find(request.decoupled)
    if waiting is None:  # pruned: it expired long ago
        raise IllegalMove("the request of the other device is over")
    return waiting


def ended(ground: LoginGround, draft: Draft, outcome: str, now: int) -> Write:
    """Return the write that tells the resident how a login in their name ended."""
    assert draft.login.resident_id is not None
    event = Event(
        id=ground.entropy.token(16),
        issuer=ground.issuer,
        resident_id=draft.login.resident_id,
        at=now,
        client_id=draft.client.client_id,
        factors=draft.login.factors,
        outcome=outcome,
    )
    return ground.stores.history.add(event)


def _authorization(ground: LoginGround, login: Login, subject: str) -> Authorization:
    assert login.resident_id is not None
    assert login.session_id is not None
    assert login.auth_time is not None
    request = login.request
    return Authorization(
        grant_id=request.grant_id or ground.entropy.token(16),
        grant_action=request.grant_action,
        issuer=ground.issuer,
        client_id=request.client_id,
        resident_id=login.resident_id,
        subject=subject,
        scope=login.granted_scope,
        claims=request.claims,
        granted_claims=login.granted_claims,
        claims_locales=request.claims_locales,
        session_id=login.session_id,
        auth_time=login.auth_time,
        acr=login.acr,
        amr=login.amr,
        nonce=request.nonce,
        auth_time_asked=request.auth_time_asked,
        resources=request.resources,
        details=tuple(one for one in request.details if one["type"] not in APPROVED_ONCE),
        signature=signature_of(login),
        change=change_of(login),
        bound_to=None if request.dpop_jkt is None else Confirmation(jkt=request.dpop_jkt),
    )
