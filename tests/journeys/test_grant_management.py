"""A client names a grant, widens it, replaces it, reads it and ends it."""

import hashlib
from dataclasses import replace
from typing import Any, cast

import pytest

from idp.stores.clients import Clients
from tests.journeys.browsers import Page
from tests.journeys.login_world import CLINIC, ORIGIN, VERIFIER, Site

SECRET = "a secret of 256 bits, in a test"
BANK = replace(
    CLINIC,
    client_id="bank",
    token_endpoint_auth_method="client_secret_post",
    secret_digest=hashlib.sha256(SECRET.encode()).digest(),
    grant_types=("authorization_code", "refresh_token", "client_credentials"),
    scope=CLINIC.scope | {"grant_management_query", "grant_management_revoke"},
)
RIVAL = replace(BANK, client_id="rival")

pytestmark = pytest.mark.spec("Grant Management for OAuth 2.0")


class Bank:
    """A relying party, and the browser of one person."""

    def __init__(self, here: Site) -> None:
        self.here = here
        self.browser = here.browser()
        self.http = here.browser().client

    async def _post(self, client: Any, **form: str) -> dict[str, Any]:
        named = {"client_id": client.client_id, "client_secret": SECRET}
        answer = await self.http.post("/token", data=form | named)
        return cast(dict[str, Any], answer.json())

    async def begin(self, **asked: str) -> Page:
        page = await self.browser.get(self.here.address(BANK, **asked))
        if "What is your ID number?" in page.text:
            page = await self.browser.press(page, "/identify", individual_id="4821009637")
            page = await self.browser.press(page, "/prove", otp=await self.here.code())
        if page.url.startswith(ORIGIN):
            page = await self.browser.press(page, "/consent", ("decision", "accept"))
        return page

    async def tokens(self, **asked: str) -> dict[str, Any]:
        page = await self.begin(**asked)
        return await self._post(
            BANK,
            grant_type="authorization_code",
            code=page.answer["code"],
            redirect_uri=BANK.redirect_uris[0],
            code_verifier=VERIFIER,
        )

    async def refresh(self, token: str) -> dict[str, Any]:
        return await self._post(BANK, grant_type="refresh_token", refresh_token=token)

    async def manager(self, scope: str, client: Any = BANK) -> dict[str, str]:
        told = await self._post(client, grant_type="client_credentials", scope=scope)
        return {"authorization": f"Bearer {told['access_token']}"}

    async def userinfo(self, tokens: dict[str, Any]) -> int:
        bearer = {"authorization": f"Bearer {tokens['access_token']}"}
        return (await self.http.get("/userinfo", headers=bearer)).status_code


@pytest.fixture
async def bank(here: Site) -> Bank:
    clients = Clients(here.world.database)
    await here.world.database.submit(clients.insert(BANK), clients.insert(RIVAL))
    return Bank(here)


CREATE = {"grant_management_action": "create"}


async def test_a_grant_is_read_and_ended_by_its_client_alone(bank: Bank) -> None:
    tokens = await bank.tokens(scope="openid email offline_access", **CREATE)
    path = f"/grants/{tokens['grant_id']}"
    query = await bank.manager("grant_management_query")
    told = (await bank.http.get(path, headers=query)).json()
    assert told["scopes"] == [{"scope": "openid email offline_access"}]
    assert told["claims"] == ["email", "email_verified"]
    assert (await bank.http.delete(path, headers=query)).status_code == 403
    revoke = await bank.manager("grant_management_revoke")
    assert (await bank.http.get(path, headers=revoke)).status_code == 403
    for scope in ("grant_management_query", "grant_management_revoke"):
        rival = await bank.manager(scope, RIVAL)
        ask = bank.http.get if "query" in scope else bank.http.delete
        assert (await ask(path, headers=rival)).status_code == 404
    assert (await bank.http.get(path)).status_code == 401
    assert await bank.userinfo(tokens) == 200
    gone = await bank.http.delete(path, headers=revoke)
    assert (gone.status_code, gone.content) == (204, b"")
    assert await bank.userinfo(tokens) == 401
    assert (await bank.refresh(tokens["refresh_token"]))["error"] == "invalid_grant"
    assert (await bank.http.get(path, headers=query)).status_code == 404


async def test_merging_adds_and_replacing_takes_away(bank: Bank) -> None:
    first = await bank.tokens(scope="openid email offline_access", **CREATE)
    bank.here.clock.time += 2
    named = {"grant_id": first["grant_id"]}
    merged = await bank.tokens(
        scope="openid phone offline_access", grant_management_action="merge", **named
    )
    assert merged["grant_id"] == first["grant_id"]
    assert set(merged["scope"].split()) == {"openid", "email", "phone", "offline_access"}
    assert await bank.userinfo(first) == 200, "what it allows is allowed still"
    assert (await bank.refresh(first["refresh_token"]))["error"] == "invalid_grant"
    bank.here.clock.time += 2
    replaced = await bank.tokens(
        scope="openid offline_access", grant_management_action="replace", **named
    )
    assert replaced["scope"] == "openid offline_access"
    assert await bank.userinfo(first) == await bank.userinfo(merged) == 401
    assert await bank.userinfo(replaced) == 200
    query = await bank.manager("grant_management_query")
    told = (await bank.http.get(f"/grants/{first['grant_id']}", headers=query)).json()
    assert told["claims"] == [] and told["last_updated_at"] > told["created_at"]


async def test_a_grant_of_somebody_else_is_not_widened(bank: Bank) -> None:
    first = await bank.tokens(scope="openid email", **CREATE)
    other = Bank(bank.here)
    page = await other.browser.get(
        bank.here.address(
            BANK, grant_management_action="merge", grant_id=first["grant_id"], scope="openid"
        )
    )
    page = await other.browser.press(page, "/identify", individual_id="5930117482")
    page = await other.browser.press(page, "/prove", otp=await bank.here.code())
    assert page.answer["error"] == "invalid_grant_id"
    page = await bank.begin(grant_management_action="merge", grant_id="A" * 22)
    assert page.answer["error"] == "invalid_grant_id"


async def test_without_an_action_no_grant_is_named(bank: Bank) -> None:
    assert "grant_id" not in await bank.tokens(scope="openid")


@pytest.mark.parametrize(
    "asked", [{"grant_id": "x"}, {"grant_management_action": "merge"}, {**CREATE, "grant_id": "x"}]
)
async def test_what_does_not_fit_together_is_told(bank: Bank, asked: dict[str, str]) -> None:
    page = await bank.begin(**asked)
    assert page.answer["error"] == "invalid_request"


async def test_public_clients_manage_nothing(bank: Bank) -> None:
    page = await bank.browser.get(bank.here.address(CLINIC, **CREATE))
    assert page.answer["error"] == "invalid_request"


async def test_it_is_announced(bank: Bank) -> None:
    told = (await bank.http.get("/.well-known/openid-configuration")).json()
    assert told["grant_management_endpoint"] == "https://localhost/grants"
    assert told["grant_management_actions_supported"] == [
        *("create", "merge", "replace", "query", "revoke"),
    ]
