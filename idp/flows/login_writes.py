"""The writes that keep a login: a new one, or one that moved on."""

from config.runtime.database.unit import Write
from idp.flows.login_draft import Draft
from idp.flows.login_ground import LoginGround
from idp.protocol.login import Login


def added(ground: LoginGround, login: Login) -> tuple[Write, ...]:
    """Return the writes that keep a new login; the pushed request that it is was opened."""
    kept = ground.stores.logins.add(login)
    if login.request.pushed is None:
        return (kept,)
    return (kept, ground.stores.pushed.open(login.request.pushed))


def moves(ground: LoginGround, draft: Draft) -> tuple[Write, ...]:
    """Return the writes of everything that the draft changes."""
    if draft.stored is None:
        return draft.writes if draft.login.is_over else (*added(ground, draft.login), *draft.writes)
    if draft.stored.revision != draft.login.revision:
        return (ground.stores.logins.move(draft.stored, draft.login), *draft.writes)
    return draft.writes
