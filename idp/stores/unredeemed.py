"""What a person agreed to and no client collected yet: codes, and approvals of other devices.

Whoever takes an agreement back must end these too, or tokens come of it afterwards. A redemption
that is on its way at that very moment is waited for here, and the unit does not see the grant that
it makes: so grants are ended once more in a unit of their own that follows.
"""

from sqlalchemy import ColumnElement, Table, bindparam, delete, select

from config.runtime.database.unit import Statement, Value, Write
from idp.protocol.session import Session
from idp.stores.login_tables import session
from idp.stores.oauth_tables import code, decoupled

_OTHERS = select(session.c.id).where(
    session.c.resident_id == bindparam("resident"),
    session.c.issuer == bindparam("at_issuer"),
    session.c.id != bindparam("kept"),
)


def _end(table: Table, *where: ColumnElement[bool]) -> Statement:
    return Statement(delete(table).where(table.c.resident_id == bindparam("resident"), *where))


_UNUSED = code.c.used_at.is_(None)  # a tombstone stays: it revokes what it produced
_IN_SESSION = (_UNUSED, code.c.offline == 0)
_OF_CONSENT = (
    _end(code, code.c.client_id == bindparam("client"), _UNUSED),
    _end(decoupled, decoupled.c.client_id == bindparam("client")),
)
_AT_ISSUER = (
    _end(code, code.c.issuer == bindparam("at_issuer"), _UNUSED),
    _end(decoupled, decoupled.c.issuer == bindparam("at_issuer")),
)
_OF_SESSION = _end(code, code.c.session_id == bindparam("session"), *_IN_SESSION)
_OF_OTHERS = _end(code, code.c.session_id.in_(_OTHERS.scalar_subquery()), *_IN_SESSION)


def of_consent(resident_id: str, client_id: str) -> tuple[Write, ...]:
    """Return the writes that end what a person agreed to with one client."""
    return _each(_OF_CONSENT, {"resident": resident_id, "client": client_id})


def at_issuer(resident_id: str, issuer: str) -> tuple[Write, ...]:
    """Return the writes that end what a person agreed to at one issuer."""
    return _each(_AT_ISSUER, {"resident": resident_id, "at_issuer": issuer})


def of_session(session_id: str, resident_id: str) -> tuple[Write, ...]:
    """Return the writes that end the codes of a session, save what may outlive it.

    Approvals of other devices look at their session when they are collected.
    """
    return _each((_OF_SESSION,), {"resident": resident_id, "session": session_id})


def of_other_sessions(kept: Session) -> tuple[Write, ...]:
    """Return the writes that end the codes of the resident's sessions but ``kept``."""
    values = {"resident": kept.resident_id, "at_issuer": kept.issuer, "kept": kept.id}
    return _each((_OF_OTHERS,), values)


def _each(statements: tuple[Statement, ...], values: dict[str, str]) -> tuple[Write, ...]:
    given: dict[str, Value] = {**values}
    return tuple(Write(statement, given, rows=None) for statement in statements)
