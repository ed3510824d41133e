"""Stored credentials in the key service's own database: wrapped keys, and whose they are."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import BigInteger, Column, LargeBinary, Table, Text, bindparam, delete, func, select
from sqlalchemy import update as sql_update

from config.runtime.database.schema import metadata
from config.runtime.database.statements import insert_new
from config.runtime.database.unit import Database, Row, Statement, Value, Write
from keystore.backends.backend import Algorithm
from keystore.credentials.record import AlteredRow, CredentialRecord, CredentialState

MOST = 100
"""Rows that are read at once."""

credential = Table(
    "credential",
    metadata,
    Column("id", Text, primary_key=True),
    Column("holder", LargeBinary, nullable=False),
    Column("shown_to", LargeBinary, nullable=False, index=True),
    Column("named_by", Text, nullable=False, index=True),
    Column("client_id", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("algorithm", Text, nullable=False),
    Column("wrapped_by", Text, nullable=False, index=True),
    Column("blob", LargeBinary, nullable=False),
    Column("public", LargeBinary, nullable=False),
    Column("attributes", LargeBinary, nullable=False),  # JSON object
    Column("serial", Text, nullable=False),
    Column("chain", LargeBinary, nullable=False),  # MessagePack array of certificates in DER
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False, index=True),
    Column("bound_by", Text, nullable=False, index=True),
    Column("mac", LargeBinary, nullable=False),
    Column("used_at", BigInteger),  # for operators, and not under the hash
)

_ALL = [column.name for column in credential.columns if column.name != "used_at"]
_CHANGED = ("state", "chain", "wrapped_by", "blob", "bound_by", "mac")
_ADD = insert_new(credential, *_ALL)
_IS_SAME = (credential.c.id == bindparam("of"), credential.c.mac == bindparam("mac_before"))
_CHANGE = Statement(
    sql_update(credential)
    .where(*_IS_SAME)
    .values({name: bindparam(f"new_{name}") for name in _CHANGED})
)
_USE = Statement(sql_update(credential).where(*_IS_SAME).values(used_at=bindparam("at")))
_REMOVE = Statement(delete(credential).where(*_IS_SAME))
_FIND = Statement(select(credential).where(credential.c.id == bindparam("of")))
_SHOWN = Statement(
    select(credential)
    .where(credential.c.shown_to == bindparam("to"))
    .order_by(credential.c.created_at, credential.c.id)
    .limit(MOST)
)
_OVER = Statement(
    select(credential)
    .where(
        (credential.c.expires_at <= bindparam("expired"))
        | (
            (credential.c.state == CredentialState.PENDING.value)
            & (credential.c.created_at <= bindparam("abandoned"))
        )
    )
    .limit(MOST)
)
_BEHIND = Statement(
    select(credential.c.id)
    .where(
        (credential.c.wrapped_by == bindparam("kid")) | (credential.c.bound_by == bindparam("kid")),
        credential.c.state == CredentialState.ACTIVE.value,
        credential.c.id > bindparam("after"),
    )
    .order_by(credential.c.id)
    .limit(MOST)
)
_NEEDS = (
    (credential.c.wrapped_by == bindparam("kid"))
    | (credential.c.bound_by == bindparam("kid"))
    | (credential.c.named_by == bindparam("kid"))
)
_HELD = Statement(select(func.count()).select_from(credential).where(_NEEDS))
_ANY_HELD = Statement(select(credential.c.id).where(_NEEDS).limit(1))
_CHAIN = msgspec.msgpack.Decoder(tuple[bytes, ...])


@dataclass(frozen=True, slots=True)
class StoredCredentials:
    """A change names the row by its hash too: who was overtaken is refused."""

    database: Database

    async def find(self, identifier: str) -> CredentialRecord | None:
        """Return the record of this name, as it lies there."""
        row = await self.database.row(_FIND, of=identifier)
        return None if row is None else _record(row)

    async def shown(self, to: Sequence[bytes]) -> list[CredentialRecord]:
        """Return the records with one of these hashes, the oldest first."""
        return [_record(row) for one in to for row in await self.database.rows(_SHOWN, to=one)]

    async def over(self, expired: int, abandoned: int) -> list[CredentialRecord]:
        """Return records that ended by ``expired``, or are pending since ``abandoned``."""
        rows = await self.database.rows(_OVER, expired=expired, abandoned=abandoned)
        return [_record(row) for row in rows]

    async def behind(self, kid: str, after: str) -> list[str]:
        """Return the names of active records that this key wrapped or bound, after this one."""
        return [str(row[0]) for row in await self.database.rows(_BEHIND, kid=kid, after=after)]

    async def held(self, kid: str) -> int:
        """Return how many records, pending ones too, cannot do without this key."""
        row = await self.database.row(_HELD, kid=kid)
        return 0 if row is None else int(row[0])

    async def is_needed(self, kid: str) -> bool:
        """Return whether there is any such record."""
        return await self.database.row(_ANY_HELD, kid=kid) is not None

    def add(self, record: CredentialRecord) -> Write:
        """Return the write that adds a record."""
        return Write(_ADD, _values(record))

    def change(self, before: CredentialRecord, after: CredentialRecord) -> Write:
        """Return the write of a new state, chain, wrapping and hash; refused if it is not as
        before.
        """
        values = _values(after)
        new = {f"new_{name}": values[name] for name in _CHANGED}
        return Write(_CHANGE, {**new, **_same(before)})

    def use(self, record: CredentialRecord, at: int) -> Write:
        """Return the write that is refused unless the record is still there as it was read."""
        return Write(_USE, {"at": at, **_same(record)})

    def remove(self, record: CredentialRecord) -> Write:
        """Return the write that destroys the wrapped key; refused if it is not as it was read."""
        return Write(_REMOVE, _same(record))


def _same(record: CredentialRecord) -> dict[str, Value]:
    return {"of": record.id, "mac_before": record.mac}


def _values(record: CredentialRecord) -> dict[str, Value]:
    values: dict[str, Value] = {
        name: getattr(record, name) for name in _ALL if name not in ("state", "algorithm", "chain")
    }
    return {
        **values,
        "state": record.state.value,
        "algorithm": record.algorithm.value,
        "chain": msgspec.msgpack.encode(record.chain),
    }


def _record(row: Row) -> CredentialRecord:
    octets = ("holder", "shown_to", "blob", "public", "attributes", "mac")
    keys = ("wrapped_by", "bound_by", "named_by")
    plain = ("id", "client_id", "serial", "created_at", "expires_at", *keys)
    rest: dict[str, Any] = {name: row[name] for name in plain}
    rest |= {name: bytes(row[name]) for name in octets}
    try:
        return CredentialRecord(
            state=CredentialState(row["state"]),
            algorithm=Algorithm(row["algorithm"]),
            chain=_CHAIN.decode(row["chain"]),
            **rest,
        )
    except ValueError:
        raise AlteredRow(row["id"]) from None
