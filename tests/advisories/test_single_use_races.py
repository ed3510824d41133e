"""What may be used once, used by many in the same instant.

goiabada#77, better-auth CVE-2026-53518, NocoDB CVE-2026-47386, supabase/auth#2613, 1mcp#468 and
#512, django-oidc-provider#410: read, check and write in three steps, so that two requests pass.
"""

import asyncio

import pytest

from tests.journeys.login_world import Site
from tests.oauth import Provider

pytestmark = pytest.mark.attack("A14")


async def test_one_code_makes_one_set_of_tokens(op: Provider) -> None:
    client = await op.register()
    code = await op.code(client.client)
    answers = await asyncio.gather(*(op.redeem(client, code) for _ in range(24)))
    assert [answer.status_code for answer in answers].count(200) == 1


async def test_one_refresh_token_has_one_successor(op: Provider) -> None:
    client = await op.register(grant_types=("authorization_code", "refresh_token"))
    first = await op.tokens(client, scope=("openid", "offline_access"))
    sent = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    answers = await asyncio.gather(*(op.post("/token", client, **sent) for _ in range(12)))
    told = [answer.json() for answer in answers if answer.status_code == 200]
    assert len({each["refresh_token"] for each in told}) <= 1


async def test_one_assertion_proves_one_request(op: Provider) -> None:
    client = await op.register("private_key_jwt")
    form = op.credentials(client)["form"] | {"token": "x"}
    answers = await asyncio.gather(*(op.http.post("/introspect", data=form) for _ in range(12)))
    assert [answer.status_code for answer in answers].count(200) == 1


async def test_one_code_from_the_phone_opens_one_login(here: Site) -> None:
    browser = here.browser()
    page = await here.named(browser)
    code = await here.code()
    pages = await asyncio.gather(*(browser.press(page, "/prove", otp=code) for _ in range(8)))
    agreed = [each for each in pages if each.status == 200]
    assert agreed and {each.status for each in pages} <= {200, 409, 422}
    answers = await asyncio.gather(
        *(browser.press(agreed[0], "/consent", ("decision", "accept")) for _ in range(8))
    )
    codes = {each.answer["code"] for each in answers if "code" in each.answer}
    assert len(codes) == 1
