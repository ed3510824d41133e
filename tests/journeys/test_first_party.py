"""A first-party application shows the login itself; everything behind it is as in a browser."""

from dataclasses import replace
from typing import Any, cast

import pytest

from idp.protocol.client import Client
from idp.stores.clients import Clients
from tests.journeys.login_world import CHALLENGE, CLINIC, VERIFIER, Site

PERSON = "4821009637"
APP = replace(CLINIC, client_id="app", first_party=True, names={"": "The ID app"})
OTHER = replace(APP, client_id="other-app")

pytestmark = pytest.mark.spec("OAuth 2.0 for First-Party Applications draft 04")


class App:
    """An application on somebody's phone."""

    def __init__(self, here: Site, client: Client = APP) -> None:
        self.here = here
        self.client = client
        self.http = here.browser().client

    async def ask(self, **fields: str) -> tuple[int, dict[str, Any]]:
        form = {"client_id": self.client.client_id} | fields
        answer = await self.http.post("/authorize-challenge", data=form)
        assert answer.headers["cache-control"] == "no-store"
        return answer.status_code, cast(dict[str, Any], answer.json())

    async def begin(self, **fields: str) -> dict[str, Any]:
        usual = {"scope": "openid", "code_challenge": CHALLENGE, "code_challenge_method": "S256"}
        status, told = await self.ask(**(usual | fields))
        assert status == 403 and told["error"] == "insufficient_authorization", told
        return told

    async def redeem(self, code: str, verifier: str = VERIFIER) -> dict[str, Any]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "client_id": self.client.client_id,
            "code_verifier": verifier,
        }
        return cast(dict[str, Any], (await self.http.post("/token", data=form)).json())


@pytest.fixture
async def app(here: Site) -> App:
    clients = Clients(here.world.database)
    await here.world.database.submit(clients.insert(APP), clients.insert(OTHER))
    return App(here)


async def test_a_person_is_asked_step_by_step_and_the_code_is_good(app: App) -> None:
    told = await app.begin()
    assert told["step"] == "identify"
    session = told["auth_session"]
    status, told = await app.ask(auth_session=session, individual_id=PERSON)
    assert status == 403 and told["step"] == "prove" and told["factor"] == "otp"
    status, told = await app.ask(auth_session=session, otp=await app.here.code())
    assert status == 200 and set(told) == {"authorization_code"}
    assert "error" in await app.redeem(told["authorization_code"], "w" * 43)
    assert (await app.redeem(told["authorization_code"]))["id_token"]


async def test_who_one_is_may_come_with_the_first_request(app: App) -> None:
    told = await app.begin(individual_id=PERSON)
    assert told["step"] == "prove"
    _, told = await app.ask(auth_session=told["auth_session"], otp=await app.here.code())
    assert told["authorization_code"]


async def test_wrong_unknown_and_locked_look_the_same(app: App) -> None:
    shown = []
    for person in (PERSON, "1111111111"):
        told = await app.begin(individual_id=person)
        status, told = await app.ask(auth_session=told["auth_session"], otp="000000")
        told.pop("auth_session")
        shown.append((status, told))
    assert shown[0] == shown[1] and shown[0][1]["wrong"] is True


async def test_another_factor_can_be_chosen(app: App) -> None:
    told = await app.begin(individual_id=PERSON)
    session = told["auth_session"]
    assert "pin" in told["factors"]
    _, told = await app.ask(auth_session=session, factor="pin")
    assert told["factor"] == "pin"
    status, told = await app.ask(auth_session=session, factor="no-such")
    assert (status, told["error"]) == (400, "invalid_request")


async def test_consent_is_given_on_a_page_of_ours_and_then_remembered(app: App) -> None:
    told = await app.begin(individual_id=PERSON, scope="openid email")
    status, told = await app.ask(auth_session=told["auth_session"], otp=await app.here.code())
    assert (status, told["error"]) == (400, "redirect_to_web")
    browser = app.here.browser()
    page = await browser.get(app.here.address(APP, scope="openid email"))
    page = await browser.press(page, "/identify", individual_id=PERSON)
    page = await browser.press(page, "/prove", otp=await app.here.code())
    await browser.press(page, "/consent", ("decision", "accept"))
    told = await app.begin(individual_id=PERSON, scope="openid email")
    status, told = await app.ask(auth_session=told["auth_session"], otp=await app.here.code())
    assert status == 200 and told["authorization_code"]


async def test_a_session_is_one_applications_alone(app: App) -> None:
    told = await app.begin(individual_id=PERSON)
    thief = App(app.here, OTHER)
    session, code = told["auth_session"], await app.here.code()
    login, _, secret = session.partition(".")
    for stolen in (session, f"{login}.{'A' * 43}", "x", f"{secret}.{login}"):
        by = thief if stolen == session else app
        status, told = await by.ask(auth_session=stolen, otp=code)
        assert (status, told["error"]) == (400, "invalid_session")
    status, told = await app.ask(auth_session=session, otp=code)
    assert status == 200
    status, told = await app.ask(auth_session=session, otp=code)
    assert status == 400, "an answered login answers once"


async def test_it_ends_with_time(app: App) -> None:
    told = await app.begin(individual_id=PERSON)
    app.here.clock.time += 1801
    status, told = await app.ask(auth_session=told["auth_session"], otp="000000")
    assert (status, told["error"]) == (400, "invalid_session")


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"code_challenge": ""}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"scope": "email"}, "invalid_scope"),
        ({"claims": "{"}, "invalid_request"),
        ({"request": "x"}, "request_not_supported"),
        ({"auth_session": "x"}, "invalid_session"),
    ],
)
async def test_requests_are_judged_like_any_other(
    app: App, fields: dict[str, str], error: str
) -> None:
    usual = {"scope": "openid", "code_challenge": CHALLENGE, "code_challenge_method": "S256"}
    status, told = await app.ask(**(usual | fields))
    assert (status, told["error"]) == (400, error)


async def test_other_clients_are_turned_away(app: App) -> None:
    status, told = await App(app.here, CLINIC).ask(scope="openid", code_challenge=CHALLENGE)
    assert (status, told["error"]) == (400, "unauthorized_client")
