"""``symbolon resident``: import, show, lock, unlock and erase residents.

What an operator does to a person is recorded in the journal and the audit, without saying who it
is. An identifier can be read from standard input, where neither history nor process list shows it.
"""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from config.cli.failures import NotPossible
from config.cli.opening import settings_of
from config.cli.progress import ImportBar
from config.runtime.audit.records import DatabaseAudit
from config.runtime.database.unit import Refused, Write
from config.runtime.journal import DatabaseJournal, Fact
from config.settings import Settings
from config.wiring.esignet_history import signatures_forgotten
from config.wiring.production import open_world
from config.wiring.world import World
from idp.flows.registration import OPERATOR
from idp.residents import statements as sql
from idp.residents.claims import CLAIMS
from idp.residents.embedded import EmbeddedResidents
from idp.residents.importing import FORMATS, Importer, Order, Progress
from idp.residents.pins import PinHashing
from idp.residents.port import Resident, State
from idp.residents.sources import BadFile
from idp.stores.forgetting import forget
from idp.stores.records import Records
from keystore.purposes import Role

T = TypeVar("T")

whom = click.argument("identifier", metavar="IDENTIFIER|-")
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
factors = click.option(
    "--factor", "factors", multiple=True, help="Only this factor (otp, pin, totp ...); repeatable."
)


@dataclass(frozen=True, slots=True)
class Desk:
    """Where an operator works: the world, and the ID store that is in it."""

    world: World
    store: EmbeddedResidents

    async def find(self, identifier: str) -> Resident:
        """Return whose identifier it is, or raise NotPossible."""
        found = await self.store.find(identifier, self.world.clock.now())
        if found is None:
            raise NotPossible("nobody has this identifier")
        return found

    def noted(self, what: str, about: str, **details: Any) -> tuple[Write, Write]:
        """Return the writes that record what the operator did, in the journal and the audit."""
        fact = Fact(
            name=f"resident.{what}", at=self.world.clock.now(), about=about, details=details
        )
        return Records(DatabaseJournal(), DatabaseAudit()).write(fact, OPERATOR)


@click.group()
def resident() -> None:
    """Import, show, lock, unlock and erase residents. IDENTIFIER - is read from standard input."""


@resident.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--format", "form", type=click.Choice([*FORMATS]), help="Default: by FILE's name.")
@click.option(
    "--rejected",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where refused rows are listed; default: FILE.rejected.jsonl.",
)
@as_json
@click.pass_obj
def import_residents(
    settings_file: str | None, file: Path, form: str | None, rejected: Path | None, as_json: bool
) -> None:
    """Import residents from JSON Lines or CSV. Run it again to go on after a crash."""
    order = Order.of(file, form=form or "", rejected=rejected)
    settings = settings_of(settings_file)
    try:
        done = _at_desk(settings, lambda desk: _import(desk, order))
    except BadFile as error:
        raise NotPossible(f"{file}: {error}") from error
    tally = done.tally
    if as_json:
        click.echo(json.dumps({**_counts(done), "rejected_file": str(order.rejected)}))
    else:
        click.echo(
            f"{tally.added} added, {tally.changed} changed, {tally.unchanged} unchanged, "
            f"{tally.rejected} rejected"
        )
        if tally.rejected or tally.partly:
            click.echo(f"What was refused, and why: {order.rejected}", err=True)


@resident.command()
@whom
@click.option("--reveal", is_flag=True, help="Show the values too; this is recorded.")
@as_json
@click.pass_obj
def show(settings_file: str | None, identifier: str, reveal: bool, as_json: bool) -> None:
    """Show a resident's state, factors and which claims are known."""
    typed = _typed(identifier)
    shown = _at_desk(settings_of(settings_file), lambda desk: _show(desk, typed, reveal))
    if as_json:
        click.echo(json.dumps(shown, ensure_ascii=False, indent=2))
        return
    for name, value in shown.items():
        if name not in ("claims", "identifiers"):
            click.echo(f"{name:15} {', '.join(value) if isinstance(value, list) else value}")
    for row in (*shown["identifiers"], *shown["claims"]):
        click.echo("  " + "  ".join(f"{name}={value}" for name, value in row.items()))


@resident.command()
@whom
@factors
@click.pass_obj
def lock(settings_file: str | None, identifier: str, factors: tuple[str, ...]) -> None:
    """Lock a resident, or only some factors."""
    typed = _typed(identifier)
    _at_desk(settings_of(settings_file), lambda desk: _lock(desk, typed, factors))
    click.echo("locked")


@resident.command()
@whom
@factors
@click.pass_obj
def unlock(settings_file: str | None, identifier: str, factors: tuple[str, ...]) -> None:
    """Unlock a resident who was locked, or only some factors."""
    typed = _typed(identifier)
    _at_desk(settings_of(settings_file), lambda desk: _unlock(desk, typed, factors))
    click.echo("unlocked")


@resident.command()
@whom
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def erase(settings_file: str | None, identifier: str, yes: bool) -> None:
    """Erase a resident for ever, and print the proof of it."""
    typed = _typed(identifier)
    if not yes:
        click.confirm("Erase this person? Nothing brings them back", abort=True, err=True)
    click.echo(_at_desk(settings_of(settings_file), lambda desk: _erase(desk, typed)))


def _typed(identifier: str) -> str:
    return sys.stdin.readline() if identifier == "-" else identifier


def _at_desk(settings: Settings, act: Callable[[Desk], Awaitable[T]]) -> T:
    async def work() -> T:
        async with open_world(settings, Role.OPERATOR) as world:
            if not isinstance(world.residents, EmbeddedResidents):
                raise NotPossible("the residents of this deployment are kept elsewhere")
            try:
                return await act(Desk(world, world.residents))
            except Refused as refused:
                raise NotPossible("somebody changed this person meanwhile: try again") from refused

    return asyncio.run(work())


async def _import(desk: Desk, order: Order) -> Progress:
    world, pin = desk.world, desk.world.settings.factors.pin
    hashing = PinHashing.argon2id(memory=pin.memory, rounds=pin.rounds, threads=pin.concurrent)
    importer = Importer.into(desk.store, hashing, world.clock)
    with ImportBar(world.clock) as bar:
        done = await importer.run(order, bar.report)
    await world.database.submit(*desk.noted("imported", done.source.hex(), **_counts(done)))
    return done


async def _show(desk: Desk, typed: str, reveal: bool) -> dict[str, Any]:
    found = await desk.find(typed)
    identifiers = await desk.world.database.rows(sql.IDENTIFIERS, id=found.id)
    claims = await desk.store.attributes(found.id, ["national_id", *CLAIMS])
    await desk.world.database.submit(*desk.noted("shown", found.id, revealed=int(reveal)))
    return {
        "id": found.id,
        "state": found.state.value,
        "enrolled": sorted(found.enrolled),
        "locked_factors": sorted(found.locked_factors),
        "identifiers": [
            {name: row[name] for name in ("kind", "valid_until", "uses_left")}
            for row in identifiers
        ],
        "claims": [
            {
                "claim": f"{each.name}#{each.locale}" if each.locale else each.name,
                **({"value": each.value} if reveal else {}),
                "verified_at": each.verified_at,
                "authority": each.authority,
            }
            for each in claims
        ],
    }


async def _lock(desk: Desk, typed: str, factors: Iterable[str]) -> None:
    found, now = await desk.find(typed), desk.world.clock.now()
    if factors:
        write = desk.store.lock(found.id, found.locked_factors | set(factors), now)
    elif found.state is State.ACTIVE:
        write = desk.store.declare(found.id, State.LOCKED, now)
    else:
        raise NotPossible(f"only who is active can be locked; this person is {found.state}")
    details = {"factors": " ".join(sorted(factors))}
    await desk.world.database.submit(write, *desk.noted("locked", found.id, **details))


async def _unlock(desk: Desk, typed: str, factors: Iterable[str]) -> None:
    found, now = await desk.find(typed), desk.world.clock.now()
    if factors:
        write = desk.store.lock(found.id, found.locked_factors - set(factors), now)
    elif found.state is State.LOCKED:
        write = desk.store.declare(found.id, State.ACTIVE, now)
    else:
        raise NotPossible(f"only who is locked can be unlocked; this person is {found.state}")
    details = {"factors": " ".join(sorted(factors))}
    await desk.world.database.submit(write, *desk.noted("unlocked", found.id, **details))


async def _erase(desk: Desk, typed: str) -> str:
    found, now = await desk.find(typed), desk.world.clock.now()
    erasure = await desk.store.erase(found.id, now)
    noted = desk.noted("erased", found.id, digest=erasure.proof.digest)
    signed = await signatures_forgotten(desk.world.database, found.id)
    await desk.world.database.submit(*erasure.writes, *forget(found.id), *signed, *noted)
    return erasure.proof.as_json().decode()


def _counts(done: Progress) -> dict[str, int]:
    tally = done.tally
    return {
        "added": tally.added,
        "changed": tally.changed,
        "unchanged": tally.unchanged,
        "rejected": tally.rejected,
        "without_a_handle": tally.partly,
    }
