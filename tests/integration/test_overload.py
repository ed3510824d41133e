"""More requests than there is room for, a stop under load, and a start before everything else."""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import httpx2
import pytest

from tests import servers
from tests.deployment import (
    NO_TLS,
    Deployment,
    all_of,
    authorize,
    codes,
    deployment,
    import_residents,
    log_in,
    migrated,
    redeem,
    register,
    until,
)
from tests.softhsm import freeze

pytestmark = pytest.mark.server
ROOM = 4
"""Requests that are worked on at once; as many wait."""


@asynccontextmanager
async def small(**web: float) -> AsyncIterator[Deployment]:
    """A deployment with little room, and a key service that takes its time when it is frozen."""
    room = {"concurrent_tokens": ROOM, "concurrent_logins": ROOM}
    with deployment(web=room | web, keys={"timeout": 20.0}) as place:
        await migrated(place)
        await place.keys_up()
        await register(place)
        await place.web_up()
        yield place


async def figure(place: Deployment, name: str) -> float:
    async with httpx2.AsyncClient(verify=NO_TLS, trust_env=False, timeout=60) as http:
        text = (await http.get(f"http://127.0.0.1:{place.spot.operations}/metrics")).text
    return float(next(line for line in text.splitlines() if line.startswith(name)).split()[-1])


def busy(place: Deployment, running: int) -> Callable[[], object]:
    async def is_busy() -> bool:
        return await figure(place, 'symbolon_budget_running{budget="tokens"}') >= running

    return is_busy


async def test_what_does_not_fit_is_told_at_once_and_the_rest_is_served() -> None:
    async with small() as place, place.database() as database, place.http() as http:
        made = await codes(database, place.issuer, 10 * ROOM)
        freeze(place.pid("keys"))
        asked = [asyncio.create_task(redeem(http, place.issuer, code)) for code in made]
        shed = 10 * ROOM - 2 * ROOM
        await until(lambda: sum(one.done() for one in asked) >= shed)
        assert await figure(place, 'symbolon_budget_running{budget="tokens"}') == ROOM
        early = [one.result() for one in asked if one.done()]
        assert {answer.status_code for answer in early} == {503}
        assert all(int(answer.headers["retry-after"]) > 0 for answer in early)
        assert all(answer.json()["error"] == "temporarily_unavailable" for answer in early)
        page = await http.get(authorize(place.issuer).removeprefix(place.issuer))
        assert page.status_code == 303, "logins have room of their own"

        os.kill(place.pid("keys"), signal.SIGCONT)
        answers = await asyncio.gather(*asked)
        again = [code for code, one in zip(made, answers, strict=True) if one.status_code == 503]
        assert {answer.status_code for answer in answers} == {200, 503}
        for code in again:  # what was told to come back comes back, and nothing was used up
            assert (await redeem(http, place.issuer, code)).status_code == 200
        assert await figure(place, 'symbolon_budget_running{budget="tokens"}') == 0


async def test_a_burst_of_logins_gets_pages_or_is_told_to_come_back() -> None:
    async with small() as place, place.http() as http:
        await _burst(place, http, 20 * ROOM)
        (name,) = await import_residents(place)
        assert await log_in(place, name), "it recovers at once"


async def _burst(place: Deployment, http: httpx2.AsyncClient, count: int) -> None:
    address = authorize(place.issuer).removeprefix(place.issuer)
    for answer in await asyncio.gather(*(http.get(address) for _ in range(count))):
        assert answer.status_code in (200, 303, 503), answer.text
        assert answer.status_code != 503 or int(answer.headers["retry-after"]) > 0


async def test_sigterm_under_load_finishes_what_runs_and_takes_nothing_new() -> None:
    async with small() as place, place.database() as database, place.http() as http:
        made = await codes(database, place.issuer, ROOM)
        freeze(place.pid("keys"))
        asked = [asyncio.create_task(redeem(http, place.issuer, code)) for code in made]
        await until(busy(place, ROOM))
        os.kill(place.pid("web"), signal.SIGTERM)

        async def drains() -> bool:
            status, said = await place.readiness()
            return status == 503 and said["draining"] is True

        await until(drains)
        await until(lambda: not _accepts(place.spot.port))
        assert not any(one.done() for one in asked)
        os.kill(place.pid("keys"), signal.SIGCONT)
        answers = await all_of(asked)
        assert [answer.status_code for answer in answers] == [200] * ROOM
        assert all(answer.headers["connection"] == "close" for answer in answers)
        assert await place.ended("web") == 0


def _accepts(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


async def test_what_does_not_finish_in_time_is_cut_off() -> None:
    async with small(drain=1) as place, place.database() as database, place.http() as http:
        (code,) = await codes(database, place.issuer, 1)
        freeze(place.pid("keys"))
        asked = asyncio.create_task(redeem(http, place.issuer, code))
        await until(busy(place, 1))
        os.kill(place.pid("web"), signal.SIGTERM)
        assert await place.ended("web") == 0
        (outcome,) = await all_of([asked])
        assert isinstance(outcome, httpx2.TransportError), "no answer, and above all no wrong one"
        os.kill(place.pid("keys"), signal.SIGCONT)
        await place.web_up()
        assert (await redeem(http, place.issuer, code)).status_code == 200, "nothing was used up"


@pytest.mark.parametrize("shared", ["alone", "redis"])
async def test_a_web_server_that_starts_first_becomes_ready_by_itself(
    shared: str, request: pytest.FixtureRequest
) -> None:
    redis = {"redis_url": request.getfixturevalue("redis_url")} if shared == "redis" else {}
    with servers.postgresql_server() as server:
        url = server.create("late")
        server.stop(signal.SIGQUIT)
        with deployment(url, database=redis) as place:
            place.start_web()
            await until(lambda: _accepts(place.spot.port) or "waiting" in place.log("web"))
            if shared == "alone":
                await until(_reasons(place, "database", "migrations", "key service"))
                async with place.http() as http:
                    told = await redeem(http, place.issuer, "a code")
                    assert (told.status_code, told.headers["retry-after"] > "") == (503, True)
            await asyncio.to_thread(server.start, server.ready)
            if shared == "alone":
                await until(_reasons(place, "migrations", "key service"))
            await migrated(place)
            if shared == "alone":
                await until(_reasons(place, "key service"))
            await place.keys_up()
            await place.ready()
            await register(place)
            (name,) = await import_residents(place)
            assert await log_in(place, name)


def _reasons(place: Deployment, *names: str) -> Callable[[], object]:
    async def are_they() -> bool:
        status, said = await place.readiness()
        checks = [check for check in said.get("checks", ()) if check["needed"]]
        missing = {check["name"] for check in checks if check["reason"]}
        return status == 503 and missing == set(names)

    return are_they
