"""``symbolon demo``: everything on this machine, with sample residents and a sample service."""

import asyncio
import json
import os
import signal
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import httpx2

from config.cli.failures import NotPossible
from config.cli.opening import settings_of
from config.runtime.clock import SystemClock
from config.runtime.entropy import SystemEntropy
from config.wiring.demo.plan import Plan
from config.wiring.demo.prepare import DemoRefused, Prepared, occupied, prepare, reset
from config.wiring.demo.seed import import_samples, ready, register_clients
from config.wiring.demo.supervise import ChildFailed, Supervisor
from config.wiring.demo.walk import Walker, WalkFailed, walk
from config.wiring.migrations import KEYSTORE, WEB, migrate
from config.wiring.production import open_world
from idp.residents.importing import Progress
from keystore.purposes import Role
from keystore.service.run import socket_path

ROOT = Path(__file__).parents[2]
COMPANION = "config.wiring.demo.companion"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the command line asked for."""

    check: bool
    ready_file: Path | None


@click.command()
@click.option(
    "--data",
    "directory",
    type=click.Path(file_okay=False, path_type=Path),
    default=ROOT / "data",
    help="Where everything is kept; a second run finds it again. Default: data/ beside symbolon.",
)
@click.option("--port", default=8080, show_default=True, help="First of four ports in a row.")
@click.option("--reset", "from_scratch", is_flag=True, help="Forget an earlier run.")
@click.option("--tls", is_flag=True, help="Serve https, with a certificate of its own making.")
@click.option("--check", is_flag=True, help="Do one whole login by itself, print it, and stop.")
@click.option(
    "--ready-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Written (JSON) once everything answers.",
)
def demo(
    directory: Path, port: int, from_scratch: bool, tls: bool, check: bool, ready_file: Path | None
) -> None:
    """Run everything on this machine: sign in at a sample clinic as a sample resident."""
    plan = Plan(directory.resolve(), port, tls)
    wish = Wish(check=check, ready_file=ready_file)
    try:
        with occupied(plan):
            if from_scratch:
                reset(plan)
            prepared = prepare(plan, os.environ, SystemClock(), SystemEntropy())
            asyncio.run(_run(prepared, wish))
    except (DemoRefused, ChildFailed, WalkFailed) as reason:
        raise NotPossible(str(reason)) from reason


async def _run(prepared: Prepared, wish: Wish) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    plan = prepared.plan
    children = Supervisor(plan.directory / "logs", plan.environment(os.environ) | _python_path())
    try:
        await _start(prepared, children)
        _tell(prepared, wish)
        if wish.check:
            await _check(plan)
        else:
            await _until_stopped(children, stop)
    finally:
        await children.stop()


def _python_path() -> dict[str, str]:
    return {"PYTHONPATH": str(ROOT), "PYTHONSAFEPATH": "1"}


async def _start(prepared: Prepared, children: Supervisor) -> None:
    """Start the processes in order: keys, then what asks them; residents load meanwhile."""
    plan = prepared.plan
    settings = settings_of(str(plan.settings_file))
    _say(f"Keys are kept in {prepared.keys_in}")
    await asyncio.to_thread(migrate, settings.keys.database, KEYSTORE)
    await children.start("keys", "config.cli.main", "keys", "serve")
    await asyncio.to_thread(migrate, settings.database.url, WEB)
    operator = socket_path(Path(settings.keys.sockets), Role.OPERATOR)
    await children.until("keys", lambda: _exists(operator))
    for name, verb in (("web", "serve"), ("worker", "work")):
        await children.start(name, "config.cli.main", verb)
    await children.start("inbox", COMPANION, "inbox", str(plan.directory))
    async with open_world(settings, Role.OPERATOR) as world:
        await register_clients(world, plan)
        await children.start("relying party", COMPANION, "relying-party", str(plan.directory))
        await import_samples(world, plan.directory, _show_progress)
    for name, url in (
        ("web", f"{plan.operations}/readyz"),
        ("inbox", f"{plan.inbox}/messages"),
        ("relying party", f"{plan.relying_party}/"),
    ):
        await children.until(name, _answers(plan, url))


async def _exists(path: Path) -> bool:
    return await asyncio.to_thread(path.exists)


def _answers(plan: Plan, url: str) -> Callable[[], Awaitable[bool]]:
    async def ask() -> bool:
        async with _http(plan) as http:
            try:
                return (await http.get(url)).status_code == 200
            except httpx2.HTTPError:
                return False

    return ask


def _http(plan: Plan) -> httpx2.AsyncClient:
    trust = ssl.create_default_context(cafile=str(plan.certificate) if plan.tls else None)
    return httpx2.AsyncClient(verify=trust, trust_env=False)


def _show_progress(progress: Progress) -> None:
    done = progress.position * 20 // max(progress.size, 1)
    click.echo(f"\rResidents [{'#' * done:20}]", nl=progress.position >= progress.size, err=True)


def _tell(prepared: Prepared, wish: Wish) -> None:
    plan = prepared.plan
    told = ready(plan)
    first = told["residents"][0]
    lines = (
        "",
        f"  Sample service   {plan.relying_party}   begin here: sign in as a resident",
        f"  Symbolon         {plan.issuer}   own pages of the resident: {plan.issuer}/me",
        f"  Inbox            {plan.inbox}   the codes that were sent",
        f"  Operations       {plan.operations}/readyz",
        "",
        f"  A resident       {first['name']}: ID {first['individual_id']}, PIN {first['pin']}",
        f"  The settings     {plan.settings_file}",
        "",
    )
    for line in lines:
        _say(line)
    for file in filter(None, (plan.ready_file, wish.ready_file)):
        _write_ready(file, told)


def _write_ready(file: Path, told: dict[str, Any]) -> None:
    """Write beside and rename: whoever waits for the file finds it whole."""
    beside = file.with_name(file.name + ".new")
    beside.touch(mode=0o600)
    beside.write_text(json.dumps(told, indent=2, ensure_ascii=False))
    beside.replace(file)


async def _check(plan: Plan) -> None:
    first = ready(plan)["residents"][0]
    walker = Walker(
        relying_party=plan.relying_party,
        inbox=plan.inbox,
        individual_id=first["individual_id"],
        contact=first["phone"],
    )
    async with _http(plan) as http:
        account = await walk(walker, http)
    click.echo(json.dumps(account, indent=2, ensure_ascii=False))


async def _until_stopped(children: Supervisor, stop: asyncio.Event) -> None:
    _say("Stop with Ctrl-C.")
    watching = asyncio.create_task(children.watch())
    stopping = asyncio.create_task(stop.wait())
    done, pending = await asyncio.wait((watching, stopping), return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    if watching in done:
        watching.result()
    _say("Stopping.")


def _say(text: str) -> None:
    click.echo(text, err=True)
