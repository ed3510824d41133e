"""Grants: what residents allowed clients, as long as it holds."""

from typing import Any

import msgspec
from sqlalchemy import ColumnElement, bindparam, func, select, update

from config.runtime.database.statements import insert_new, prune
from config.runtime.database.unit import Database, Row, Statement, Value, Write
from idp.protocol.grant import MOST_ANCESTORS, Authorization, Grant
from idp.protocol.session import Session
from idp.stores.login_tables import session
from idp.stores.oauth_tables import grant as table

_COLUMNS = (
    table.c.authorization,
    table.c.created_at,
    table.c.updated_at,
    table.c.narrowed_at,
    table.c.revision,
    table.c.expires_at,
    table.c.revoked_at,
)
_FIND = Statement(select(*_COLUMNS).where(table.c.grant_id == bindparam("grant_id")))
_OWNER = Statement(
    select(table.c.resident_id, table.c.ancestors, table.c.created_at).where(
        table.c.grant_id == bindparam("grant_id"),
        table.c.revoked_at.is_(None),
        table.c.expires_at > bindparam("now"),
        table.c.narrowed_at <= bindparam("issued_at"),
    )
)
_STANDING = Statement(
    select(func.count()).where(
        table.c.grant_id.in_([bindparam(f"ancestor_{n}") for n in range(MOST_ANCESTORS)]),
        table.c.revoked_at.is_(None),
        table.c.expires_at > bindparam("now"),
        table.c.narrowed_at <= bindparam("since"),
    )
)
_OF_RESIDENT = Statement(
    select(*_COLUMNS)
    .where(
        table.c.resident_id == bindparam("resident_id"),
        table.c.revoked_at.is_(None),
        table.c.expires_at > bindparam("now"),
    )
    .order_by(table.c.created_at.desc(), table.c.grant_id)
)
_INSERT = insert_new(table)
_AMEND = Statement(
    update(table)
    .where(
        table.c.grant_id == bindparam("grant"),
        table.c.revision == bindparam("before"),
        table.c.revoked_at.is_(None),
    )
    .values(
        session_id=bindparam("session"),
        offline=bindparam("is_offline"),
        authorization=bindparam("allowed"),
        updated_at=bindparam("now"),
        narrowed_at=bindparam("narrowed"),
        revision=bindparam("after"),
        expires_at=bindparam("until"),
    )
)


def _revoke(*conditions: ColumnElement[bool]) -> Statement:
    return Statement(
        update(table)
        .where(*conditions, table.c.revoked_at.is_(None))
        .values(revoked_at=bindparam("now"))
    )


_REVOKE = _revoke(table.c.grant_id == bindparam("grant"))
_REVOKE_CLIENT = _revoke(table.c.client_id == bindparam("client"))
_REVOKE_AT_ISSUER = _revoke(
    table.c.resident_id == bindparam("resident"), table.c.issuer == bindparam("at_issuer")
)
_REVOKE_CONSENT = _revoke(
    table.c.resident_id == bindparam("resident"), table.c.client_id == bindparam("client")
)
_REVOKE_SESSION = _revoke(
    table.c.session_id == bindparam("session"),
    table.c.resident_id == bindparam("resident"),
    table.c.offline == 0,
)
_others = select(session.c.id).where(
    session.c.resident_id == bindparam("resident"),
    session.c.issuer == bindparam("issuer"),
    session.c.id != bindparam("kept"),
)
_REVOKE_OTHER_SESSIONS = _revoke(
    table.c.session_id.in_(_others.scalar_subquery()), table.c.offline == 0
)
_PRUNE = prune(table, "grant_id", "expires_at")
_AUTHORIZATION = msgspec.json.Decoder(Authorization)


class Grants:
    """Grants by their identifier. Each ``revoke`` touches any number of rows."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, grant_id: str) -> Grant | None:
        """Return the grant, revoked or not, or None."""
        row = await self._database.row(_FIND, grant_id=grant_id)
        return None if row is None else grant_of(row)

    async def owner(self, grant_id: str, issued_at: int, now: int) -> str | None:
        """Return whose the grant is ("": no person's), if a token of then is still good, else None.

        The cheapest look at it.
        """
        row = await self._database.row(_OWNER, grant_id=grant_id, issued_at=issued_at, now=now)
        if row is None:
            return None
        ancestors = tuple((row["ancestors"] or "").split())
        return row["resident_id"] if await self._stand(ancestors, row["created_at"], now) else None

    async def lives(self, grant: Grant, now: int) -> bool:
        """Return whether the grant, and every one that it was exchanged from, is worth anything."""
        ancestors = grant.authorization.ancestors
        return grant.is_live(now) and await self._stand(ancestors, grant.created_at, now)

    async def _stand(self, ancestors: tuple[str, ...], since: int, now: int) -> bool:
        """Return whether all of ``ancestors`` live, and allow what they did ``since`` then."""
        if not ancestors:
            return True
        padded = (*ancestors, *[ancestors[0]] * (MOST_ANCESTORS - len(ancestors)))
        named = {f"ancestor_{n}": ancestor for n, ancestor in enumerate(padded)}
        row = await self._database.row(_STANDING, now=now, since=since, **named)
        return row is not None and row[0] == len(set(ancestors))

    async def of_resident(self, resident_id: str, now: int) -> list[Grant]:
        """Return what this person's grants that live are, the newest first."""
        rows = await self._database.rows(_OF_RESIDENT, resident_id=resident_id, now=now)
        return [grant_of(row) for row in rows]

    def insert(self, grant: Grant) -> Write:
        """Return the write that remembers a new grant."""
        authorization = grant.authorization
        return Write(
            _INSERT,
            {
                "grant_id": authorization.grant_id,
                "issuer": authorization.issuer,
                "client_id": authorization.client_id,
                "resident_id": authorization.resident_id,
                "session_id": authorization.session_id,
                "offline": int(authorization.is_offline),
                "authorization": msgspec.json.encode(authorization),
                "ancestors": " ".join(authorization.ancestors) or None,
                "created_at": grant.created_at,
                "updated_at": grant.updated_at,
                "narrowed_at": grant.narrowed_at,
                "revision": grant.revision,
                "expires_at": grant.expires_at,
                "revoked_at": grant.revoked_at,
            },
        )

    def amend(self, before: Grant, after: Grant) -> Write:
        """Return the write that puts ``after`` in its place; Refused when it changed meanwhile."""
        authorization = after.authorization
        return Write(
            _AMEND,
            {
                "grant": authorization.grant_id,
                "before": before.revision,
                "session": authorization.session_id,
                "is_offline": int(authorization.is_offline),
                "allowed": msgspec.json.encode(authorization),
                "now": after.updated_at,
                "narrowed": after.narrowed_at,
                "after": after.revision,
                "until": after.expires_at,
            },
        )

    def revoke(self, grant_id: str, now: int) -> Write:
        """Return the write that ends one grant, unless it ended before."""
        return _any(_REVOKE, {"grant": grant_id, "now": now})

    def end(self, grant_id: str, now: int) -> Write:
        """Return the write that ends one grant; Refused when it ended before."""
        return Write(_REVOKE, {"grant": grant_id, "now": now})

    def revoke_client(self, client_id: str, now: int) -> Write:
        """Return the write that ends every grant of a client."""
        return _any(_REVOKE_CLIENT, {"client": client_id, "now": now})

    def revoke_at_issuer(self, resident_id: str, issuer: str, now: int) -> Write:
        """Return the write that ends what a person allowed clients of one issuer."""
        values: dict[str, Value] = {"resident": resident_id, "at_issuer": issuer, "now": now}
        return _any(_REVOKE_AT_ISSUER, values)

    def revoke_consent(self, resident_id: str, client_id: str, now: int) -> Write:
        """Return the write that ends what a person allowed one client."""
        return _any(_REVOKE_CONSENT, {"resident": resident_id, "client": client_id, "now": now})

    def revoke_session(self, session_id: str, resident_id: str, now: int) -> Write:
        """Return the write that ends what a session produced, save what may outlive it.

        OpenID Connect Back-Channel Logout 1.0 §2.7: offline access stays.
        """
        values: dict[str, Value] = {"session": session_id, "resident": resident_id, "now": now}
        return _any(_REVOKE_SESSION, values)

    def revoke_other_sessions(self, kept: Session, now: int) -> Write:
        """Return the write that ends what the resident's sessions but ``kept`` produced."""
        values: dict[str, Value] = {
            "kept": kept.id,
            "resident": kept.resident_id,
            "issuer": kept.issuer,
            "now": now,
        }
        return _any(_REVOKE_OTHER_SESSIONS, values)

    def prune(self, now: int, limit: int) -> Write:
        """Return the write that drops at most ``limit`` grants that expired."""
        return _any(_PRUNE, {"now": now, "limit": limit})


def _any(statement: Statement, values: dict[str, Value]) -> Write:
    return Write(statement, values, rows=None)


def grant_of(row: Row, expires_at: str = "expires_at") -> Grant:
    """Return the grant that a row of the table holds. ``expires_at`` is how its end is labelled."""
    authorization: Any = _AUTHORIZATION.decode(row["authorization"])
    return Grant(
        authorization=authorization,
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        narrowed_at=row["narrowed_at"],
        revision=row["revision"],
        expires_at=row[expires_at],
        revoked_at=row["revoked_at"],
    )
