"""Who of a batch of imported rows is new, changed, unchanged or refused (pure)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from config.runtime.database.unit import Row as StoredRow
from idp.residents.claims import BadRow
from idp.residents.rows import Row, Virtual
from idp.residents.sources import Entry
from idp.residents.tally import Refusal, Tally
from keystore.door import Mac

Macs = Sequence[Mac]
"""One identifier's keyed hash under each version of the key, newest first."""

Known = Mapping[bytes, StoredRow]
"""By keyed hash: what the database has of the identifiers that a batch names."""


@dataclass(frozen=True, slots=True)
class Hashes:
    """The keyed hashes of a row, of its national number, its virtual numbers and its handles."""

    imported: Sequence[bytes]
    national: Macs
    virtual: Sequence[Macs]
    handles: Sequence[Macs]

    def every(self) -> Iterable[Macs]:
        """Return the hashes of every identifier."""
        return (self.national, *self.virtual, *self.handles)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What to write for one row. ``resident_id`` and ``wrapped_key`` are None for a new person."""

    row: Row
    imported: bytes
    resident_id: str | None
    wrapped_key: bytes | None
    national: Macs
    virtual: Sequence[tuple[Virtual, Macs]]
    handles: Sequence[Macs]
    left_over: Sequence[bytes]
    """Hashes that an erased person left, to be removed first."""


@dataclass(frozen=True, slots=True)
class Decisions:
    """What to write for a batch, what is refused of it, and the count."""

    accepted: Sequence[Decision]
    refusals: Sequence[Refusal]
    tally: Tally


def decide(rows: Sequence[tuple[Entry, Row]], hashes: Sequence[Hashes], known: Known) -> Decisions:
    """Return what comes of each row; the rows are of different persons."""
    accepted: list[Decision] = []
    refusals: list[Refusal] = []
    claimed: set[bytes] = set()
    tally = Tally()
    for (entry, row), each in zip(rows, hashes, strict=True):
        national = _found(each.national, known)
        if national is not None and _unchanged(each, national, known):
            tally += Tally(unchanged=1)
            continue
        try:
            decision = _decision(row, each, known, claimed)
        except BadRow as refusal:
            refusals.append(Refusal(entry.line, refusal.column, refusal.reason))
            tally += Tally(rejected=1)
            continue
        claimed.update(macs[0].value for _, macs in decision.virtual)
        claimed.update(macs[0].value for macs in decision.handles)
        accepted.append(decision)
        new = decision.resident_id is None
        partly = len(decision.handles) < len(row.handles)
        tally += Tally(added=int(new), changed=int(not new), partly=int(partly))
        if partly:
            refusals.append(Refusal(entry.line, "handles", SOMEBODY_ELSES, taken=True))
    return Decisions(accepted, refusals, tally)


SOMEBODY_ELSES = "the row was taken without a handle that is somebody else's already"


def _found(macs: Macs, known: Known) -> StoredRow | None:
    """Return what the database has of an identifier whose person is still there."""
    rows = (known.get(mac.value) for mac in macs)
    return next((row for row in rows if row is not None and row["id"] is not None), None)


def _unchanged(hashes: Hashes, national: StoredRow, known: Known) -> bool:
    """Return whether the row said the same before, and nothing of it is to be hashed anew."""
    return bytes(national["imported"]) in hashes.imported and all(
        (found := _found(macs, known)) is not None and bytes(found["lookup"]) == macs[0].value
        for macs in hashes.every()
    )


def _decision(row: Row, hashes: Hashes, known: Known, claimed: set[bytes]) -> Decision:
    national = _found(hashes.national, known)
    resident_id = None if national is None else national["id"]

    def free(macs: Macs) -> bool:
        found = _found(macs, known)
        mine = found is None or found["id"] == resident_id
        return mine and macs[0].value not in claimed

    if not all(free(macs) for macs in hashes.virtual):
        raise BadRow("virtual_ids", "a number is somebody else's already")
    stored = (known.get(mac.value) for macs in hashes.every() for mac in macs)
    return Decision(
        row=row,
        imported=hashes.imported[0],
        resident_id=resident_id,
        wrapped_key=None if national is None else bytes(national["wrapped_key"]),
        national=hashes.national,
        virtual=list(zip(row.virtual, hashes.virtual, strict=True)),
        handles=[macs for macs in hashes.handles if free(macs)],
        left_over=[bytes(each["lookup"]) for each in stored if each and each["id"] is None],
    )
