"""``symbolon audit``: verify the audit logs, prove that an entry is in one, copy one out."""

import asyncio
import json
from pathlib import Path

import click

from config.cli.failures import NotPossible
from config.cli.opening import settings_of
from config.runtime.audit.inclusion import NotIncluded
from config.runtime.audit.tree import Checkpoint
from config.runtime.audit.verifying import AuditBroken, Verified
from config.settings import Settings
from config.wiring.auditing import LOGS, Log, open_log, trusted_checkpoint
from keystore.jose.jwk import JwkSet, KeyRefused, parse_set
from keystore.jose.reader import BadToken
from keystore.signing.log import check_proof

_ONE_LOG = click.option("--log", "name", type=click.Choice(LOGS), default="keys", show_default=True)


@click.group()
def audit() -> None:
    """Verify the audit logs, prove an entry, copy a log out."""


@audit.command()
@click.option("--log", "names", type=click.Choice(LOGS), multiple=True, help="One log; else both.")
@click.option(
    "--against",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    multiple=True,
    help="A checkpoint that was kept elsewhere (a line of an earlier --json).",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON: keep it for --against.")
@click.pass_obj
def verify(
    settings_file: str | None, names: tuple[str, ...], against: tuple[Path, ...], as_json: bool
) -> int:
    """Hash every entry anew and hold it against every checkpoint and its signature.

    Exits 1 when something was altered, left out or cut off. Only a checkpoint that lay elsewhere
    (--against, with --log) can show that the end of a log was cut off together with its
    checkpoints.
    """
    if against and len(names) != 1:
        raise click.UsageError("--against is about one log: say which with --log")
    kept = [_kept(path) for path in against]
    settings, broken = settings_of(settings_file), 0
    for name in names or LOGS:
        try:
            found = asyncio.run(_verified(settings, name, kept))
        except (AuditBroken, BadToken) as reason:
            broken = 1
            click.echo(_told(name, as_json, trouble=str(reason)))
        else:
            click.echo(_told(name, as_json, found=found))
    return broken


@audit.command()
@click.argument("about")
@_ONE_LOG
@click.pass_obj
def prove(settings_file: str | None, about: str, name: str) -> None:
    """Print the proof that a log holds the entry about ABOUT, as JSON."""
    proof = asyncio.run(_proof(settings_of(settings_file), name, about))
    if proof is None:
        raise NotPossible(f"no checkpoint covers an entry about {about}: wait a minute, ask again")
    click.echo(proof.decode())


@audit.command("check-proof")
@click.argument("promise", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("proof", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--keys",
    "key_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Trusted audit keys (a JWK Set), as evidence holds them; those of this deployment if not.",
)
@click.pass_obj
def check_one(settings_file: str | None, promise: Path, proof: Path, key_file: Path | None) -> None:
    """Hold a proof against the promise that came with a signature (two files)."""
    keys = _trusted(key_file) if key_file else asyncio.run(_keys(settings_of(settings_file)))
    try:
        shown = check_proof(promise.read_text().strip(), proof.read_bytes(), keys)
    except NotIncluded as reason:
        raise NotPossible(f"the promise was not kept: {reason}") from reason
    click.echo(f"entry {shown.place} of {shown.size}: {shown.entry[3]}")


@audit.command()
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path))
@_ONE_LOG
@click.pass_obj
def export(settings_file: str | None, directory: Path, name: str) -> None:
    """Copy a log into DIRECTORY as tiles of 256 hashes (C2SP tlog-tiles)."""
    count = asyncio.run(_exported(settings_of(settings_file), name, directory))
    if not count:
        raise NotPossible("there is no checkpoint yet: one is made a minute after the first entry")
    click.echo(f"{count} files in {directory}")


async def _verified(settings: Settings, name: str, kept: list[Checkpoint]) -> Verified:
    async with open_log(settings, name) as log:
        return await log.verify(kept)


async def _proof(settings: Settings, name: str, about: str) -> bytes | None:
    async with open_log(settings, name) as log:
        return await log.proof(about)


async def _keys(settings: Settings) -> JwkSet:
    async with open_log(settings, "keys") as log:
        return log.keys


def _trusted(path: Path) -> JwkSet:
    try:
        return parse_set(path.read_bytes())
    except KeyRefused as reason:
        raise NotPossible(f"{path}: {reason}") from reason


async def _exported(settings: Settings, name: str, directory: Path) -> int:
    async with open_log(settings, name) as log:
        return await _written(log, directory)


async def _written(log: Log, directory: Path) -> int:
    count = 0
    async for name, content in log.tiles():
        count += 1
        await asyncio.to_thread(_write, directory / name, content)
    return count


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _kept(path: Path) -> Checkpoint:
    try:
        return trusted_checkpoint(path.read_bytes())
    except ValueError as reason:
        raise NotPossible(f"{path}: {reason}") from reason


def _told(name: str, as_json: bool, *, found: Verified | None = None, trouble: str = "") -> str:
    if as_json:
        members: dict[str, object] = {"log": name}
        if found is None:
            return json.dumps({**members, "trouble": trouble})
        return json.dumps({**members, "size": found.size, "root": found.root.hex()})
    if found is None:
        return f"BROKEN {name}: {trouble}"
    return f"whole  {name}: {found.size} entries, {found.checkpoints} checkpoints"
