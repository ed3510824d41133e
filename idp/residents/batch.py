"""A batch of imported rows, turned into what the database will hold: hashed, sealed, decided.

Who is new, changed or unchanged is decided for the whole batch from one look at the identifiers
that it names; only then are keys made and values sealed, all persons at once.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from config.runtime.database.unit import Row, Statement, Value
from idp.residents import statements as sql
from idp.residents.claims import BadRow
from idp.residents.decisions import Decision, Hashes, decide
from idp.residents.embedded import EmbeddedResidents
from idp.residents.loads import Loads
from idp.residents.lookup import fingerprint, hashed
from idp.residents.normalising import Kind
from idp.residents.pins import PinHashing
from idp.residents.rows import Row as ImportedRow
from idp.residents.rows import hashed_already
from idp.residents.sources import Entry
from idp.residents.tally import Refusal, Tally
from keystore.cells import Cells

AT_ONCE = 64
"""Persons for whom the key service is asked at the same time: others must be served too."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What to write for a batch of entries, and what came of each."""

    loads: Sequence[tuple[Statement, Sequence[Mapping[str, Value]]]]
    refusals: Sequence[Refusal]
    tally: Tally


class Batches:
    """Prepares batches for ``store``."""

    def __init__(self, store: EmbeddedResidents, pin_hashing: PinHashing) -> None:
        self._store = store
        self._pin_hashing = pin_hashing
        self._pin_turns = asyncio.Semaphore(pin_hashing.threads)
        self._door_turns = asyncio.Semaphore(AT_ONCE)

    async def prepare(self, entries: Sequence[Entry], now: int) -> Batch:
        """Return what to write for ``entries``, of which no two are of the same person."""
        rows = [(entry, entry.what) for entry in entries if isinstance(entry.what, ImportedRow)]
        hashes = await asyncio.gather(*(self._hashes(row) for _, row in rows))
        known = await self._known(hashes)
        decisions = decide(rows, hashes, known)
        loads = Loads(now)
        await asyncio.gather(*(self._carry_out(each, loads) for each in decisions.accepted))
        refused = [
            Refusal(entry.line, entry.what.column, entry.what.reason)
            for entry in entries
            if isinstance(entry.what, BadRow)
        ]
        refusals = sorted((*refused, *decisions.refusals), key=lambda refusal: refusal.line)
        return Batch(loads.batches(), refusals, decisions.tally + Tally(rejected=len(refused)))

    async def _hashes(self, row: ImportedRow) -> Hashes:
        async with self._door_turns:
            imported = await fingerprint(self._store.door, "row", row.content())
            texts = [
                (Kind.NATIONAL, row.national_id),
                *((Kind.VIRTUAL, each.number) for each in row.virtual),
                *((Kind.HANDLE, each) for each in row.handles),
            ]
            national, *others = await hashed(self._store.door, texts)
        virtual, handles = others[: len(row.virtual)], others[len(row.virtual) :]
        return Hashes(imported, national, virtual, handles)

    async def _known(self, hashes: Iterable[Hashes]) -> Mapping[bytes, Row]:
        """Return what the database has of every identifier that the batch names."""
        lookups = list({mac.value for each in hashes for macs in each.every() for mac in macs})
        known: dict[bytes, Row] = {}
        for start in range(0, len(lookups), sql.WANTED):
            wanted = lookups[start : start + sql.WANTED]
            wanted += wanted[:1] * (sql.WANTED - len(wanted))
            named = {f"lookup_{index}": value for index, value in enumerate(wanted)}
            for found in await self._store.database.rows(sql.KNOWN, **named):
                known[bytes(found["lookup"])] = found
        return known

    async def _carry_out(self, decision: Decision, loads: Loads) -> None:
        if decision.resident_id is None:
            await self._add(decision, loads)
        else:
            await self._change(decision, decision.resident_id, loads)

    async def _add(self, decision: Decision, loads: Loads) -> None:
        resident_id = self._store.persons.name(loads.now)
        async with self._door_turns:
            person = await self._store.persons.make(resident_id)
        loads.add_resident(resident_id, decision, person.wrapped_key)
        await self._fill(decision, resident_id, person.cells, loads)
        loads.add_identifiers(resident_id, decision, ())

    async def _change(self, decision: Decision, resident_id: str, loads: Loads) -> None:
        async with self._door_turns:
            cells = await self._store.persons.open(resident_id, decision.wrapped_key)
        identifiers = await self._store.database.rows(sql.IDENTIFIERS, id=resident_id)
        secrets = await self._store.database.rows(sql.SECRETS, id=resident_id)
        loads.change_resident(resident_id, decision)
        enrolled = {secret["factor"] for secret in secrets}
        await self._fill(decision, resident_id, cells, loads, enrolled)
        loads.add_identifiers(resident_id, decision, identifiers)

    async def _fill(
        self,
        decision: Decision,
        resident_id: str,
        cells: Cells,
        loads: Loads,
        enrolled: Iterable[str] = (),
    ) -> None:
        """Seal the claims, and the secrets of factors that the person has not enrolled."""
        row = decision.row
        loads.add_claims(resident_id, row.claims, cells)
        if row.pin and "pin" not in enrolled:
            pin = row.pin if hashed_already(row.pin) else await self._hash(row.pin)
            loads.add_secret(resident_id, "pin", pin.encode(), cells)
        if row.totp and "totp" not in enrolled:
            loads.add_secret(resident_id, "totp", row.totp, cells)

    async def _hash(self, pin: str) -> str:
        async with self._pin_turns:
            return await asyncio.to_thread(self._pin_hashing.encode, pin)
