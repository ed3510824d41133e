"""Forgetting a person who was erased from the ID store: what clients and pages knew of them."""

from sqlalchemy import bindparam, delete

from config.runtime.database.unit import Statement, Write
from idp.stores.login_tables import consent, history, session, subject
from idp.stores.oauth_tables import code, decoupled, device_secret, grant

_FORGET = tuple(
    Statement(delete(table).where(table.c.resident_id == bindparam("resident_id")))
    for table in (session, consent, subject, history, code, grant, decoupled, device_secret)
)


def forget(resident_id: str) -> tuple[Write, ...]:
    """Return the writes that remove sessions, consents, subjects, history, codes, grants and
    requests of a person.

    Tokens of a grant that is gone are dead at once; its refresh tokens leave when they expire.
    """
    return tuple(Write(one, {"resident_id": resident_id}, rows=None) for one in _FORGET)
