"""Erasing a person: the key that opens everything is destroyed, and a proof of it stays.

The sealed key is the only way to a person's cells, in this database and in every copy of it. The
proof's digest covers what was destroyed, so who holds an old copy can show that it was this.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256

import msgspec

from config.runtime.database.unit import Database, Row, Value, Write
from idp.residents import statements as sql
from idp.residents.port import UnknownResident
from keystore.cells import row


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What was erased and when. ``digest`` is hexadecimal SHA-256 over the sealed records."""

    resident_id: str
    erased_at: int
    identifiers: int
    attributes: int
    secrets: int
    digest: str

    def as_json(self) -> bytes:
        """Return the proof as a JSON object."""
        return msgspec.json.encode(self)


@dataclass(frozen=True, slots=True)
class Erasure:
    """The writes that erase a person, for one unit, and the proof that they leave."""

    proof: Proof
    writes: tuple[Write, ...]


async def erase(database: Database, resident_id: str, now: int) -> Erasure:
    """Return what erases the person; raises UnknownResident.

    The unit is refused when the person's key has changed or gone in between.
    """
    key = await database.row(sql.WRAPPED_KEY, id=resident_id)
    if key is None:
        raise UnknownResident(resident_id)
    records = [await database.rows(each, id=resident_id) for each in _RECORDS]
    identifiers, attributes, secrets = records
    proof = Proof(
        resident_id=resident_id,
        erased_at=now,
        identifiers=len(identifiers),
        attributes=len(attributes),
        secrets=len(secrets),
        digest=_digest(key["wrapped_key"], records).hex(),
    )
    everything: Mapping[str, Value] = {"id": resident_id}
    return Erasure(
        proof,
        (
            Write(sql.ERASE_RESIDENT, {**everything, "wrapped_key": key["wrapped_key"]}),
            Write(sql.ERASE_IDENTIFIERS, everything, rows=None),
            Write(sql.ERASE_ATTRIBUTES, everything, rows=None),
            Write(sql.ERASE_SECRETS, everything, rows=None),
            Write(
                sql.KEEP_PROOF,
                {**asdict(proof), "digest": bytes.fromhex(proof.digest)},
            ),
        ),
    )


async def proof_of(database: Database, resident_id: str) -> Proof | None:
    """Return the proof that a person was erased, or None."""
    kept = await database.row(sql.PROOF, id=resident_id)
    if kept is None:
        return None
    return Proof(
        resident_id=kept["resident_id"],
        erased_at=kept["erased_at"],
        identifiers=kept["identifiers"],
        attributes=kept["attributes"],
        secrets=kept["secrets"],
        digest=bytes(kept["digest"]).hex(),
    )


_RECORDS = (sql.IDENTIFIERS, sql.CELLS, sql.SECRETS)
_COLUMNS = (("lookup",), ("name", "locale", "cell"), ("factor", "cell"))


def _digest(wrapped_key: bytes, records: Sequence[Sequence[Row]]) -> bytes:
    """Return SHA-256 over the sealed key and every record, each part preceded by its length."""
    whole = sha256(row("erased") + sha256(wrapped_key).digest())
    for rows, columns in zip(records, _COLUMNS, strict=True):
        sealed = sorted(tuple(_as_bytes(found[column]) for column in columns) for found in rows)
        for parts in sealed:
            for part in parts:
                whole.update(len(part).to_bytes(4, "big") + part)
    return whole.digest()


def _as_bytes(value: str | bytes) -> bytes:
    return value.encode() if isinstance(value, str) else bytes(value)
