"""``symbolon verify``: is this signature to be believed? Offline: nothing is fetched or sent."""

import json
import textwrap
from pathlib import Path

import click

from config.cli.failures import NotPossible
from config.runtime.clock import SystemClock
from config.wiring.verifying import every_format, trust_of
from esignet.formats.format import FormatError, Item
from esignet.protocol.indications import Indication
from esignet.validation.engine import Judged, Stamp, Trust
from esignet.validation.reading import Validated, validate
from esignet.validation.report import report, shown, signer_of
from keystore.signing.digests import HashAlgorithm

LARGEST = 512 << 20
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_SAID = {
    Indication.TOTAL_PASSED: "GOOD",
    Indication.TOTAL_FAILED: "BAD",
    Indication.INDETERMINATE: "OPEN",
}


@click.command()
@click.argument("file", type=_FILE)
@click.option("--content", type=_FILE, multiple=True, help="A document outside the signature.")
@click.option("--trust", type=_FILE, multiple=True, help="Trusted authorities (PEM).")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def verify(file: Path, content: tuple[Path, ...], trust: tuple[Path, ...], as_json: bool) -> int:
    """Judge every signature in FILE as ETSI EN 319 102-1 says.

    Exits 0 if there is one and all are good, 1 if not.
    """
    now = SystemClock().now()
    found = _validated(file, content, trust, now)
    if as_json:
        told = report(file.name, found.form, found.signatures, now)
        click.echo(json.dumps(told, indent=2, ensure_ascii=False))
    else:
        click.echo("\n\n".join(map(_told, found.signatures)))
    good = (one.conclusion.indication is Indication.TOTAL_PASSED for one in found.signatures)
    return 0 if all(good) else 1


def _validated(
    file: Path, content: tuple[Path, ...], trust: tuple[Path, ...], now: int
) -> Validated:
    try:
        anchors = trust_of(trust) if trust else Trust(anchors=(), stamp_anchors=())
        items = [_item(path) for path in content]
        return validate(_read(file), items, every_format(), anchors, now)
    except (FormatError, ValueError) as reason:
        raise NotPossible(str(reason)) from reason


def _item(path: Path) -> Item:
    content = _read(path)
    return Item(name=path.name, digest=HashAlgorithm.SHA256.of(content), content=content)


def _read(path: Path) -> bytes:
    if path.stat().st_size > LARGEST:
        raise ValueError(f"{path} is larger than {LARGEST >> 20} MiB")
    return path.read_bytes()


def _told(judged: Judged) -> str:
    conclusion, signer = judged.conclusion, signer_of(judged)
    lines = [f"{_SAID[conclusion.indication]}  {conclusion.indication} {conclusion.sub_indication}"]
    if signer is not None:
        kind = " (pseudonym)" if signer.pseudonym else ""
        lines.append(f"signed by   {signer.name or signer.pseudonym}{kind}")
        lines.append(f"certified   by {signer.issuer}")
    if judged.is_proved:
        lines.append(f"proved      to have existed at {shown(judged.best_time)}")
    elif judged.found.claimed_at is not None:
        lines.append(f"claimed     to be of {shown(judged.found.claimed_at)}; nothing proves it")
    lines += [f"covers      {name}" for name in judged.found.covers]
    lines.append(f"level       {judged.level or 'none'}")
    reasons = [reason for _, reason in judged.found.problems] or [conclusion.reason]
    lines += [f"because     {reason}" for reason in reasons if reason]
    lines += [f"stamped     {_stamped(one)}" for one in judged.stamps if not one.trouble]
    lines += [f"time-stamp  does not count: {one.trouble}" for one in judged.stamps if one.trouble]
    lines += [f"lacks       {one}" for one in judged.missing]
    return lines[0].rstrip() + "\n" + textwrap.indent("\n".join(lines[1:]), "  ")


def _stamped(stamp: Stamp) -> str:
    kind = "for archives, " if stamp.is_archive else ""
    return f"{kind}at {shown(stamp.at)} by {stamp.alg}"
