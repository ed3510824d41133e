"""Browsers in which somebody is logged in."""

import msgspec
from sqlalchemy import and_, bindparam, select, update

from config.runtime.database.statements import insert_new, prune
from config.runtime.database.unit import Database, Row, Statement, Value, Write
from idp.protocol.login import Login
from idp.protocol.session import Proof, Session
from idp.stores.login_tables import login
from idp.stores.login_tables import session as table
from idp.stores.logins import login_of

_ADD = insert_new(table)
_LIVE = and_(table.c.ended_at.is_(None), table.c.expires_at > bindparam("now"))
_HERE = and_(
    table.c.digest == bindparam("digest"),
    table.c.browser == bindparam("browser"),
    table.c.issuer == bindparam("issuer"),
    _LIVE,
)
_FIND = Statement(select(table).where(_HERE))
_WITH_LOGIN = Statement(
    select(login.c.state, table)
    .select_from(login.outerjoin(table, _HERE))
    .where(login.c.id == bindparam("login_id"))
)
_ENDS = Statement(
    select(table.c.expires_at).where(
        and_(
            table.c.id == bindparam("session_id"),
            table.c.resident_id == bindparam("resident_id"),
            _LIVE,
        )
    )
)
_OF = Statement(
    select(table)
    .where(
        and_(
            table.c.resident_id == bindparam("resident_id"),
            table.c.issuer == bindparam("issuer"),
            _LIVE,
        )
    )
    .order_by(table.c.begun_at.desc())
    .limit(bindparam("limit"))
)
_RENEW = Statement(
    update(table)
    .where(
        and_(
            table.c.id == bindparam("session_id"),
            table.c.digest == bindparam("before"),
            table.c.ended_at.is_(None),
        )
    )
    .values(
        digest=bindparam("after"),
        browser=bindparam("new_browser"),
        proofs=bindparam("new_proofs"),
        expires_at=bindparam("new_expires_at"),
    )
)
_END = Statement(
    update(table)
    .where(
        and_(
            table.c.id == bindparam("session_id"),
            table.c.resident_id == bindparam("owner"),
            table.c.ended_at.is_(None),
        )
    )
    .values(ended_at=bindparam("now"))
)
_END_OTHERS = Statement(
    update(table)
    .where(
        and_(
            table.c.resident_id == bindparam("owner"),
            table.c.issuer == bindparam("at_issuer"),
            table.c.id != bindparam("kept"),
            table.c.ended_at.is_(None),
        )
    )
    .values(ended_at=bindparam("now"))
)
_PRUNE = prune(table, "id", "expires_at")
_proofs = msgspec.json.Decoder(tuple[Proof, ...])


class Sessions:
    """The sessions of one issuer, found by their cookie and the browser together."""

    def __init__(self, database: Database, issuer: str) -> None:
        self._database = database
        self._issuer = issuer

    async def find(self, digest: bytes, browser: bytes, now: int) -> Session | None:
        """Return the live session behind the cookie, in this browser only."""
        row = await self._database.row(
            _FIND, digest=digest, browser=browser, issuer=self._issuer, now=now
        )
        return None if row is None else _session(row)

    async def with_login(
        self, login_id: str, digest: bytes, browser: bytes, now: int
    ) -> tuple[Login | None, Session | None]:
        """Return what ``Logins.find`` and ``find`` return, in one read."""
        row = await self._database.row(
            _WITH_LOGIN,
            login_id=login_id,
            digest=digest,
            browser=browser,
            issuer=self._issuer,
            now=now,
        )
        if row is None:
            return None, None
        return login_of(row), _session(row) if row["id"] is not None else None

    async def ends_at(self, session_id: str, resident_id: str, now: int) -> int | None:
        """Return when a live session of this resident will end, None when it is over."""
        row = await self._database.row(
            _ENDS, session_id=session_id, resident_id=resident_id, now=now
        )
        return None if row is None else row["expires_at"]

    async def of(self, resident_id: str, now: int, limit: int = 50) -> list[Session]:
        """Return the live sessions of a resident, the newest first."""
        rows = await self._database.rows(
            _OF, resident_id=resident_id, issuer=self._issuer, now=now, limit=limit
        )
        return [_session(row) for row in rows]

    def add(self, session: Session) -> Write:
        """Return the write that keeps a new session."""
        return Write(
            _ADD,
            {
                "id": session.id,
                "issuer": session.issuer,
                "digest": session.digest,
                "browser": session.browser,
                "resident_id": session.resident_id,
                "proofs": msgspec.json.encode(session.proofs),
                "begun_at": session.begun_at,
                "expires_at": session.expires_at,
                "csrf": session.csrf,
                "ended_at": session.ended_at,
            },
        )

    def renew(self, before: Session, after: Session) -> Write:
        """Return the write that puts a session behind a new cookie; Refused when it ended."""
        return Write(
            _RENEW,
            {
                "session_id": before.id,
                "before": before.digest,
                "after": after.digest,
                "new_browser": after.browser,
                "new_proofs": msgspec.json.encode(after.proofs),
                "new_expires_at": after.expires_at,
            },
        )

    def end(self, session_id: str, resident_id: str, now: int) -> Write:
        """Return the write that ends a session of this resident; nothing when it ended before."""
        return Write(_END, {"session_id": session_id, "owner": resident_id, "now": now}, rows=None)

    def end_others(self, kept: Session, now: int) -> Write:
        """Return the write that ends every session of the same resident but ``kept``."""
        values: dict[str, Value] = {
            "kept": kept.id,
            "owner": kept.resident_id,
            "at_issuer": kept.issuer,
            "now": now,
        }
        return Write(_END_OTHERS, values, rows=None)

    def end_all(self, resident_id: str, now: int) -> Write:
        """Return the write that ends every session of a resident at this issuer."""
        nobody = ""  # no session has this identifier
        values: dict[str, Value] = {
            "kept": nobody,
            "owner": resident_id,
            "at_issuer": self._issuer,
            "now": now,
        }
        return Write(_END_OTHERS, values, rows=None)

    @staticmethod
    def prune(now: int, limit: int) -> Write:
        """Return the write that removes at most ``limit`` sessions of any issuer that expired."""
        return Write(_PRUNE, {"now": now, "limit": limit}, rows=None)


def _session(row: Row) -> Session:
    return Session(
        id=row["id"],
        issuer=row["issuer"],
        digest=row["digest"],
        browser=row["browser"],
        resident_id=row["resident_id"],
        proofs=_proofs.decode(row["proofs"]),
        begun_at=row["begun_at"],
        expires_at=row["expires_at"],
        csrf=row["csrf"],
        ended_at=row["ended_at"],
    )
