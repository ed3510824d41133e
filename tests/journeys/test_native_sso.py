"""Apps of one maker on one device share a login (OpenID Connect Native SSO for Mobile Apps 1.0)."""

from dataclasses import dataclass, replace
from typing import Any

import pytest

from idp.protocol.client import Client
from idp.protocol.native_sso import DEVICE_SECRET
from idp.protocol.token_exchange import ACCESS_TOKEN, GRANT_TYPE, ID_TOKEN
from idp.stores.clients import Clients
from tests.journeys.browsers import Browser, Page
from tests.journeys.login_world import CLINIC, ORIGIN, VERIFIER, Site
from tests.machines import claims_of

SCOPE = frozenset(("openid", "profile", "email", "offline_access", "device_sso"))
MAPS = replace(
    CLINIC,
    client_id="maps",
    names={"": "Maps"},
    redirect_uris=("com.example.maps:/cb",),
    post_logout_redirect_uris=(),
    application_type="native",
    grant_types=("authorization_code", "refresh_token", GRANT_TYPE),
    scope=SCOPE,
    sector="maps.example",
    sso_group="example",
)
MAIL = replace(MAPS, client_id="mail", names={"": "Mail"}, redirect_uris=("com.example.mail:/cb",))
MAIL = replace(MAIL, sector="mail.example")
OTHERS = replace(MAPS, client_id="others", sso_group="elsewhere")
LONER = replace(MAPS, client_id="loner", sso_group="")


@dataclass(slots=True)
class Phone:
    """A device on which the apps of one maker share a storage."""

    here: Site
    browser: Browser

    async def signs_in(self, client: Client = MAPS, scope: str = "openid device_sso") -> Page:
        """A person signs in in an app, by the browser."""
        asked = {"scope": scope, "nonce": None}
        page = await self.browser.get(self.here.address(client, **asked))
        if "individual_id" in page.html:
            page = await self.browser.press(page, "/identify", individual_id="4821009637")
            page = await self.browser.press(page, "/prove", otp=await self.here.code())
        if page.url.startswith(ORIGIN):
            page = await self.browser.press(page, "/consent", ("decision", "accept"))
        return page

    async def token(self, client: Client, **form: str) -> dict[str, Any]:
        form = {"client_id": client.client_id} | {k: v for k, v in form.items() if v}
        answer = await self.here.browser().client.post("/token", data=form)
        found: dict[str, Any] = answer.json()
        return found

    async def redeems(self, page: Page, client: Client = MAPS, **form: str) -> dict[str, Any]:
        return await self.token(
            client,
            grant_type="authorization_code",
            code=page.answer["code"],
            redirect_uri=client.redirect_uris[0],
            code_verifier=VERIFIER,
            **form,
        )

    async def exchanges(
        self, first: dict[str, Any], client: Client = MAIL, **form: str
    ) -> dict[str, Any]:
        """Another app presents what the first one left in the shared storage."""
        usual = {
            "grant_type": GRANT_TYPE,
            "audience": ORIGIN,
            "subject_token": first["id_token"],
            "subject_token_type": ID_TOKEN,
            "actor_token": first.get("device_secret", ""),
            "actor_token_type": DEVICE_SECRET,
        }
        return await self.token(client, **(usual | form))


@pytest.fixture
async def phone(here: Site) -> Phone:
    clients = Clients(here.world.database)
    kept = (clients.insert(one) for one in (MAPS, MAIL, OTHERS, LONER))
    await here.world.database.submit(*kept)
    return Phone(here, here.browser())


@pytest.mark.spec("OpenID Connect Native SSO 1.0 §3.4, §4.4")
async def test_one_login_lets_two_apps_in(phone: Phone) -> None:
    page = await phone.browser.get(phone.here.address(MAPS, scope="openid device_sso"))
    page = await phone.browser.press(page, "/identify", individual_id="4821009637")
    page = await phone.browser.press(page, "/prove", otp=await phone.here.code())
    assert "other apps of the maker of \u2068Maps\u2069 let you in" in page.text
    page = await phone.browser.press(page, "/consent", ("decision", "accept"))
    first = await phone.redeems(page)
    claims = claims_of(first["id_token"])
    assert claims["sid"] and claims["ds_hash"] and len(first["device_secret"]) == 43
    second = await phone.exchanges(first)
    assert second["issued_token_type"] == ACCESS_TOKEN and second["token_type"] == "Bearer"
    assert second["device_secret"] == first["device_secret"] and second["scope"] == "openid"
    told = claims_of(second["id_token"])
    assert told["aud"] == "mail" and told["ds_hash"] == claims["ds_hash"]
    assert told["acr"] == claims["acr"] and told["amr"] == claims["amr"]
    assert told["sub"] != claims["sub"] and told["sid"] != claims["sid"], "two sectors"
    third = await phone.exchanges({**second})
    assert third["access_token"] and third["id_token"], "an exchanged ID token serves as well"
    metadata = (await phone.browser.get("/.well-known/openid-configuration")).response.json()
    assert metadata["native_sso_supported"] is True
    assert "device_sso" in metadata["scopes_supported"]


async def test_an_expired_id_token_serves_as_long_as_the_session(phone: Phone) -> None:
    first = await phone.redeems(await phone.signs_in())
    phone.here.clock.time += 7 * 3600
    assert "access_token" in await phone.exchanges(first)
    phone.here.clock.time += 3600
    assert (await phone.exchanges(first))["error"] == "invalid_grant"


async def test_nothing_is_told_that_was_not_agreed_to(phone: Phone) -> None:
    first = await phone.redeems(await phone.signs_in())
    assert (await phone.exchanges(first, scope="openid profile"))["error"] == "consent_required"
    await phone.signs_in(MAIL, "openid profile offline_access")
    second = await phone.exchanges(first, scope="openid profile offline_access")
    assert second["refresh_token"] and "profile" in second["scope"]
    bearer = {"authorization": f"Bearer {second['access_token']}"}
    answer = await phone.here.browser().client.get("/userinfo", headers=bearer)
    assert answer.json()["name"] and "email" not in answer.json()
    assert (await phone.exchanges(first, scope="openid email"))["error"] == "consent_required"
    assert (await phone.exchanges(first, scope="openid phone"))["error"] == "invalid_scope"
    assert (await phone.exchanges(first, scope="profile"))["error"] == "invalid_scope"


@pytest.mark.attack("A20")
async def test_it_dies_with_the_session(phone: Phone) -> None:
    first = await phone.redeems(await phone.signs_in())
    second = await phone.exchanges(first)
    page = await phone.browser.get("/logout")
    await phone.browser.press(page, "/logout/confirm", ("decision", "continue"))
    assert (await phone.exchanges(first))["error"] == "invalid_grant"
    bearer = {"authorization": f"Bearer {second['access_token']}"}
    answer = await phone.here.browser().client.get("/userinfo", headers=bearer)
    assert answer.status_code == 401, "what came of it is dead as well"


@pytest.mark.attack("A21")
async def test_who_locked_a_factor_is_acted_for_no_more(phone: Phone) -> None:
    first = await phone.redeems(await phone.signs_in())
    world = phone.here.world
    lock = world.residents.lock(world.amina.id, ("otp",), phone.here.clock.now())
    await world.database.submit(lock)
    assert (await phone.exchanges(first))["error"] == "invalid_grant"


@pytest.mark.attack("A16")
async def test_secret_and_id_token_are_good_only_together(phone: Phone) -> None:
    first = await phone.redeems(await phone.signs_in())
    other = Phone(phone.here, phone.here.browser())
    theirs = await other.redeems(await other.signs_in())
    mixed = [
        {**first, "device_secret": theirs["device_secret"]},
        {**first, "device_secret": "x" * 43},
        {**first, "id_token": first["access_token"]},
        {**first, "id_token": first["id_token"][:-4] + "AAAA"},
        {**first, "id_token": "x"},
    ]
    for pair in mixed:
        assert (await phone.exchanges(pair))["error"] == "invalid_grant"
    plain = await phone.redeems(await phone.signs_in(scope="openid"))
    assert "device_secret" not in plain and "ds_hash" not in claims_of(plain["id_token"])
    plain["device_secret"] = first["device_secret"]
    assert (await phone.exchanges(plain))["error"] == "invalid_grant"


async def test_only_apps_of_one_group_share(phone: Phone) -> None:
    first = await phone.redeems(await phone.signs_in())
    assert (await phone.exchanges(first, OTHERS))["error"] == "invalid_grant"
    assert (await phone.exchanges(first, LONER))["error"] == "unauthorized_client"
    assert (await phone.exchanges(first, CLINIC))["error"] == "unauthorized_client"
    alone = await phone.redeems(await phone.signs_in(LONER), LONER)
    assert alone["access_token"] and "device_secret" not in alone


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"audience": ""}, "invalid_request"),
        ({"audience": "https://elsewhere.example"}, "invalid_target"),
        ({"subject_token_type": ACCESS_TOKEN}, "invalid_request"),
        ({"subject_token": ""}, "invalid_request"),
        ({"actor_token": ""}, "invalid_request"),
        ({"requested_token_type": ID_TOKEN}, "invalid_request"),
    ],
)
async def test_what_is_missing_is_told(phone: Phone, changes: dict[str, str], error: str) -> None:
    first = await phone.redeems(await phone.signs_in())
    assert (await phone.exchanges(first, **changes))["error"] == error


@pytest.mark.spec("OpenID Connect Native SSO 1.0 §3.3")
async def test_a_secret_that_is_there_stays_and_a_wrong_one_counts_for_nothing(
    phone: Phone,
) -> None:
    scope = "openid device_sso offline_access"
    first = await phone.redeems(await phone.signs_in(scope=scope))
    secret = first["device_secret"]
    again = await phone.redeems(await phone.signs_in(scope=scope), device_secret=secret)
    assert again["device_secret"] == secret
    assert claims_of(again["id_token"])["ds_hash"] == claims_of(first["id_token"])["ds_hash"]
    fresh = await phone.redeems(await phone.signs_in(scope=scope), device_secret="x" * 43)
    assert fresh["device_secret"] not in (secret, "x" * 43)
    form = {"grant_type": "refresh_token", "refresh_token": again["refresh_token"]}
    silent = await phone.token(MAPS, **form)
    assert "device_secret" not in silent and "ds_hash" not in claims_of(silent["id_token"])
    form["refresh_token"] = silent["refresh_token"]
    told = await phone.token(MAPS, device_secret=secret, **form)
    assert told["device_secret"] == secret and claims_of(told["id_token"])["ds_hash"]


async def test_an_app_may_demand_a_recent_login(phone: Phone) -> None:
    await phone.here.world.database.submit(
        Clients(phone.here.world.database).replace(replace(MAIL, default_max_age=60))
    )
    first = await phone.redeems(await phone.signs_in())
    assert claims_of((await phone.exchanges(first))["id_token"])["auth_time"]
    phone.here.clock.time += 60
    assert (await phone.exchanges(first))["error"] == "login_required"


async def test_a_person_sees_it_in_their_history(phone: Phone) -> None:
    await phone.exchanges(await phone.redeems(await phone.signs_in()))
    page = await phone.browser.get("/me/history")
    assert "Maps" in page.text and "Mail" in page.text
