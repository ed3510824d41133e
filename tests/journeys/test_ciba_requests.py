"""What is refused of backchannel requests, and what their answers do not tell."""

from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from config.runtime.database.unit import Statement, Write
from idp.residents.tables import resident
from tests.backchannel import BANK, PERSON, SECRET, ask, known, poll, post, refusal, signed
from tests.factor_world import CHARITY
from tests.journeys.login_world import ORIGIN, Site

SIGNS = {"backchannel_authentication_request_signing_alg": "ES256"}
STRANGER = ECKey.generate_key("P-256", {"kid": "rp-1"}, private=True)


async def sent(here: Site, token: str, **beside: str) -> Any:
    return await post(here, "/bc-authorize", BANK, request=token, **beside)


@pytest.mark.behaviour(51)
async def test_a_signed_request(here: Site) -> None:
    await known(here, **SIGNS)
    answer = await sent(here, signed(here.clock.time))
    assert answer.status_code == 200, answer.text
    again = await sent(here, signed(here.clock.time))
    assert refusal(again) == "invalid_request", "an object is used once"


@pytest.mark.behaviour(51)
async def test_what_is_not_signed_is_refused_where_a_signature_is_owed(here: Site) -> None:
    await known(here, **SIGNS)
    assert refusal(await ask(here)) == "invalid_request"


@pytest.mark.behaviour(51)
@pytest.mark.parametrize("name", ["aud", "iss", "exp", "iat", "nbf", "jti"])
async def test_an_object_that_lacks_something(here: Site, name: str) -> None:
    await known(here, **SIGNS)
    token = signed(here.clock.time, **{name: None})
    assert refusal(await sent(here, token)) == "invalid_request"


@pytest.mark.behaviour(51)
async def test_objects_for_others_of_other_times_and_by_others(here: Site) -> None:
    await known(here, **SIGNS)
    now = here.clock.time
    tokens = [
        signed(now, aud="https://other.example"),
        signed(now, iss="shop"),
        signed(now, exp=now - 60),
        signed(now, exp=now + 70 * 60),
        signed(now, nbf=now + 600),
        signed(now, nbf=now - 70 * 60),
        signed(now, login_hint=None),
        signed(now, id_token_hint="x"),
        signed(now, login_hint_token="x", login_hint=None),
        signed(now, acr_values=None, scope=None),
        signed(now) + "A",
        "no.token",
        "é",
    ]
    claims = {"iss": "bank", "aud": ORIGIN, "iat": now, "nbf": now, "exp": now + 60, "jti": "x"}
    claims |= {"scope": "openid", "login_hint": PERSON}
    tokens.append(jwt.encode({"alg": "ES256", "kid": "rp-1"}, claims, STRANGER))
    rsa = RSAKey.generate_key(2048, private=True)
    tokens.append(jwt.encode({"alg": "RS256", "kid": "rp-1"}, claims, rsa))
    none = "eyJhbGciOiJub25lIn0." + jwt.encode({"alg": "ES256"}, claims, STRANGER).split(".")[1]
    tokens.append(none + ".")
    for token in tokens:
        assert refusal(await sent(here, token)).startswith("invalid_"), token


@pytest.mark.behaviour(51)
async def test_a_request_is_signed_as_registered(here: Site) -> None:
    await known(here, backchannel_authentication_request_signing_alg="PS256")
    assert refusal(await sent(here, signed(here.clock.time))) == "invalid_request"


@pytest.mark.behaviour(51)
async def test_nothing_stands_beside_a_signed_request(here: Site) -> None:
    await known(here, **SIGNS)
    for beside in ({"scope": "openid"}, {"binding_message": "1"}, {"requested_expiry": "9"}):
        answer = await sent(here, signed(here.clock.time), **beside)
        assert refusal(answer) == "invalid_request"


@pytest.mark.behaviour(51)
async def test_the_client_authenticates_as_it_registered(here: Site) -> None:
    await known(here)
    form = {"client_id": "bank", "scope": "openid", "login_hint": PERSON}
    browser = here.browser().client
    for credentials in ({}, {"client_secret": "wrong"}, {"client_id": "nobody"}):
        answer = await browser.post("/bc-authorize", data={**form, **credentials})
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert refusal(await ask(here, client_id="shop")) == "invalid_client"
    answer = await browser.post("/bc-authorize", data={**form, "client_id": "shop"})
    assert refusal(answer) == "unauthorized_client", "a public client"


@pytest.mark.behaviour(51)
async def test_a_client_that_did_not_register_the_grant(here: Site) -> None:
    await known(here, grant_types=("authorization_code",), backchannel_token_delivery_mode=None)
    assert refusal(await ask(here)) == "unauthorized_client"


@pytest.mark.behaviour(52)
async def test_what_is_accepted(here: Site) -> None:
    await known(here)
    answer = await ask(here, requested_expiry="30", scope="profile openid", binding_message="1234")
    assert answer.json()["expires_in"] == 30
    answer = await sent(here, signed(here.clock.time, requested_expiry=31))
    assert answer.json()["expires_in"] == 31
    assert (await ask(here, requested_expiry="99999")).json()["expires_in"] == 900


@pytest.mark.behaviour(52)
async def test_a_message_that_cannot_be_shown(here: Site) -> None:
    await known(here)
    answer = await ask(here, binding_message="\N{RIGHT-TO-LEFT OVERRIDE}1234")
    assert refusal(answer) == "invalid_binding_message"


async def test_ways_of_asking_that_are_refused(here: Site) -> None:
    await known(here)
    for asked, code in (
        ({"login_hint": None}, "invalid_request"),
        ({"scope": "profile"}, "invalid_scope"),
        ({"scope": None}, "invalid_scope"),
        ({"request_uri": "https://bank.example/r"}, "request_uri_not_supported"),
        ({"id_token_hint": "x", "login_hint": None}, "invalid_request"),
        ({"authorization_details": "no"}, "invalid_authorization_details"),
        ({"claims": "no"}, "invalid_request"),
    ):
        assert refusal(await ask(here, **asked)) == code, asked
    form = [("client_id", "bank"), ("client_secret", SECRET), ("scope", "openid")]
    twice = [*form, ("login_hint", PERSON), ("login_hint", PERSON)]
    body = "&".join(f"{name}={value.replace(' ', '+')}" for name, value in twice)
    answer = await here.browser().client.post(
        "/bc-authorize",
        content=body,
        headers={"content-type": "application/x-www-form-urlencoded"},
    )
    assert refusal(answer) == "invalid_request"
    assert (await here.browser().client.get("/bc-authorize")).status_code == 405


@pytest.mark.behaviour(55)
async def test_an_auth_req_id_cannot_be_guessed(here: Site) -> None:
    await known(here)
    ids = [(await ask(here)).json()["auth_req_id"] for _ in range(3)]
    assert len(set(ids)) == 3
    assert all(len(one) == 43 and one.replace("-", "a").replace("_", "a").isalnum() for one in ids)


@pytest.mark.attack("A23")
async def test_nobody_learns_who_is_registered(here: Site) -> None:
    """Unknown, locked, known, and asked too often: one answer, and the same work for it."""
    await known(here)
    database, work = here.world.database, {}
    hints = {
        "known": PERSON,
        "unknown": "9999999999",
        "locked": str(CHARITY["national_id"]),
        "odd": "nobody@nowhere.example",
    }
    await ask(here, login_hint="5930117482")  # the client and keys are known from here on
    for name, hint in hints.items():
        database.asked.clear()
        here.world.door.asked.clear()
        answer = await ask(here, login_hint=hint)
        assert answer.status_code == 200
        assert set(answer.json()) == {"auth_req_id", "expires_in", "interval"}
        assert refusal(await poll(here, answer.json()["auth_req_id"])) == "authorization_pending"
        work[name] = (*database.asked, *here.world.door.asked)
    assert work["known"] == work["unknown"] == work["locked"] == work["odd"]


async def test_a_person_who_is_locked_is_not_asked(here: Site) -> None:
    await known(here)
    lock = resident.update().where(resident.c.id == here.world.amina.id).values(state="locked")
    await here.world.database.submit(Write(Statement(lock), {}))
    answer = await ask(here)
    assert refusal(await poll(here, answer.json()["auth_req_id"])) == "authorization_pending"
    assert await here.world.letters() == []


@pytest.mark.attack("A31")
async def test_a_person_is_asked_seldom_whatever_a_client_does(here: Site) -> None:
    """Push-bombing: the fourth request of a client waits unseen, and looks like the others."""
    await known(here)
    answers = [await ask(here, binding_message=f"number {n}") for n in range(5)]
    assert {answer.status_code for answer in answers} == {200}
    letters = [letter for letter in await here.world.letters() if "/approvals/" in letter.text]
    assert len(letters) == 3
    other = await known(here, client_id="other", backchannel_user_code_parameter=False)
    await ask(here, other)
    await ask(here, other)
    letters = [letter for letter in await here.world.letters() if "/approvals/" in letter.text]
    assert len(letters) == 4, "the budget of the person, over all clients"


async def test_a_client_that_asks_too_often_is_told_to_slow_down(here: Site) -> None:
    await known(here)
    for _ in range(40):
        assert (await ask(here, login_hint="1")).status_code == 200
    assert refusal(await ask(here, login_hint="1")) == "slow_down"


@pytest.mark.behaviour(55)
async def test_user_codes(here: Site) -> None:
    client = await known(here, backchannel_user_code_parameter=True)
    assert refusal(await ask(here, client)) == "missing_user_code"
    for hint in (PERSON, "9999999999", str(CHARITY["national_id"])):
        answer = await ask(here, client, login_hint=hint, user_code="mango7")
        assert refusal(answer) == "invalid_user_code", "nobody has a code"
    write = await here.world.residents.enrol(
        here.world.amina.id, "user_code", b"mango7", here.clock.time
    )
    await here.world.database.submit(write)
    assert (await ask(here, client, user_code="Mango 7")).status_code == 200
    assert refusal(await ask(here, client, user_code="mango8")) == "invalid_user_code"
    assert refusal(await ask(here, client, user_code="mango9")) == "invalid_user_code"
    assert refusal(await ask(here, client, user_code="mango7")) == "invalid_user_code", "worn out"


@pytest.mark.behaviour(55)
async def test_who_set_a_code_is_not_asked_without_it(here: Site) -> None:
    await known(here)
    write = await here.world.residents.enrol(
        here.world.amina.id, "user_code", b"mango7", here.clock.time
    )
    await here.world.database.submit(write)
    answer = await ask(here)
    assert refusal(await poll(here, answer.json()["auth_req_id"])) == "authorization_pending"
    assert await here.world.letters() == []
    await ask(here, user_code="mango7")
    assert len(await here.world.letters()) == 1
