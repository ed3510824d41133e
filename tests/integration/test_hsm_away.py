"""The HSM stalls or dies: tokens are refused soon, everything else goes on, and all comes back."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from config.runtime.database.connect import OpenDatabase
from tests.deployment import (
    Deployment,
    all_of,
    authorize,
    codes,
    deployment,
    migrated,
    redeem,
    register,
    until,
)
from tests.softhsm import LABEL, RemoteToken, freeze, p11_client_module, start_softhsm

pytestmark = pytest.mark.server
AT_ONCE = 8
WITHOUT_KEYS = ("/.well-known/openid-configuration", "/jwks")

Act = Callable[[], Awaitable[None]]


@dataclass(slots=True)
class Hsm:
    """What can happen to the HSM of a deployment."""

    place: Deployment
    remote: RemoteToken

    def child(self) -> int:
        """Return the process in which the key service has the PKCS#11 module."""
        return min(_children(self.place.pid("keys")))


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        found += map(int, path.read_text().split())
    return found


@pytest.fixture
def remote(tmp_path: Path) -> Iterator[RemoteToken]:
    """An HSM at the other end of a cable."""
    made = RemoteToken(start_softhsm(tmp_path / "token"), tmp_path / "p11")
    made.start()
    yield made
    made.unplug()


@asynccontextmanager
async def served(
    remote: RemoteToken,
) -> AsyncIterator[tuple[Hsm, OpenDatabase, httpx2.AsyncClient]]:
    keys = {"backend": "pkcs11", "module": p11_client_module(), "token": LABEL}
    keys |= {"pin_file": str(remote.hsm.pin_file)}
    with deployment(environment=remote.variables, keys=keys) as place:
        await migrated(place)
        await place.keys_up()
        await register(place)
        await place.web_up()
        async with place.database() as database, place.http() as http:
            yield Hsm(place, remote), database, http


async def goes_on(place: Deployment, http: httpx2.AsyncClient) -> None:
    """Hold that what needs no key is answered: metadata, keys, and the first page of a login."""
    for path in WITHOUT_KEYS:
        assert (await http.get(path)).status_code == 200
    answer = await http.get(authorize(place.issuer).removeprefix(place.issuer))
    assert answer.status_code == 303, answer.text
    page = await http.get(answer.headers["location"].removeprefix(place.issuer))
    assert page.status_code == 200 and "individual_id" in page.text


async def refused_and_comes_back(
    hsm: Hsm, database: OpenDatabase, http: httpx2.AsyncClient, repair: Act
) -> None:
    """Ask for tokens of an HSM that is away; then, after ``repair``, for the same again."""
    issuer = hsm.place.issuer
    made = await codes(database, issuer, AT_ONCE)
    asked = [asyncio.create_task(redeem(http, issuer, code)) for code in made]
    # The deadline of the HSM is one second; ten times that is for a machine that is busy.
    async with asyncio.timeout(60):
        await goes_on(hsm.place, http)
        answers = await all_of(asked)
    for answer in answers:
        assert (answer.status_code, answer.json()["error"]) == (503, "temporarily_unavailable")
        assert int(answer.headers["retry-after"]) > 0
    for _ in range(3):
        await goes_on(hsm.place, http)
    await repair()

    async def is_back() -> bool:
        return (await redeem(http, issuer, made[0])).status_code == 200

    await until(is_back)
    for code in made[1:]:  # a code whose redemption failed was not used up
        assert (await redeem(http, issuer, code)).status_code == 200


async def test_the_hsm_stalls(remote: RemoteToken) -> None:
    async with served(remote) as (hsm, database, http):
        remote.stall()

        async def repair() -> None:
            remote.resume()

        await refused_and_comes_back(hsm, database, http, repair)


async def test_the_hsm_is_unplugged(remote: RemoteToken) -> None:
    async with served(remote) as (hsm, database, http):
        remote.unplug()

        async def repair() -> None:
            remote.start()

        await refused_and_comes_back(hsm, database, http, repair)


async def test_the_module_hangs(remote: RemoteToken) -> None:
    async with served(remote) as (hsm, database, http):
        child = hsm.child()
        freeze(child)
        (code,) = await codes(database, hsm.place.issuer, 1)
        asked = asyncio.create_task(redeem(http, hsm.place.issuer, code))
        await goes_on(hsm.place, http)
        assert (await asked).status_code == 503

        async def is_back() -> bool:
            return (await redeem(http, hsm.place.issuer, code)).status_code == 200

        await until(is_back)
        assert child not in _children(hsm.place.pid("keys")), "what hangs is replaced"


async def test_the_module_crashes(remote: RemoteToken) -> None:
    async with served(remote) as (hsm, database, http):
        for code in await codes(database, hsm.place.issuer, 3):
            os.kill(hsm.child(), signal.SIGKILL)

            async def is_back(code: str = code) -> bool:
                answer = await redeem(http, hsm.place.issuer, code)
                assert answer.status_code in (200, 503), answer.text
                return answer.status_code == 200

            await until(is_back)


async def test_the_key_service_stalls(remote: RemoteToken) -> None:
    async with served(remote) as (hsm, database, http):
        for path in WITHOUT_KEYS:
            assert (await http.get(path)).status_code == 200
        freeze(hsm.place.pid("keys"))

        async def repair() -> None:
            os.kill(hsm.place.pid("keys"), signal.SIGCONT)

        await refused_and_comes_back(hsm, database, http, repair)
