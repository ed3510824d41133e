"""A database comes back from a backup: what was used after the backup stays used (R2)."""

import asyncio
import contextlib
import shutil
import sqlite3
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx2
import pytest

from config.runtime.clock import SystemClock
from config.runtime.database.connect import sqlite_path
from config.wiring.demo.browser import Browser
from tests import servers
from tests.deployment import (
    CALLBACK,
    PIN,
    VERIFIER,
    Deployment,
    Under,
    assertion,
    authorize,
    deployment,
    import_residents,
    log_in,
    migrated,
    redeem,
    register,
    until,
)

pytestmark = pytest.mark.server
APP = "an-app"
SCOPE = "openid offline_access"

Act = Callable[[], Awaitable[None]]


def copies(url: str, request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Act, Act]:
    """Return how the database is backed up while it is used, and how it is put back."""
    path, copy = sqlite_path(url), tmp_path / "backup"

    def take() -> None:
        closing = contextlib.closing
        with closing(sqlite3.connect(path)) as live, closing(sqlite3.connect(copy)) as kept:
            live.backup(kept)

    def put_back() -> None:
        assert path is not None
        for old in path.parent.glob(f"{path.name}*"):
            old.unlink()
        shutil.copyfile(copy, path)

    if path is None:
        server: servers.Postgresql = request.getfixturevalue("postgresql_server")
        name = url.partition("@/")[2].partition("?")[0]

        def take() -> None:
            program = str(server.binaries / "pg_dump")
            copy.write_bytes(subprocess.run([program, url], check=True, capture_output=True).stdout)

        def put_back() -> None:
            server.drop(name)
            server.create(name)
            server.run(name, copy.read_text())

    return lambda: asyncio.to_thread(take), lambda: asyncio.to_thread(put_back)


class App:
    """A public client, and a person who uses it in a browser of their own."""

    def __init__(self, place: Deployment, http: httpx2.AsyncClient) -> None:
        self.issuer, self.http = place.issuer, http
        self.browser = Browser(Under(http, place.issuer), stop_at=(CALLBACK,))  # type: ignore[arg-type]

    async def answer(self, **wishes: str) -> httpx2.QueryParams:
        """Return what the app is told when no page is needed."""
        self.browser.stopped_at = None
        await self.browser.open(authorize(self.issuer, APP, scope=SCOPE, **wishes))
        assert self.browser.stopped_at is not None, "a page was shown"
        return httpx2.URL(self.browser.stopped_at).params

    async def log_in(self, name: str) -> str:
        """Return the code of a whole login."""
        page = await self.browser.open(authorize(self.issuer, APP, scope=SCOPE, prompt="consent"))
        for field, typed in (("individual_id", name), ("pin", PIN)):
            form = page.form(field)
            page = await self.browser.submit(page, form, decision="continue", **{field: typed})
        await self.browser.submit(page, page.form("decision"), decision="accept")
        assert self.browser.stopped_at is not None
        return httpx2.URL(self.browser.stopped_at).params["code"]

    async def redeem(self, code: str) -> dict[str, str]:
        return await self._asks(
            grant_type="authorization_code",
            code=code,
            redirect_uri=CALLBACK,
            code_verifier=VERIFIER,
        )

    async def refresh(self, tokens: dict[str, str]) -> dict[str, str]:
        return await self._asks(grant_type="refresh_token", refresh_token=tokens["refresh_token"])

    async def userinfo(self, tokens: dict[str, str]) -> int:
        bearer = {"authorization": f"Bearer {tokens['access_token']}"}
        return (await self.http.get("/userinfo", headers=bearer)).status_code

    async def _asks(self, **form: str) -> dict[str, str]:
        answer: dict[str, str] = (
            await self.http.post("/token", data={"client_id": APP} | form)
        ).json()
        return answer


@pytest.mark.attack("A19")
async def test_what_was_used_after_the_backup_stays_used(
    empty_database_url: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    backup, restore = copies(empty_database_url, request, tmp_path)
    with deployment(empty_database_url, lifetimes={"code": 600}) as place:
        await migrated(place)
        await place.keys_up()
        await register(place)
        await register(place, APP, token_endpoint_auth_method="none", jwks=None)
        once = {"number": "9182736450918273", "uses": 1}
        (name,) = await import_residents(place, virtual_ids=[once])
        await place.web_up()
        async with place.http() as http, place.http() as other:
            app, begun = App(place, http), App(place, other)
            first = await app.redeem(await app.log_in(name))
            code = (await app.answer())["code"]  # the session and the consent speak for the person
            page = await begun.browser.open(authorize(place.issuer, APP))
            await backup()

            second = await app.redeem(code)
            third = await app.refresh(first)
            proof = assertion(place.issuer, iat=None, exp=SystemClock().now() + 600)
            assert (await redeem(http, place.issuer, "none", proof)).json()["error"] == (
                "invalid_grant"
            )
            assert [await app.userinfo(tokens) for tokens in (first, second, third)] == [200] * 3

            await place.stop_web()
            await restore()
            ended = await place.run("migrate", "--restored")
            assert "oauth_code: 1\n" in ended
            assert "resident_identifier: 1\n" in ended, "a one-time number may have been used"
            await place.web_up()

            assert (await app.redeem(code))["error"] == "invalid_grant"
            for tokens in (first, second, third):
                assert (await app.refresh(tokens))["error"] == "invalid_grant"
                assert await app.userinfo(tokens) == 401
            again = await redeem(http, place.issuer, "none", proof)
            assert (again.status_code, again.json()["error"]) == (401, "invalid_client")
            assert (await app.answer(prompt="none"))["error"] == "login_required"
            form = page.form("individual_id")
            page = await begun.browser.submit(page, form, decision="continue", individual_id=name)
            assert page.status >= 400 and not page.has("pin")
        await _goes_on(place, name)


async def _goes_on(place: Deployment, name: str) -> None:
    """Logins work, and so do clients that prove themselves with what was made since."""
    async with place.http() as http:
        code = await log_in(place, name)

        async def accepted() -> bool:
            fresh = assertion(place.issuer, iat=SystemClock().now() + 29)
            return (await redeem(http, place.issuer, code, fresh)).status_code == 200

        await until(accepted)


async def test_to_plan_and_to_mark_exclude_one_another() -> None:
    with deployment() as place:
        place.start("both", "migrate", "--plan", "--restored")
        assert await place.ended("both") == 2
        assert "choose one" in place.log("both")
