"""``symbolon seals``: enrol organisations that have documents sealed, change and disable them."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

import click

from config.cli.failures import NotPossible
from config.cli.opening import settings_of
from keystore.door import NotPermitted
from keystore.purposes import Role
from keystore.seals.organization import (
    LARGEST_KEYS,
    NewOrganization,
    OrganizationChange,
    ShownOrganization,
)
from keystore.service.client import KeyOperator
from keystore.service.run import socket_path
from keystore.x509 import certificate

T = TypeVar("T")


@click.group()
def seals() -> None:
    """Enrol organisations whose documents are sealed; change, show and disable them."""


@seals.command()
@click.argument("identifier")
@click.option("--name", required=True, help="As the certificate says it.")
@click.option(
    "--registration",
    required=True,
    help="Where and as what it is registered: NTRUT-12345 (ETSI EN 319 412-1 §5.1.4).",
)
@click.option("--country", required=True, help="Two letters (ISO 3166-1).")
@click.option(
    "--jwks",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The public keys with which it authorizes seals: a JWK set.",
)
@click.option("--per-day", type=click.IntRange(0), default=0, help="Documents a day; 0: any.")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where its certificate goes (DER); the file must not exist yet.",
)
@click.pass_obj
def add(
    settings_file: str | None,
    identifier: str,
    name: str,
    registration: str,
    country: str,
    jwks: Path,
    per_day: int,
    out: Path | None,
) -> None:
    """Enrol an organisation, make its key, certify it, and print what to put on record.

    IDENTIFIER is what its authorizations have as "iss"; it is never given to another one.
    """
    if out is not None and out.exists():
        raise NotPossible(f"{out} is there already")
    asked = NewOrganization(
        id=identifier,
        name=name,
        identifier=registration,
        country=country,
        jwks=_read(jwks),
        per_day=per_day,
    )
    made = _asked(settings_file, lambda operator: operator.add_organization(asked))
    if out is not None:
        out.write_bytes(made.certificate)
    click.echo(_told(made))


@seals.command()
@click.argument("identifier")
@click.option(
    "--jwks",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Instead of its keys of before: a JWK set.",
)
@click.option("--per-day", type=click.IntRange(0), help="Documents a day; 0: any.")
@click.pass_obj
def change(
    settings_file: str | None, identifier: str, jwks: Path | None, per_day: int | None
) -> None:
    """Change the keys with which an organisation authorizes, or its limit.

    Put the new key beside the old one first, and leave the old one out when the new one is used.
    """
    keys = None if jwks is None else _read(jwks)
    asked = OrganizationChange(id=identifier, jwks=keys, per_day=per_day)
    made = _asked(settings_file, lambda operator: operator.change_organization(asked))
    click.echo(_told(made))


@seals.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def list_organizations(settings_file: str | None, as_json: bool) -> None:
    """List every organisation."""
    found = _asked(settings_file, lambda operator: operator.organizations())
    if as_json:
        click.echo(json.dumps([_members(one) for one in found], indent=2))
        return
    for one in found:
        state = "disabled" if one.disabled_at else f"{one.sealed_today} today"
        click.echo(f"{one.said.id:24} {one.said.identifier:24} {state:12} {one.said.name}")


@seals.command()
@click.argument("identifier")
@click.pass_obj
def show(settings_file: str | None, identifier: str) -> None:
    """Show an organisation and its certificate."""
    [found] = _asked(settings_file, lambda operator: operator.organizations(identifier))
    click.echo(_told(found))


@seals.command()
@click.argument("identifier")
@click.pass_obj
def disable(settings_file: str | None, identifier: str) -> None:
    """Let an organisation seal no more, and destroy its keys. What it sealed stays valid."""
    _asked(settings_file, lambda operator: operator.disable_organization(identifier))
    click.echo(f"{identifier} seals no more")


def _read(jwks: Path) -> bytes:
    if jwks.stat().st_size > LARGEST_KEYS:
        raise NotPossible(f"a key set has {LARGEST_KEYS} octets at most")
    return jwks.read_bytes()


def _asked(settings_file: str | None, ask: Callable[[KeyOperator], Awaitable[T]]) -> T:
    settings = settings_of(settings_file)
    operator = KeyOperator(socket_path(Path(settings.keys.sockets), Role.OPERATOR))

    async def answered() -> T:
        try:
            return await ask(operator)
        except NotPermitted as reason:
            raise NotPossible(str(reason)) from reason
        finally:
            await operator.close()

    return asyncio.run(answered())


def _members(found: ShownOrganization) -> dict[str, object]:
    said = found.said
    return {
        "id": said.id,
        "name": said.name,
        "registration": said.identifier,
        "country": said.country,
        "per_day": said.per_day,
        "sealed_today": found.sealed_today,
        "enrolled_at": found.enrolled_at,
        "disabled_at": found.disabled_at,
        "kid": found.kid,
        "keys": json.loads(said.jwks)["keys"],
    }


def _certificate(der: bytes) -> list[str]:
    if not der:
        return ["its key is made in a moment"]
    read = certificate.read(der)
    return [
        f"its certificate  serial {read.parsed.serial_number:x}, SHA-256 {sha256(der).hexdigest()}",
        f"                 until {datetime.fromtimestamp(read.ends, UTC).date().isoformat()}",
    ]


def _told(found: ShownOrganization) -> str:
    enrolled = datetime.fromtimestamp(found.enrolled_at, UTC).isoformat()
    lines = [
        f"{found.said.name} ({found.said.identifier}, {found.said.country})",
        f"authorizes as    {found.said.id}",
        *(
            f"with the key     {one.get('kid')} {json.dumps(one, sort_keys=True)}"
            for one in json.loads(found.said.jwks)["keys"]
        ),
        f"enrolled         {enrolled}",
        f"documents a day  {found.said.per_day or 'any number'}; today {found.sealed_today}",
        *_certificate(found.certificate),
    ]
    if found.disabled_at is not None:
        disabled = datetime.fromtimestamp(found.disabled_at, UTC).isoformat()
        lines.append(f"disabled         {disabled}")
    return "\n".join(lines)
