"""A lock that is checked when a login begins, and at no later stage.

Keycloak CVE-2026-9798 and its incomplete fix CVE-2026-16103 (redemption of what was approved before
the lock).
"""

from pathlib import Path

import pytest
from msgspec import structs

from config.runtime.database.connect import OpenDatabase
from config.runtime.database.unit import Statement
from config.settings import Features
from idp.protocol.token_exchange import GRANT_TYPE
from idp.residents.tables import resident
from tests.journeys.login_world import Site
from tests.journeys.machine.test_token_exchange import gateway_of
from tests.keyrings import HandClock
from tests.machines import OTHER, resource_server
from tests.oauth import ISSUER, Ground, provider

pytestmark = [pytest.mark.attack("A21"), pytest.mark.attack("A20")]


async def locked(here: Site) -> None:
    """Lock every factor of the person, as they would on their own page."""
    lock = here.world.residents.lock(here.world.amina.id, ("otp", "pin", "totp"), here.clock.now())
    await here.world.database.submit(lock)


async def test_between_the_id_and_the_code(here: Site) -> None:
    browser = here.browser()
    page = await here.named(browser)
    code = await here.code()
    await locked(here)
    assert (await browser.press(page, "/prove", otp=code)).status == 422


async def test_between_the_proof_and_the_consent(here: Site) -> None:
    """Whoever proved before the lock may finish this login; nothing silent comes after it."""
    browser = here.browser()
    page = await here.proven(browser)
    await locked(here)
    await browser.press(page, "/consent", ("decision", "accept"))
    silent = await browser.get(here.address(prompt="none"))
    assert silent.answer["error"] == "login_required"


@pytest.mark.parametrize("state", ["locked", "deceased", "expired"])
async def test_a_person_who_may_not_is_acted_for_at_no_stage(here: Site, state: str) -> None:
    browser = here.browser()
    page = await here.logged_in(browser, scope="openid profile offline_access", prompt="consent")
    tokens = await here.tokens(page)
    later = await browser.get(here.address(scope="openid profile"))
    assert "code" in later.answer
    change = resident.update().where(resident.c.id == here.world.amina.id).values(state=state)
    await here.world.database.load([(Statement(change), [{}])])
    redeemed = await here.tokens(later)
    assert redeemed.get("error") == "invalid_grant", "what was approved before the lock"
    client = here.browser().client
    sent = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    refreshed = await client.post("/token", data=sent | {"client_id": "clinic"})
    assert refreshed.json()["error"] == "invalid_grant"
    bearer = {"authorization": f"Bearer {tokens['access_token']}"}
    assert (await client.get("/userinfo", headers=bearer)).status_code == 401
    silent = await browser.get(here.address(prompt="none"))
    assert silent.answer["error"] == "login_required"


@pytest.mark.parametrize("state", ["locked", "deceased", "expired"])
async def test_no_token_of_before_opens_anything(
    database: OpenDatabase, tmp_path: Path, state: str
) -> None:
    """At our own resources, for resource servers that ask, and as what is to be exchanged."""
    issuer = structs.replace(ISSUER, features=Features(sample_resource=True))
    ground = Ground(database=database, directory=tmp_path, clock=HandClock(), issuer=issuer)
    op = await provider(ground)
    await resource_server(op, OTHER, audience_scope=frozenset())
    app = await op.register(resources=(OTHER,))
    gateway = await gateway_of(op, app)
    tokens = await op.tokens(app, scope=("openid", "profile", "offline_access"))
    token = tokens["access_token"]
    change = resident.update().where(resident.c.id == op.resident_id).values(state=state)
    await op.database.load([(Statement(change), [{}])])
    bearer = {"authorization": f"Bearer {token}"}
    for path in ("/userinfo", "/resource"):
        assert (await op.http.get(path, headers=bearer)).status_code == 401, path
    for one in (token, tokens["refresh_token"]):
        assert (await op.post("/introspect", app, token=one)).json() == {"active": False}
    for kind in ("access_token", "id_token"):
        form = {
            "grant_type": GRANT_TYPE,
            "subject_token": tokens[kind],
            "subject_token_type": f"urn:ietf:params:oauth:token-type:{kind}",
        }
        exchanged = await op.post("/token", gateway, **form)
        assert exchanged.json()["error"] == "invalid_request", kind
    await op.http.aclose()
