"""An agreement that is taken back in the instant in which a client collects what came of it.

The class of test_races_of_every_grant.py where one of the two at once is the person.
"""

import asyncio

import pytest

from tests.advisories.test_taken_back_between_steps import signed_in
from tests.conftest import BOTH
from tests.journeys.login_world import Site

pytestmark = [pytest.mark.attack("A14"), pytest.mark.attack("A20")]

ROUNDS = 8


@pytest.fixture(params=BOTH)
def database_kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def test_no_token_is_left(here: Site) -> None:
    browser = here.browser()
    await here.logged_in(browser)
    for turn in range(ROUNDS):
        page = await browser.get(here.address(prompt="consent", scope="openid offline_access"))
        page = await browser.press(page, "/consent", ("decision", "accept"))
        own = await signed_in(here, browser, "/me/consents")

        async def withdraw(own: object = own, turn: int = turn) -> None:
            for _ in range(turn * 3):  # a little later each time
                await asyncio.sleep(0)
            await browser.press(own, "/me/consents", ("client_id", "clinic"))  # type: ignore[arg-type]

        told, _ = await asyncio.gather(here.tokens(page), withdraw())
        if "error" in told:
            assert told["error"] == "invalid_grant"
            continue
        bearer = {"authorization": f"Bearer {told['access_token']}"}
        client = here.browser().client
        assert (await client.get("/userinfo", headers=bearer)).status_code == 401
        form = {"grant_type": "refresh_token", "refresh_token": told["refresh_token"]}
        refreshed = await client.post("/token", data=form | {"client_id": "clinic"})
        assert refreshed.json()["error"] == "invalid_grant"
