"""Logins in progress: kept whole, moved by compare-and-swap."""

from dataclasses import replace

import msgspec
from sqlalchemy import and_, bindparam, select, update

from config.runtime.database.statements import insert_new, prune
from config.runtime.database.unit import Database, Row, Statement, Write
from idp.protocol.login import Login
from idp.stores.login_tables import login as table

_ADD = insert_new(table)
_FIND = Statement(select(table.c.state).where(table.c.id == bindparam("id")))
_MOVE = Statement(
    update(table)
    .where(and_(table.c.id == bindparam("login_id"), table.c.revision == bindparam("before")))
    .values(revision=bindparam("after"), state=bindparam("state"))
)
_PRUNE = prune(table, "id", "expires_at")
_decoder = msgspec.json.Decoder(Login)


class Logins:
    """Every login until it is pruned. What a person typed (login_hint) is not kept."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, login_id: str) -> Login | None:
        """Return the login, expired or not; None when there is none."""
        row = await self._database.row(_FIND, id=login_id)
        return None if row is None else login_of(row)

    def add(self, login: Login) -> Write:
        """Return the write that keeps a new login."""
        return Write(
            _ADD,
            {
                "id": login.id,
                "revision": login.revision,
                "state": _state(login),
                "expires_at": login.expires_at,
            },
        )

    def move(self, before: Login, after: Login) -> Write:
        """Return the write that replaces ``before``; Refused when it was moved meanwhile."""
        return Write(
            _MOVE,
            {
                "login_id": before.id,
                "before": before.revision,
                "after": after.revision,
                "state": _state(after),
            },
        )

    def prune(self, now: int, limit: int) -> Write:
        """Return the write that removes at most ``limit`` logins that expired."""
        return Write(_PRUNE, {"now": now, "limit": limit}, rows=None)


def login_of(row: Row) -> Login:
    """Return the login that a row of the table holds."""
    return _decoder.decode(row["state"])


def _state(login: Login) -> bytes:
    # login_hint may be a telephone number: a copy of the database must not tell it
    if login.request.login_hint is not None:
        request = replace(login.request, login_hint=None)
        login = msgspec.structs.replace(login, request=request)
    return msgspec.json.encode(login)
