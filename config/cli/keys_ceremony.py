"""``symbolon keys ceremony``: make root and issuing authority before witnesses, or rehearse it."""

import asyncio
from pathlib import Path

import click

from config.cli.failures import NotPossible
from config.cli.opening import settings_of
from config.runtime.clock import SystemClock
from config.runtime.entropy import SystemEntropy
from config.wiring.ceremony import CeremonyRoom, prepared_rehearsal
from keystore.authority.ceremony import CeremonyFailed, Transcript


@click.command()
@click.option("--dry-run", is_flag=True, help="Rehearse with throwaway keys; nothing is kept.")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Directory for certificates, lists and transcript; it must not exist yet.",
)
@click.option("--witness", "witnesses", multiple=True, help="Who is present; may be repeated.")
@click.pass_obj
def ceremony(
    settings_file: str | None, dry_run: bool, out: Path | None, witnesses: tuple[str, ...]
) -> None:
    """Make root and issuing authority, check them, and write a transcript.

    Held before the key service runs for the first time, by its user. Held again it makes nothing
    that is there and says what is.
    """
    room = CeremonyRoom(settings_of(settings_file), SystemClock(), SystemEntropy())
    if dry_run:
        with prepared_rehearsal() as directory:
            click.echo(asyncio.run(room.rehearsed(Path(directory), witnesses)).text(), nl=False)
        return
    if out is None:
        raise click.UsageError("name a directory with --out, or rehearse with --dry-run")
    if out.exists():
        raise NotPossible(f"{out} is there already: every ceremony has a directory of its own")
    try:
        transcript = asyncio.run(room.held(witnesses))
    except CeremonyFailed as reason:
        raise NotPossible(str(reason)) from reason
    _write(out, transcript)
    click.echo(transcript.text(), nl=False)


def _write(out: Path, transcript: Transcript) -> None:
    out.mkdir(parents=True)
    for one in transcript.artefacts:
        (out / one.name).write_bytes(one.octets)
    (out / "transcript.txt").write_text(transcript.text())
