"""``symbolon demo``: everything on this machine, with sample residents and a sample service."""

import asyncio
import contextlib
import json
import os
import signal
import ssl
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from config.runtime.clock import SystemClock
from config.runtime.entropy import SystemEntropy
from config.settings import Settings, anchored, load
from config.wiring.demo.fonts import PACKAGE
from config.wiring.demo.plan import Plan
from config.wiring.demo.prepare import (
    DemoRefused,
    claim_ports,
    occupied,
    prepare,
    refuse_foreign,
    reset,
)
from config.wiring.demo.supervise import ChildFailed, Supervisor
from config.wiring.demo.telling import is_furnished, ready

if TYPE_CHECKING:
    from httpx2 import AsyncClient

# What only a first start or a check needs is imported there: a warm start takes a second.

ROOT = Path(__file__).parents[2]
TESTER = "https://localhost.emobix.co.uk:8443"
"""Where the OpenID Foundation's suite is on a developer's machine."""

COMPANION = "config.wiring.demo.companion"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the command line asked for."""

    check: bool
    from_scratch: bool
    ready_file: Path | None


class CheckFailed(Exception):
    """The login that the demonstration did by itself did not come to its end."""


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
@click.option(
    "--profile",
    type=click.Choice(("conformance",)),
    help="Be what a conformance tester drives: an issuer per profile, more clients. Needs --tls.",
)
@click.option(
    "--tester",
    default=TESTER,
    show_default=True,
    help="Where the tester is: its redirect addresses begin so.",
)
@click.option("--check", is_flag=True, help="Do one whole login by itself, print it, and stop.")
@click.option(
    "--ready-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Written (JSON) once everything answers.",
)
def demo(directory: Path, port: int, tls: bool, **more: Any) -> None:
    """Run everything on this machine: sign in at a sample clinic as a sample resident."""
    conforming, tester = more.pop("profile") == "conformance", more.pop("tester")
    if conforming and not tls:
        raise click.UsageError("--profile conformance needs --tls")
    plan = Plan(directory.resolve(), port, tls, tester.rstrip("/") if conforming else "")
    wish = Wish(**more)
    try:
        _run_in(plan, wish)
    except (DemoRefused, ChildFailed, CheckFailed) as reason:
        from config.cli.failures import NotPossible

        raise NotPossible(str(reason)) from reason


def _run_in(plan: Plan, wish: Wish) -> None:
    if wish.from_scratch:
        refuse_foreign(plan)
    with occupied(plan) as killed:
        claim_ports(plan, wait=killed, say=_say)
        if wish.from_scratch:
            reset(plan)
        for file in _ready_files(plan, wish):
            file.unlink(missing_ok=True)
        prepared = prepare(plan, os.environ, SystemClock(), SystemEntropy())
        _say(f"Keys are kept in {prepared.keys_in}")
        _say(_letters(prepared.fonts))
        asyncio.run(_run(plan, wish))


async def _run(plan: Plan, wish: Wish) -> None:
    children = Supervisor(plan.directory / "logs", plan.environment(os.environ) | _python_path())
    stop = _Stop(children)
    try:
        if not await stop.comes_after(_begin(plan, wish, children)):
            raise click.Abort
        if not wish.check:
            _say("Stop with Ctrl-C.")
            await stop.comes_after(children.watch())
    finally:
        await children.stop()


def _letters(fonts: list[str]) -> str:
    """Return what signed documents will show."""
    if fonts:
        return f"Signed documents show names, with {len(fonts)} fonts of Noto"
    return f"Signed documents show a code and no names: no fonts (Debian has them in {PACKAGE})"


class _Stop:
    """The wish to stop: SIGINT or SIGTERM. The second one kills what has not finished."""

    def __init__(self, children: Supervisor) -> None:
        self._asked = asyncio.Event()
        self._children = children
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._ask)

    def _ask(self) -> None:
        if self._asked.is_set():
            self._children.kill()
            return
        _say("\nStopping.")
        self._asked.set()

    async def comes_after(self, work: Coroutine[Any, Any, None]) -> bool:
        """Return whether ``work`` came to its end before the wish to stop, which cancels it."""
        working = asyncio.create_task(work)
        asked = asyncio.create_task(self._asked.wait())
        await asyncio.wait((working, asked), return_when=asyncio.FIRST_COMPLETED)
        asked.cancel()
        if working.done():
            await working
            return True
        working.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await working
        return False


def _python_path() -> dict[str, str]:
    return {"PYTHONPATH": str(ROOT), "PYTHONSAFEPATH": "1"}


async def _begin(plan: Plan, wish: Wish, children: Supervisor) -> None:
    settings = anchored(load(plan.settings_file, {}), plan.directory)
    await _start(plan, settings, children)
    async with _http(plan) as http:
        for name, url in (
            ("web", f"{plan.operations}/readyz"),
            ("esignet", f"{plan.esignet_operations}/readyz"),
            ("inbox", f"{plan.inbox}/messages"),
            ("relying-party", f"{plan.relying_party}/"),
            *((("desk", f"{plan.desk}/ciba"),) if plan.tester else ()),
        ):
            await children.until(name, _answers(http, url))
        _tell(plan, wish)
        if wish.check:
            click.echo(json.dumps(await _checked(plan, http), indent=2, ensure_ascii=False))


async def _start(plan: Plan, settings: Settings, children: Supervisor) -> None:
    """Start the processes: each waits by itself for those that it asks."""
    complete = is_furnished(plan)
    if not complete:
        from config.wiring.demo.furnish import fill, make_tables  # a later start needs none of it

        _say("Making the tables")
        await make_tables(settings)
    await children.start("keys", "config.cli.main", "keys", "serve")
    await children.start("web", "config.cli.main", "serve")
    await children.start("esignet", "config.cli.main", "serve", "esignet")
    await children.start("inbox", COMPANION, "inbox", str(plan.directory))
    if complete:
        _say("Residents and clients are those of the run before.")
    else:
        await children.until("keys", lambda: _exists(plan.sockets / "operator.sock"))
        await fill(settings, plan, _show_progress)
    if plan.tester:
        await children.start("desk", COMPANION, "desk", str(plan.directory))
    await children.start("relying-party", COMPANION, "relying-party", str(plan.directory))
    await children.start("worker", "config.cli.main", "work")


async def _exists(path: Path) -> bool:
    return await asyncio.to_thread(path.exists)


def _http(plan: Plan) -> "AsyncClient":
    """Return a client that trusts the certificate of the demonstration, and no other."""
    from httpx2 import AsyncClient  # while the processes start, not before

    trust = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if plan.tls:
        trust.load_verify_locations(plan.certificate)
    return AsyncClient(verify=trust, trust_env=False, timeout=30)


def _answers(http: "AsyncClient", url: str) -> Callable[[], Awaitable[bool]]:
    from httpx2 import HTTPError

    async def ask() -> bool:
        try:
            return (await http.get(url)).status_code < 500
        except HTTPError:
            return False

    return ask


def _show_progress(position: int, size: int) -> None:
    done = position * 20 // max(size, 1)
    click.echo(f"\rResidents [{'#' * done:20}]", nl=position >= size, err=True)


def _tell(plan: Plan, wish: Wish) -> None:
    told = ready(plan)
    first = told["residents"][0]
    lines = (
        "",
        f"  Sample service   {plan.relying_party}   begin here: sign in as a resident",
        f"  Symbolon         {plan.issuer}   own pages of the resident: {plan.issuer}/me",
        f"  Signing service  {plan.esignet}   CSC API, time-stamps, status, validation",
        f"  Inbox            {plan.inbox}   the codes that were sent",
        f"  Operations       {plan.operations}/readyz",
        "",
        f"  A resident       {first['name']}: ID {first['individual_id']}, PIN {first['pin']}",
        f"  The settings     {plan.settings_file}",
        "",
    )
    for line in lines:
        _say(line)
    for file in _ready_files(plan, wish):
        _write_ready(file, told)


def _ready_files(plan: Plan, wish: Wish) -> Iterator[Path]:
    return filter(None, (plan.ready_file, wish.ready_file))


def _write_ready(file: Path, told: dict[str, Any]) -> None:
    """Write beside and rename: whoever waits for the file finds it whole."""
    beside = file.with_name(file.name + ".new")
    file.parent.mkdir(parents=True, exist_ok=True)
    beside.touch(mode=0o600)
    beside.write_text(json.dumps(told, indent=2, ensure_ascii=False))
    beside.replace(file)


async def _checked(plan: Plan, http: "AsyncClient") -> dict[str, Any]:
    from config.wiring.demo.walk import Walker, WalkFailed, walk
    from config.wiring.demo.walk_signing import walk_signing

    first = ready(plan)["residents"][0]
    walker = Walker(
        relying_party=plan.relying_party,
        inbox=plan.inbox,
        individual_id=first["individual_id"],
        contact=first["phone"],
    )
    try:
        account = await walk(walker, http)
        signed = await walk_signing(walker, first["pin"], http)
    except WalkFailed as reason:
        raise CheckFailed(str(reason)) from reason
    wrong = [name for name, is_good in signed.judged.items() if not is_good]
    if wrong:
        raise CheckFailed(f"the signed document is not accepted by {', '.join(wrong)}")
    return account | {"signed": {"octets": len(signed.document), "judged": signed.judged}}


def _say(text: str) -> None:
    click.echo(text, err=True)
