"""Importing residents from a registry's file: in batches, again and again, from where it stopped.

A batch and how far the file is done are one transaction, so a crash at any instant loses and
doubles nothing. The national number is a person's key: the same row again changes nothing, a
changed row replaces what the registry said before, and what the person chose (a PIN, a lock)
stays.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

import msgspec

from config.runtime.clock import Clock
from config.runtime.database.unit import Value
from idp.residents import statements as sql
from idp.residents.batch import Batches
from idp.residents.embedded import EmbeddedResidents
from idp.residents.lookup import fingerprint
from idp.residents.pins import PinHashing
from idp.residents.rows import Row
from idp.residents.sources import Entry, Read, comma_separated, json_lines
from idp.residents.tally import Rejections, Tally

FORMATS: Mapping[str, Read] = {"jsonl": json_lines, "csv": comma_separated}

BATCH_ROWS = 500
BATCH_BYTES = 4 * 1024 * 1024
"""A batch ends with the row that reaches either: memory does not grow with the file."""

_CHUNK = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a file is done: ``position`` of ``size`` bytes. This run began at ``resumed``."""

    source: bytes
    position: int
    size: int
    line: int
    rejected_size: int
    resumed: int
    tally: Tally

    def row(self, now: int) -> Mapping[str, Value]:
        """Return the row that lets another run go on from here."""
        return {
            "source": self.source,
            "position": self.position,
            "line": self.line,
            "rejected_size": self.rejected_size,
            "tally": msgspec.json.encode(self.tally),
            "changed_at": now,
        }


@dataclass(frozen=True, slots=True)
class Order:
    """What to import: the file, how it is read, and where refused rows are written."""

    file: Path
    read: Read
    rejected: Path

    @classmethod
    def of(cls, file: Path, *, form: str = "", rejected: Path | None = None) -> "Order":
        """Return the order for a file whose form is told by ``form``, or by its name.

        Refused rows go to ``rejected``, or beside the file.
        """
        by_name = "csv" if file.suffix.lower() == ".csv" else "jsonl"
        beside = file.with_name(file.name + ".rejected.jsonl")
        return cls(file, FORMATS[form or by_name], rejected or beside)


@dataclass(frozen=True, slots=True, kw_only=True)
class Importer:
    """Imports files into the embedded ID store."""

    store: EmbeddedResidents
    batches: Batches
    clock: Clock

    @classmethod
    def into(cls, store: EmbeddedResidents, pin_hashing: PinHashing, clock: Clock) -> "Importer":
        """Return an importer into ``store``."""
        return cls(store=store, batches=Batches(store, pin_hashing), clock=clock)

    async def run(self, order: Order, report: Callable[[Progress], None]) -> Progress:
        """Import the file from where it stopped; tell ``report`` after each batch.

        A file that was imported to its end begins anew. Raises sources.BadFile when nothing can
        be read, KeyServiceUnavailable or DatabaseUnavailable when the rest must wait: run it again.
        """
        progress = await self._begun(order.file)
        report(progress)
        with (
            order.file.open("rb") as file,
            Rejections(order.rejected, progress.rejected_size) as rejections,
        ):
            entries = order.read(file, self.store.numbering, progress.position, progress.line)
            batches = _batches(entries, progress.position)
            while batch := await asyncio.to_thread(next, batches, None):
                progress = await self._take(batch, progress, rejections)
                report(progress)
        done = replace(progress, position=progress.size)  # empty lines may stand at the end
        await self.store.database.load([(sql.KEEP_PROGRESS, [done.row(self.clock.now())])])
        return done

    async def _begun(self, file: Path) -> Progress:
        digest, size = await asyncio.to_thread(_digest, file)
        source = (await fingerprint(self.store.door, "file", digest))[0]
        kept = await self.store.database.row(sql.PROGRESS, source=source)
        if kept is None or kept["position"] >= size:
            return Progress(
                source=source,
                position=0,
                size=size,
                line=1,
                rejected_size=0,
                resumed=0,
                tally=Tally(),
            )
        return Progress(
            source=source,
            position=kept["position"],
            size=size,
            line=kept["line"],
            rejected_size=kept["rejected_size"],
            resumed=kept["position"],
            tally=msgspec.json.decode(kept["tally"], type=Tally),
        )

    async def _take(
        self, entries: list[Entry], before: Progress, rejections: Rejections
    ) -> Progress:
        now = self.clock.now()
        batch = await self.batches.prepare(entries, now)
        rejected_size = await asyncio.to_thread(rejections.write, batch.refusals)
        after = replace(
            before,
            position=entries[-1].end,
            line=entries[-1].next_line,
            rejected_size=rejected_size,
            tally=before.tally + batch.tally,
        )
        await self.store.database.load([*batch.loads, (sql.KEEP_PROGRESS, [after.row(now)])])
        return after


def _batches(entries: Iterator[Entry], position: int) -> Iterator[list[Entry]]:
    """Yield the entries in batches, in none of which a person comes twice."""
    batch: list[Entry] = []
    persons: set[str] = set()
    for entry in entries:
        person = entry.what.national_id if isinstance(entry.what, Row) else ""
        full = len(batch) >= BATCH_ROWS or entry.end - position > BATCH_BYTES
        if batch and (full or person in persons):
            yield batch
            position, batch, persons = batch[-1].end, [], set()
        batch.append(entry)
        if person:
            persons.add(person)
    if batch:
        yield batch


def _digest(file: Path) -> tuple[bytes, int]:
    whole, size = sha256(), 0
    with file.open("rb") as opened:
        while chunk := opened.read(_CHUNK):
            whole.update(chunk)
            size += len(chunk)
    return whole.digest(), size
