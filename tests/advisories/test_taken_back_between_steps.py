"""What was agreed to and is taken back before the client collects it.

Keycloak CVE-2026-9798 and its incomplete fix CVE-2026-16103 (CIBA redemption after a lock), as a
class: each way to take something back, at each stage of each grant that has more than one step.
"""

from typing import Any

import pytest

from config.runtime.database.unit import Statement
from idp.residents.tables import resident
from idp.stores import unredeemed
from idp.stores.clients import Clients
from tests.backchannel import BANK, ask, known, poll
from tests.factor_world import AMINA
from tests.journeys.browsers import Browser, Page
from tests.journeys.devices import TELEVISION, Device, approve, to_question
from tests.journeys.login_world import ORIGIN, Site
from tests.journeys.test_ciba import APPROVE, agreed

pytestmark = [pytest.mark.attack("A20"), pytest.mark.attack("A21")]


async def signed_in(here: Site, browser: Browser, path: str) -> Page:
    page = await browser.get(path)
    if page.has("individual_id"):
        page = await browser.press(page, "/identify", individual_id=AMINA["national_id"])
        page = await browser.press(page, "/prove", otp=await here.code())
    return page


class Code:
    """A code that was issued and not redeemed."""

    client_id = "clinic"
    scope = "openid profile"

    async def agreed(self, here: Site, browser: Browser) -> None:
        self.page = await here.logged_in(browser, scope=self.scope, prompt="consent")
        assert "code" in self.page.answer

    async def collected(self, here: Site) -> dict[str, Any]:
        return await here.tokens(self.page)


class Approval:
    """A television that was let in and has not polled yet."""

    client_id = "television"
    scope = "openid profile"

    async def agreed(self, here: Site, browser: Browser) -> None:
        await here.world.database.submit(Clients(here.world.database).insert(TELEVISION))
        self.device = Device(here)
        codes = await self.device.asks(scope=self.scope)
        page = await approve(here, browser, await to_question(browser, codes["user_code"]))
        assert page.url == f"{ORIGIN}/device/done"

    async def collected(self, here: Site) -> dict[str, Any]:
        return await self.device.polls()


class Backchannel:
    """A backchannel request that was approved and not collected."""

    client_id = "bank"
    scope = "openid profile"

    async def agreed(self, here: Site, browser: Browser) -> None:
        await known(here)
        self.auth_req_id = (await ask(here, scope=self.scope)).json()["auth_req_id"]
        page = await signed_in(here, browser, "/me/approvals")
        page = await agreed(browser, await browser.press(page, "/me/approvals", APPROVE))
        assert page.url == f"{ORIGIN}/approvals/done"

    async def collected(self, here: Site) -> dict[str, Any]:
        told: dict[str, Any] = (await poll(here, self.auth_req_id, BANK)).json()
        return told


async def withdrawn(here: Site, browser: Browser, client_id: str) -> None:
    page = await signed_in(here, browser, "/me/consents")
    await browser.press(page, "/me/consents", ("client_id", client_id))


async def signed_out(here: Site, browser: Browser, client_id: str) -> None:
    page = await signed_in(here, browser, "/me/sessions")
    form = page.form("/sessions")
    one = next(button for button in form.buttons if button != ("session", "others"))
    await browser.press(page, "/sessions", one)


async def signed_out_from_elsewhere(here: Site, browser: Browser, client_id: str) -> None:
    other = here.browser("203.0.113.88")
    page = await signed_in(here, other, "/me/sessions")
    await other.press(page, "/sessions", ("session", "others"))


async def deceased(here: Site, browser: Browser, client_id: str) -> None:
    whose = resident.c.id == here.world.amina.id
    change = resident.update().where(whose).values(state="deceased")
    await here.world.database.load([(Statement(change), [{}])])


async def everything_ended(here: Site, browser: Browser, client_id: str) -> None:
    """What Global Token Revocation does, as its endpoint does it."""
    await here.world.database.submit(*unredeemed.at_issuer(here.world.amina.id, ORIGIN))


STAGES = [Code, Approval, Backchannel]
OFFLINE = "openid profile offline_access"


@pytest.mark.parametrize(
    "taken_back", [withdrawn, signed_out, signed_out_from_elsewhere, deceased, everything_ended]
)
@pytest.mark.parametrize("stage", STAGES)
async def test_nothing_comes_of_it(here: Site, stage: Any, taken_back: Any) -> None:
    step, browser = stage(), here.browser()
    await step.agreed(here, browser)
    await taken_back(here, browser, step.client_id)
    told = await step.collected(here)
    assert told.get("error") == "invalid_grant", told


@pytest.mark.parametrize("taken_back", [withdrawn, deceased, everything_ended])
@pytest.mark.parametrize("stage", STAGES)
async def test_nor_of_what_outlives_a_session(here: Site, stage: Any, taken_back: Any) -> None:
    step, browser = stage(), here.browser()
    step.scope = OFFLINE
    await step.agreed(here, browser)
    await taken_back(here, browser, step.client_id)
    assert (await step.collected(here)).get("error") == "invalid_grant"


@pytest.mark.parametrize("stage", STAGES)
async def test_what_nobody_took_back_is_collected(here: Site, stage: Any) -> None:
    """And what is taken back of one client is nothing to another."""
    step, browser = stage(), here.browser()
    await step.agreed(here, browser)
    await here.world.database.submit(*unredeemed.of_consent(here.world.amina.id, "shop"))
    await here.world.database.submit(*unredeemed.at_issuer("somebody", ORIGIN))
    assert "access_token" in await step.collected(here)


@pytest.mark.parametrize("stage", STAGES)
async def test_sign_out_leaves_what_outlives_it(here: Site, stage: Any) -> None:
    step, browser = stage(), here.browser()
    step.scope = OFFLINE
    await step.agreed(here, browser)
    await signed_out(here, browser, step.client_id)
    assert "refresh_token" in await step.collected(here)
