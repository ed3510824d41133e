"""``symbolon rp report``: issuers and clients graded rule by rule."""

import asyncio
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import click

from config.cli.failures import NotPossible
from config.cli.opening import settings_of
from config.cli.rp_printing import as_json, with_world
from config.settings import Issuer, Settings
from config.wiring.published import published
from config.wiring.world import World
from idp.protocol.client import Client
from idp.protocol.grading.client_rules import CLIENT_RULES
from idp.protocol.grading.rule import (
    Against,
    Grade,
    Graded,
    Ground,
    Rule,
    expected_of,
    graded,
)
from idp.protocol.grading.server_rules import SERVER_RULES
from idp.stores.clients import Clients

_SHOWN = {Grade.PASS: "pass", Grade.FAIL: "FAIL", Grade.NOT_APPLICABLE: "n/a"}


@dataclass(frozen=True, slots=True)
class Section:
    """The grades of one issuer or one client."""

    title: str
    ground: Ground
    grades: tuple[Graded, ...]

    @property
    def is_failed(self) -> bool:
        """Return whether a rule that is a must is not met."""
        return any(one.is_failure for one in self.grades)


@click.command()
@click.argument("client_id", required=False)
@click.option("--server", is_flag=True, help="Grade the issuer of the client as well.")
@click.option(
    "--against",
    multiple=True,
    type=click.Choice([one.value for one in Against]),
    help="Repeatable; default: what the profile claims to meet.",
)
@as_json
@click.pass_context
def report(
    context: click.Context,
    client_id: str | None,
    server: bool,
    against: tuple[str, ...],
    as_json: bool,
) -> None:
    """Grade a client, or without CLIENT_ID the issuers; exits with 1 when a rule is not met."""
    settings = settings_of(context.obj)
    wanted = tuple(Against(one) for one in against)

    async def read(world: World) -> list[Section]:
        if client_id is None:
            return [_section(await _ground(world, one), wanted) for one in settings.issuers]
        client = await Clients(world.database).find(client_id)
        if client is None:
            raise NotPossible(f"there is no client {client_id}")
        ground = await _ground(world, _issuer(settings, client))
        sections = [_section(replace(ground, client=client), wanted)]
        return [_section(ground, wanted), *sections] if server else sections

    sections = asyncio.run(with_world(settings, read))
    if as_json:
        click.echo(json.dumps([_built(one) for one in sections], indent=2, ensure_ascii=False))
    else:
        click.echo("\n".join(line for one in sections for line in _lines(one)))
    context.exit(1 if any(one.is_failed for one in sections) else 0)


def _issuer(settings: Settings, client: Client) -> Issuer:
    for issuer in settings.issuers:
        if issuer.address == client.issuer:
            return issuer
    raise NotPossible(f"the settings have no issuer {client.issuer}")


async def _ground(world: World, issuer: Issuer) -> Ground:
    return Ground(
        issuer=issuer,
        metadata=await published(world, issuer),
        code_lifetime=world.settings.lifetimes.code,
    )


def _section(ground: Ground, wanted: Sequence[Against]) -> Section:
    client, profile = ground.client, ground.profile
    rules: tuple[Rule, ...] = SERVER_RULES if client is None else CLIENT_RULES
    of = f"{client.name(())} ({client.client_id}) at " if client else ""
    against = wanted or expected_of(profile)
    return Section(
        f"{of}{ground.issuer.address}, profile {profile.name}",
        ground,
        graded([rule for rule in rules if rule.against in against], ground),
    )


def _lines(section: Section) -> Iterator[str]:
    yield from (section.title, "")
    for against in Against:
        grades = [one for one in section.grades if one.rule.against is against]
        if grades:
            yield against.title
            for one in grades:
                yield from _told(one)
            yield ""
    count = {grade: sum(one.grade is grade for one in section.grades) for grade in Grade}
    yield ", ".join(f"{number} {grade.value}" for grade, number in count.items()) + "\n"


def _told(one: Graded) -> Iterator[str]:
    shown = "weak" if one.grade is Grade.FAIL and one.rule.should else _SHOWN[one.grade]
    yield f"  {shown:4}  {one.rule.paragraph:24} {one.rule.says}"
    if one.grade is Grade.FAIL:
        yield f"        Why: {one.rule.why}"
        yield f"        Do:  {one.remedy}"


def _built(section: Section) -> dict[str, object]:
    client = section.ground.client
    return {
        "issuer": section.ground.issuer.address,
        "client_id": client.client_id if client else None,
        "profile": section.ground.profile.name,
        "failed": section.is_failed,
        "rules": [
            {
                "against": one.rule.against.value,
                "paragraph": one.rule.paragraph,
                "says": one.rule.says,
                "why": one.rule.why,
                "grade": one.grade.value,
                "recommended": one.rule.should,
                "remedy": one.remedy,
                "shown_by": one.rule.shown_by,
            }
            for one in section.grades
        ],
    }
