"""What a login was asked to prove: tries and sends are counted here, durably, for every factor."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import bindparam, select, update
from sqlalchemy.dialects.postgresql import insert

from config.runtime.database.statements import insert_new, prune
from config.runtime.database.unit import Database, Row, Statement, Value, Write
from idp.stores.factor_tables import challenge, step, unsent
from idp.stores.restoration import use_once


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """The state of one factor in one login.

    ``subject`` is the resident's internal id (NOBODY's where there is none) and ``round`` the
    round in which the code was made. ``mac`` is the keyed hash of the live code, None when none
    was made or it was used. ``charges`` are the budgets that were spent (JSON). Times are
    NumericDate: ``sent_at``, ``code_ends_at`` of the code, ``ends_at`` of the login.
    """

    login_id: str
    factor: str
    round: int
    subject: str
    mac: bytes | None = None
    sends: int = 0
    tries: int = 0
    sent_at: int | None = None
    code_ends_at: int | None = None
    charges: bytes = b"[]"
    ends_at: int


_COLUMNS = tuple(column.name for column in challenge.columns)
_THIS = (
    challenge.c.login_id == bindparam("login_id"),
    challenge.c.factor == bindparam("factor"),
)
_GET = Statement(select(challenge).where(*_THIS))
_NEW = insert_new(challenge)
_COUNTED = insert(challenge).values(
    {
        name: bindparam(name, type_=challenge.c[name].type)
        for name in _COLUMNS
        if name not in ("mac", "sent_at", "code_ends_at")
    }
)
_COUNT = Statement(
    _COUNTED.on_conflict_do_update(
        index_elements=["login_id", "factor"],
        set_={"tries": challenge.c.tries + 1},
        where=challenge.c.tries < bindparam("most"),
    ).returning(challenge)
)
_RESEND = Statement(
    update(challenge)
    .where(*_THIS, challenge.c.sends == bindparam("sends_before"))
    .values(
        {
            name: bindparam(f"new_{name}", type_=challenge.c[name].type)
            for name in ("round", "subject", "mac", "sends", "sent_at", "code_ends_at", "charges")
        }
    )
)
_USE = Statement(
    update(challenge).where(*_THIS, challenge.c.mac == bindparam("used")).values(mac=None)
)
_UNSENT = insert_new(unsent)
_STEP = use_once(step)
_PRUNES = (
    prune(challenge, "login_id", "ends_at"),
    prune(unsent, "id", "ends_at"),
    prune(step, "id", "ends_at"),
)


class Challenges:
    """The store of challenges, of decoy messages and of used steps."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, login_id: str, factor: str) -> Challenge | None:
        """Return what this login was asked; None when nothing yet."""
        return _read(await self._database.row(_GET, login_id=login_id, factor=factor))

    async def count(self, asked: Challenge, most: int) -> Challenge | None:
        """Count one answer durably and return the state; None, uncounted, after ``most`` answers.

        ``asked`` names login and factor, and is what is stored when there is nothing yet.
        """
        values = {**_values(asked), "tries": 1, "most": most}
        for name in ("mac", "sent_at", "code_ends_at"):
            del values[name]
        taken = await self._database.take(Write(_COUNT, values))
        return _read(taken[0] if taken else None)

    def send(self, before: Challenge | None, after: Challenge) -> Write:
        """Return the write that makes ``after`` the live code, refused if another send was first.

        Tries are never written: they go on counting over all codes of the login.
        """
        if before is None:
            return Write(_NEW, _values(after))
        new = _values(after)
        values: dict[str, Value] = {
            f"new_{name}": new[name]
            for name in ("round", "subject", "mac", "sends", "sent_at", "code_ends_at", "charges")
        }
        return Write(
            _RESEND,
            {
                **values,
                "login_id": after.login_id,
                "factor": after.factor,
                "sends_before": before.sends,
            },
        )

    def use(self, live: Challenge) -> Write:
        """Return the write that uses up the live code: once, and only if no newer one came."""
        return Write(_USE, {"login_id": live.login_id, "factor": live.factor, "used": live.mac})

    def silence(self, message_id: str, body: bytes, ends_at: int) -> Write:
        """Return the write of a message that is not to be sent: as much work as one that is."""
        return Write(_UNSENT, {"id": message_id, "body": body, "ends_at": ends_at})

    def use_step(self, resident_id: str, number: int, ends_at: int, usable_since: int) -> Write:
        """Return the write that uses up a time step of a resident, once (RFC 6238 §5.2).

        Refused too when it was ``usable_since`` before the database was restored.
        """
        return Write(
            _STEP,
            {
                "id": f"{resident_id}:{number}",
                "ends_at": ends_at,
                "usable_since": usable_since,
            },
        )

    def prune(self, now: int, limit: int) -> tuple[Write, ...]:
        """Return the writes that remove at most ``limit`` rows of each kind that expired."""
        return tuple(Write(one, {"now": now, "limit": limit}, rows=None) for one in _PRUNES)


def _values(state: Challenge) -> dict[str, Value]:
    return {name: getattr(state, name) for name in _COLUMNS}


def _read(row: Row | None) -> Challenge | None:
    if row is None:
        return None
    found: Mapping[str, Value] = {name: row[name] for name in _COLUMNS}
    return Challenge(**found)  # type: ignore[arg-type]
