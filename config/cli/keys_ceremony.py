"""``symbolon keys ceremony``: make the certificate authority before witnesses, or rehearse it."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from config.cli.failures import NotPossible
from config.cli.opening import settings_of
from config.runtime.clock import SystemClock
from config.runtime.entropy import SystemEntropy
from config.wiring.ceremony import CeremonyRoom, prepared_rehearsal
from keystore.authority.ceremony import CeremonyFailed
from keystore.authority.offline import Brought
from keystore.authority.offline_reading import NotAccepted
from keystore.authority.transcript import Transcript

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stick:
    """What goes to a root elsewhere, and what comes back from it."""

    request: Path | None
    certificate: Path | None
    root: Path | None
    root_list: Path | None
    new_root: bool

    @property
    def is_used(self) -> bool:
        """Return whether anything of it was named."""
        return self.new_root or any((self.request, self.certificate, self.root, self.root_list))

    def check(self) -> None:
        """Raise UsageError for what does not go together."""
        brings = (self.certificate, self.root)
        if any(brings) and not all((*brings, self.root_list)):
            raise click.UsageError("--certificate, --root and --root-list come together")
        if self.request and self.root_list:
            raise click.UsageError("--request goes out, and the others come in: one at a time")
        if self.new_root and not self.certificate:
            raise click.UsageError("--new-root is about a --certificate with its --root")
        if self.request and self.request.exists():
            raise NotPossible(f"{self.request} is there already: name a new file")

    def brought(self, listed: Path) -> Brought:
        """Return what the files hold."""
        return Brought(
            listed=listed.read_bytes(),
            certificate=self.certificate.read_bytes() if self.certificate else b"",
            root=self.root.read_bytes() if self.root else b"",
            is_new=self.new_root,
        )


@click.command()
@click.option(
    "--dry-run", is_flag=True, help="Rehearse with throwaway keys, or judge: keep nothing."
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Directory for certificates, lists and transcript; it must not exist yet.",
)
@click.option("--witness", "witnesses", multiple=True, help="Who is present; may be repeated.")
@click.option(
    "--request",
    type=click.Path(dir_okay=False, path_type=Path),
    help="New file for the request (PKCS#10, PEM) that goes to a root elsewhere.",
)
@click.option("--certificate", type=_FILE, help="What the root made of the request.")
@click.option("--root", type=_FILE, help="The root's own certificate.")
@click.option("--root-list", type=_FILE, help="The root's revocation list; alone, a newer one.")
@click.option("--new-root", is_flag=True, help="It is another root than before, on purpose.")
@click.pass_obj
def ceremony(
    settings_file: str | None,
    /,
    dry_run: bool,
    out: Path | None,
    witnesses: tuple[str, ...],
    **stick: Any,
) -> None:
    """Make root and issuing authority, check them, and write a transcript.

    Held before the key service runs for the first time, by its user. Held again it makes nothing
    that is there and says what is.

    Where the root is elsewhere, --request makes what goes there, and --certificate, --root and
    --root-list bring what comes back.
    """
    room, named = (
        CeremonyRoom(settings_of(settings_file), SystemClock(), SystemEntropy()),
        Stick(**stick),
    )
    named.check()
    if named.is_used and room.has_own_root:
        raise NotPossible("the root is here: set esignet.root_key to elsewhere first")
    if out is None and not dry_run and not named.is_used:
        raise click.UsageError("name a directory with --out, or rehearse with --dry-run")
    if out is not None and out.exists():
        raise NotPossible(f"{out} is there already: every ceremony has a directory of its own")
    try:
        transcript = _held(room, named, witnesses, dry_run=dry_run)
    except (CeremonyFailed, NotAccepted) as reason:
        raise NotPossible(str(reason)) from reason
    if not dry_run:
        _write(out, named.request, transcript)
    click.echo(transcript.text(), nl=False)


def _held(
    room: CeremonyRoom, stick: Stick, witnesses: tuple[str, ...], *, dry_run: bool
) -> Transcript:
    if stick.root_list:
        brought = stick.brought(stick.root_list)
        return asyncio.run(room.brought(brought, witnesses, keeps=not dry_run))
    if dry_run:
        with prepared_rehearsal() as directory:
            return asyncio.run(room.rehearsed(Path(directory), witnesses))
    if stick.request:
        return asyncio.run(room.asked(stick.request.name, witnesses))
    return asyncio.run(room.held(witnesses))


def _write(out: Path | None, request: Path | None, transcript: Transcript) -> None:
    if request is not None:
        request.write_bytes(transcript.artefacts[0].octets)
    if out is not None:
        out.mkdir(parents=True)
        for one in transcript.artefacts:
            (out / one.name).write_bytes(one.octets)
        (out / "transcript.txt").write_text(transcript.text())
