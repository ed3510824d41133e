"""Web server and key service are killed in the middle of code exchanges, over and over (R1, R9).

Two web servers serve one issuer. One dies, by SIGKILL, at a named point or at any moment, while
clients redeem codes at it; they then come to the other one. Whatever happened: no code is spent
twice, no token is without its grant and its audit row, nothing that was acknowledged is lost, and
who got no answer either tries again with success or hears ``invalid_grant`` and holds nothing.
``SYMBOLON_CRASH_CYCLES`` is how often somebody dies in all (200).
"""

import asyncio
import os
import random
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

import httpx2
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet
from sqlalchemy import bindparam, func, select, text

from config.runtime.audit.records import entries
from config.runtime.database.connect import OpenDatabase
from config.runtime.database.unit import DatabaseUnavailable, Statement
from config.runtime.journal import facts
from idp.protocol.grant import digest_of
from idp.stores.oauth_tables import code as code_table
from idp.stores.oauth_tables import grant as grant_table
from tests import servers
from tests.deployment import (
    Deployment,
    Spot,
    all_of,
    claims_of,
    codes,
    deployment,
    migrated,
    redeem,
    register,
)

CYCLES = int(os.environ.get("SYMBOLON_CRASH_CYCLES", "200"))
POINTS = ("before_sign", "after_sign", "before_commit", "after_commit", "before_reply")
AT_A_POINT = max(1, CYCLES // 20)
"""Deaths at one point on one database: half of all."""
AT_ANY_MOMENT = max(1, CYCLES * 3 // 20)
OF_THE_KEY_SERVICE = max(1, CYCLES // 5)
OF_THE_DATABASE = max(1, CYCLES // 40)
"""Deaths of PostgreSQL, beside those that are counted."""
AT_ONCE = 6
"""Codes that are redeemed at once when somebody dies at a point."""
MANY = 24
"""Codes that are redeemed at once when somebody dies at any moment."""

Answer = TypeVar("Answer")

_CODE = Statement(
    select(code_table.c.used_at, code_table.c.authorization).where(
        code_table.c.digest == bindparam("digest")
    )
)
_GRANT = Statement(
    select(grant_table.c.revoked_at).where(grant_table.c.grant_id == bindparam("grant_id"))
)
_AUDIT = Statement(
    select(func.count())
    .select_from(entries)
    .where(entries.c.about == bindparam("about"), entries.c.action == "grant.created")
)
_FACT = Statement(
    select(func.count())
    .select_from(facts)
    .where(facts.c.about == bindparam("about"), facts.c.name == "grant.created")
)

_AT_WORK = Statement(
    text(
        "SELECT 1 FROM pg_stat_activity WHERE datname = current_database()"
        " AND backend_type = 'client backend' AND state <> 'idle' AND pid <> pg_backend_pid()"
    )
)

pytestmark = pytest.mark.server


@dataclass(frozen=True, slots=True)
class Truth:
    """What the database knows of a code."""

    used: bool
    granted: bool
    revoked: bool
    audited: int
    told: int

    @property
    def is_whole(self) -> bool:
        """Return whether everything of an exchange happened, or nothing."""
        count = int(self.used)
        return self.granted is self.used and self.audited == count and self.told == count


async def truth(database: OpenDatabase, code: str, grant_id: str) -> Truth:
    row = await database.row(_CODE, digest=digest_of(code))
    assert row is not None
    grant = await database.row(_GRANT, grant_id=grant_id)
    audited = await database.row(_AUDIT, about=grant_id)
    told = await database.row(_FACT, about=grant_id)
    assert audited is not None and told is not None
    return Truth(
        used=row["used_at"] is not None,
        granted=grant is not None,
        revoked=grant is not None and grant["revoked_at"] is not None,
        audited=audited[0],
        told=told[0],
    )


@dataclass(slots=True)
class Field:
    """A deployment in which somebody dies: ``steady`` goes on, the doomed come and go."""

    place: Deployment
    database: OpenDatabase
    steady: httpx2.AsyncClient
    jwks: KeySet
    spot: Spot
    deaths: int = 0
    lost_replies: int = 0
    undone: int = 0

    async def codes(self, count: int) -> dict[str, str]:
        """Return fresh codes, each with the grant that it leads to."""
        grant_ids = [f"grant-{os.urandom(9).hex()}" for _ in range(count)]
        made = await asyncio.gather(
            *(codes(self.database, self.place.issuer, 1, grant_id=each) for each in grant_ids)
        )
        return {code: grant_id for (code,), grant_id in zip(made, grant_ids, strict=True)}

    def check(self, answer: httpx2.Response, grant_id: str) -> None:
        """Hold that an answer carries good tokens of this grant."""
        tokens = answer.json()
        for name in ("access_token", "id_token"):
            jwt.decode(tokens[name], self.jwks, algorithms=["ES256"])
        assert grant_id in claims_of(tokens["access_token"]).values()

    async def judge(self, asked: dict[str, str], answers: Sequence[object]) -> None:
        """Hold what must be true after a death; then clients that got no answer come again."""
        self.deaths += 1
        if self.place.settings.database.url.startswith("postgresql"):
            async with asyncio.timeout(servers.PATIENCE):
                while await self.database.rows(_AT_WORK):  # on what the dead one asked, perhaps
                    await asyncio.sleep(0.01)
        pairs = zip(asked.items(), answers, strict=True)
        await asyncio.gather(*(self._judge(*exchange, answer) for exchange, answer in pairs))

    async def _judge(self, code: str, grant_id: str, answer: object) -> None:
        found = await truth(self.database, code, grant_id)
        assert found.is_whole, found
        if isinstance(answer, httpx2.Response):
            assert answer.status_code == 200, answer.text
            self.check(answer, grant_id)
            assert found.used and not found.revoked, "an acknowledged exchange was lost"
        else:
            assert isinstance(answer, httpx2.TransportError), answer
            await self._again(code, grant_id, found)
        await self._replayed(code, grant_id)

    async def _again(self, code: str, grant_id: str, before: Truth) -> None:
        answer = await redeem(self.steady, self.place.issuer, code)
        after = await truth(self.database, code, grant_id)
        if before.used:
            self.lost_replies += 1
            assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
            assert after.revoked, "tokens that nobody received are still good"
        else:
            self.undone += 1
            assert answer.status_code == 200, answer.text
            self.check(answer, grant_id)
            assert after.is_whole and after.used and not after.revoked

    async def _replayed(self, code: str, grant_id: str) -> None:
        answer = await redeem(self.steady, self.place.issuer, code)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
        assert (await truth(self.database, code, grant_id)).revoked


@asynccontextmanager
async def field(database_url: str) -> AsyncIterator[Field]:
    with deployment(database_url) as place:
        await migrated(place)
        await place.keys_up()
        await register(place)
        steady = Spot()
        await place.web_up(steady, "steady")
        async with place.database() as database, place.http(steady) as http:
            jwks = KeySet.import_key_set((await http.get("/jwks")).json())
            yield Field(place, database, http, jwks, steady)


@dataclass(frozen=True, slots=True)
class Doomed:
    """A web server that is about to die."""

    name: str
    spot: Spot

    @classmethod
    def start(cls, place: Deployment, number: int, point: str = "", nth: int = 1) -> "Doomed":
        doomed = cls(f"doomed-{number}", Spot())
        place.start_web(doomed.spot, doomed.name, point=point, nth=nth)
        return doomed


@pytest.mark.parametrize("point", POINTS)
async def test_a_web_server_dies_at_a_point(empty_database_url: str, point: str) -> None:
    async with field(empty_database_url) as it:
        following = Doomed.start(it.place, 0, point)
        for number in range(AT_A_POINT):
            nth = 1 + number % 4
            doomed, following = (
                following,
                Doomed.start(it.place, number + 1, point, 1 + (number + 1) % 4),
            )
            asked = await it.codes(AT_ONCE)
            await it.place.listening(doomed.spot)
            async with it.place.http(doomed.spot) as http:
                answers = await all_of([redeem(http, it.place.issuer, code) for code in asked])
            assert await it.place.ended(doomed.name) == -signal.SIGKILL
            assert sum(isinstance(answer, httpx2.Response) for answer in answers) < AT_ONCE
            undone = it.undone
            await it.judge(asked, answers)
            if nth == 1 and point in ("before_sign", "after_sign", "before_commit"):
                assert it.undone - undone == AT_ONCE, "something happened before its time"
        assert it.deaths == AT_A_POINT
        if point in ("after_commit", "before_reply"):
            assert it.lost_replies >= AT_A_POINT


async def test_a_web_server_dies_at_any_moment(empty_database_url: str) -> None:
    async with field(empty_database_url) as it:
        following = Doomed.start(it.place, 0)
        answered = 0
        for number in range(AT_ANY_MOMENT):
            doomed, following = following, Doomed.start(it.place, number + 1)
            asked = await it.codes(MANY)
            await it.place.listening(doomed.spot)
            async with it.place.http(doomed.spot) as http:
                answers = await _killed_among(it, doomed, http, list(asked), number)
            answered += sum(isinstance(answer, httpx2.Response) for answer in answers)
            await it.judge(asked, answers)
        assert answered and it.undone, "they all died too early or too late"


async def _killed_among(
    it: Field, doomed: Doomed, http: httpx2.AsyncClient, asked: Sequence[str], number: int
) -> list[object]:
    """Kill the web server when some answers have come, while it works on the others."""
    dice = random.Random(number)
    count, later = dice.randrange(len(asked) - AT_ONCE), dice.uniform(0, 0.01)
    loop, pid = asyncio.get_running_loop(), it.place.pid(doomed.name)
    left = [count]

    def answered(_: object) -> None:
        left[0] -= 1
        if left[0] == 0:
            os.kill(pid, signal.SIGKILL)

    room = asyncio.Semaphore(AT_ONCE)  # the others are still to come when it dies

    async def ask(code: str) -> httpx2.Response:
        async with room:
            return await redeem(http, it.place.issuer, code)

    pending = [asyncio.ensure_future(ask(code)) for code in asked]
    for one in pending:
        one.add_done_callback(answered)
    if not count:
        loop.call_later(later, os.kill, pid, signal.SIGKILL)
    answers = await all_of(pending)
    assert await it.place.ended(doomed.name) == -signal.SIGKILL
    return answers


async def test_the_key_service_dies_at_any_moment(tmp_path_factory: pytest.TempPathFactory) -> None:
    url = f"sqlite:///{tmp_path_factory.mktemp('crashes') / 'symbolon.db'}"
    async with field(url) as it:
        stop, dice = asyncio.Event(), random.Random(7)
        clients = [asyncio.create_task(_customer(it, stop)) for _ in range(6)]
        for _ in range(OF_THE_KEY_SERVICE):
            await asyncio.sleep(dice.uniform(0.0, 0.1))
            await it.place.kill("keys")
            await it.place.keys_up()
            it.deaths += 1
        stop.set()
        outcomes = await asyncio.gather(*clients)
        assert min(served for served, _ in outcomes) > 0
        assert it.deaths == OF_THE_KEY_SERVICE
        assert '"active"' in await it.place.run("keys", "list", "--json")


async def _customer(it: Field, stop: asyncio.Event) -> tuple[int, int]:
    """Redeem code after code; what is answered 503 did not happen and is asked again."""
    served = refused = 0
    while not stop.is_set():
        ((code, grant_id),) = (await it.codes(1)).items()
        while (answer := await redeem(it.steady, it.place.issuer, code)).status_code == 503:
            refused += 1
            assert answer.headers["retry-after"]
            found = await truth(it.database, code, grant_id)
            assert found.is_whole and not found.used, "503 although it happened"
        assert answer.status_code == 200, answer.text
        it.check(answer, grant_id)
        found = await truth(it.database, code, grant_id)
        assert found.is_whole and found.used and not found.revoked
        served += 1
    return served, refused


async def test_the_database_dies_at_any_moment() -> None:
    with servers.postgresql_server() as server:
        async with field(server.create("dying")) as it:
            stop, dice = asyncio.Event(), random.Random(3)
            clients = [asyncio.create_task(_patient_customer(it, stop)) for _ in range(6)]
            for _ in range(OF_THE_DATABASE):
                await asyncio.sleep(dice.uniform(0.1, 0.4))
                await asyncio.to_thread(server.restart)
            stop.set()
            for served in await asyncio.gather(*clients):
                assert served
            await it.place.ready(it.spot)


async def _patient_customer(it: Field, stop: asyncio.Event) -> int:
    """Redeem code after code; a 503 may mean that it happened: then nobody has what came of it."""
    served = 0
    while not stop.is_set():
        ((code, grant_id),) = (await _once_there(lambda: it.codes(1))).items()
        while (answer := await redeem(it.steady, it.place.issuer, code)).status_code == 503:
            assert answer.headers["retry-after"]
        found = await _once_there(lambda: truth(it.database, code, grant_id))  # noqa: B023
        assert found.is_whole and found.used
        if answer.status_code == 200:
            it.check(answer, grant_id)
            assert not found.revoked
            served += 1
        else:
            assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
            assert found.revoked, "tokens that nobody received are still good"
    return served


async def _once_there(ask: Callable[[], Awaitable[Answer]]) -> Answer:
    while True:
        try:
            return await ask()
        except DatabaseUnavailable:
            await asyncio.sleep(0.02)
