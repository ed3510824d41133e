"""The ID store that Symbolon brings along: residents in its own database, sealed.

A login costs one question for keyed hashes and one read of the database to find somebody,
and one opened key and one read for each further question; whoever is not there costs the same.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

from config.runtime.database.unit import Database, Row, Value, Write
from config.runtime.entropy import Entropy
from idp.residents import statements as sql
from idp.residents.erasing import Erasure, erase
from idp.residents.lookup import FoundBy, hashed
from idp.residents.normalising import Kind, Numbering, candidates
from idp.residents.persons import Persons
from idp.residents.port import Addresses, Attribute, Resident, State, UnknownResident
from idp.residents.sealing import opened, secret_row
from keystore.door import Door, Mac

NAME = "embedded"

PRECEDENCE = tuple(Kind)
"""Whose a text is that is one person's national number and another's virtual one or telephone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedResidents:
    """The port ``Residents`` on SQLite and PostgreSQL."""

    database: Database
    door: Door
    persons: Persons
    numbering: Numbering

    @classmethod
    def build(cls, database: Database, door: Door, entropy: Entropy, numbering: Numbering) -> Self:
        """Return the adapter with a decoy of its own."""
        return cls(
            database=database, door=door, persons=Persons(door, entropy), numbering=numbering
        )

    async def find(self, identifier: str, now: int) -> Resident | None:
        """Return whose identifier this is, in one read, whatever kind it is of.

        Nothing is used up by asking: else whoever types another's one-time number would take it
        away. ``use`` the ``found_by`` of the resident in the unit in which the login succeeds.
        """
        asked = await hashed(self.door, candidates(identifier, self.numbering))
        versions = min(len(macs) for macs in asked)
        lookups = [mac.value for macs in asked for mac in macs[:versions]]
        named = {f"lookup_{index}": value for index, value in enumerate(lookups)}
        rows = await self.database.rows(sql.FIND[versions - 1], **named)
        usable = [found for found in rows if _usable(found, now)]
        for kind, macs in zip(PRECEDENCE, asked, strict=True):
            if match := [found for found in usable if found["kind"] == kind]:
                return _resident(match, found_by=_found_by(match[0], macs))
        return None

    async def get(self, resident_id: str) -> Resident | None:
        """Return the resident, or None when erased."""
        rows = await self.database.rows(sql.GET, id=resident_id)
        return _resident(rows) if rows else None

    async def described(self, resident_id: str) -> Resident | None:
        """Return the resident with the names of their claims, or None when erased."""
        rows = await self.database.rows(sql.DESCRIBE, id=resident_id)
        if not rows:
            return None
        return replace(_resident(rows), claims=frozenset((rows[0]["claims"] or "").split()))

    async def addresses(self, resident_id: str) -> Addresses:
        """Return where messages reach a person; all None for nobody."""
        rows = await self.database.rows(
            sql.ADDRESSES,
            id=resident_id,
            phone="phone_number",
            email="email",
            locale="locale",
        )
        found = {cell.name: cell.value for cell in await self._opened(resident_id, rows)}
        decoy = await self.persons.decoy()
        for _ in range(3 - len(found)):
            decoy.work()
        return Addresses(
            phone=found.get("phone_number"),
            email=found.get("email"),
            locale=found.get("locale") or "",
        )

    async def attributes(self, resident_id: str, names: Collection[str]) -> list[Attribute]:
        """Return every value, in every language, of the named claims that the store has."""
        return await self._opened(resident_id, await self._rows(resident_id, names), names)

    async def shared(self, resident_id: str, names: Collection[str]) -> list[Attribute] | None:
        """Return what ``attributes`` does, from the same look; None unless the person is active."""
        rows = await self._rows(resident_id, names)
        if not rows or rows[0]["state"] != State.ACTIVE:
            return None
        return await self._opened(resident_id, rows, names) if names else []

    async def secret(self, resident_id: str, factor: str) -> bytes | None:
        """Return a PIN's argon2 string in UTF-8, a TOTP seed ...; None when not enrolled."""
        found = await self.database.row(sql.SECRET, id=resident_id, factor=factor)
        cells = await self.persons.open(resident_id, found["wrapped_key"] if found else None)
        if found is None or found["cell"] is None:
            (await self.persons.decoy()).work()
            return None
        return cells.open(found["cell"], secret_row(resident_id, factor))

    async def enrol(self, resident_id: str, factor: str, secret: bytes, now: int) -> Write:
        """Return the write that enrols ``factor``; raises UnknownResident."""
        found = await self.database.row(sql.WRAPPED_KEY, id=resident_id)
        if found is None:
            raise UnknownResident(resident_id)
        cells = await self.persons.open(resident_id, found["wrapped_key"])
        sealed: Mapping[str, Value] = {
            "resident_id": resident_id,
            "factor": factor,
            "cell": cells.seal(secret, secret_row(resident_id, factor)),
            "enrolled_at": now,
        }
        return Write(sql.ENROL, sealed)

    def lock(self, resident_id: str, factors: Collection[str], now: int) -> Write:
        """Return the write that locks exactly ``factors``."""
        locked = " ".join(sorted(factors))
        return Write(sql.LOCK, {"id": resident_id, "factors": locked, "now": now})

    def declare(self, resident_id: str, state: State, now: int) -> Write:
        """Return the write that puts the whole person into ``state``."""
        return Write(sql.DECLARE, {"id": resident_id, "becomes": state.value, "now": now})

    def use(self, found_by: str, now: int) -> Write:
        """Return the write that spends one use, and hashes anew what an older key had hashed."""
        by = FoundBy.read(found_by)
        values: Mapping[str, Value] = {
            "found": by.found,
            "becomes": by.becomes,
            "newest": by.newest,
            "now": now,
        }
        return Write(sql.USE, values, rows=1 if by.counted else None)

    async def erase(self, resident_id: str, now: int) -> Erasure:
        """Return the writes that erase a person and the proof; raises UnknownResident."""
        return await erase(self.database, resident_id, now)

    async def _rows(self, resident_id: str, names: Collection[str]) -> Sequence[Row]:
        statement = sql.ATTRIBUTES if "picture" in names else sql.ATTRIBUTES_BUT_PICTURE
        return await self.database.rows(statement, id=resident_id)

    async def _opened(
        self, resident_id: str, rows: Sequence[Row], names: Collection[str] | None = None
    ) -> list[Attribute]:
        wrapped = rows[0]["wrapped_key"] if rows else None
        cells = await self.persons.open(resident_id, wrapped)
        return [
            opened(cells, resident_id, row["name"], row["locale"], row["cell"])
            for row in rows
            if row["name"] is not None and (names is None or row["name"] in names)
        ]


def _usable(found: Row, now: int) -> bool:
    until, uses = found["valid_until"], found["uses_left"]
    return (until is None or now < until) and (uses is None or uses > 0)


def _found_by(found: Row, macs: Sequence[Mac]) -> str:
    counted = found["uses_left"] is not None
    lookup, newest = bytes(found["lookup"]), macs[0]
    if not counted and lookup == newest.value:
        return ""
    return str(FoundBy(counted, lookup, newest.value, newest.version))


def _resident(rows: Iterable[Row], found_by: str = "") -> Resident:
    """Return the person of ``rows``, one for each enrolled secret or one without."""
    every = list(rows)
    person = every[0]
    enrolled = {found["factor"] for found in every if found["factor"] is not None}
    if person["reachable"]:
        enrolled.add("otp")
    return Resident(
        id=person["id"],
        state=State(person["state"]),
        locked_factors=frozenset(person["locked"].split()),
        enrolled=frozenset(enrolled),
        found_by=found_by,
    )
