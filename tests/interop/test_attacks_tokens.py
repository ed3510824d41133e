"""Attacks on whatever reads a token: each forged one at each place that takes tokens."""

import asyncio
import time
from typing import Any
from urllib.parse import urlencode

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from tests.interop import evil
from tests.interop.outsider import ASSERTION, Answer, Outsider, Tokens, pkce

pytestmark = [pytest.mark.server, pytest.mark.xdist_group("demonstration")]

WALL = 20.0
"""Seconds that the costliest token may take to be refused, on a busy machine."""


async def tokens_of(outside: Outsider, method: str = "client_secret_basic") -> Tokens:
    """The tokens of a person who logged in just now."""
    client = outside.client(method)
    verifier, challenge = pkce()
    person = await outside.person(3)
    answer = await person.log_in(client, code_challenge=challenge, code_challenge_method="S256")
    return await outside.tokens(client, answer.code, code_verifier=verifier)


async def published(outside: Outsider) -> list[dict[str, Any]]:
    keys: list[dict[str, Any]] = (await outside.http.get(outside.metadata["jwks_uri"])).json()[
        "keys"
    ]
    return keys


@pytest.mark.attack("A1")
@pytest.mark.attack("A2")
@pytest.mark.attack("A3")
@pytest.mark.attack("A5")
async def test_no_forged_access_token_opens_anything(outside: Outsider) -> None:
    tokens = await tokens_of(outside)
    good = tokens.told["access_token"]
    claims = await outside.read(good)
    forged = evil.tokens(claims, "at+jwt", await published(outside), good)
    url = outside.metadata["userinfo_endpoint"]
    assert (await outside.http.get(url, headers=tokens.authorization)).status_code == 200
    for name, token in forged.items():
        begun = time.monotonic()
        if token.isascii() and token.strip() == token and "\n" not in token:
            told = await outside.http.get(url, headers={"authorization": f"Bearer {token}"})
            assert told.status_code in (400, 401, 431), name
        posted = await outside.http.post(url, data={"access_token": token})
        assert posted.status_code in (400, 401, 413), name
        asked = await outside.post("introspection", outside.client(), token=token)
        assert asked.status_code in (200, 400, 413), name
        if asked.status_code == 200:
            assert asked.json() == {"active": False}, name
        assert time.monotonic() - begun < WALL, name


@pytest.mark.attack("A1")
@pytest.mark.attack("A2")
@pytest.mark.attack("A3")
@pytest.mark.attack("A9")
async def test_no_forged_hint_counts(outside: Outsider) -> None:
    client = outside.client()
    person = await outside.person(3)
    tokens = await outside.tokens(client, (await person.log_in(client)).code)
    good = tokens.told["id_token"]
    claims = await outside.read(good)
    forged = evil.tokens(claims, "JWT", await published(outside), good)
    target = client["post_logout_redirect_uris"][0]
    for name, token in forged.items():
        if len(token) > 12_000:
            continue  # an address is not that long
        landed = await person.authorize(client, prompt="none", id_token_hint=token)
        assert isinstance(landed, Answer) and landed.error == "invalid_request", name
        asked = {"id_token_hint": token, "post_logout_redirect_uri": target}
        page = await outside.http.get(f"{outside.issuer}/logout?{urlencode(asked)}")
        assert page.status_code in (200, 400) and "location" not in page.headers, name


@pytest.mark.attack("A1")
@pytest.mark.attack("A2")
@pytest.mark.attack("A19")
@pytest.mark.parametrize("method", ["private_key_jwt", "client_secret_jwt"])
async def test_no_forged_assertion_proves_a_client(outside: Outsider, method: str) -> None:
    client = outside.client(method)
    good = outside.assertion(client)
    now = int(time.time())
    name = client["client_id"]
    claims = {"iss": name, "sub": name, "aud": outside.issuer, "exp": now + 60, "iat": now}
    keys = client.get("jwks", {"keys": await published(outside)})["keys"]
    public = [{k: v for k, v in key.items() if k != "d"} for key in keys]
    forged = evil.tokens(claims | {"jti": "j"}, "JWT", public, good)
    if method == "client_secret_jwt":
        del forged["last bits"]  # 256 bits leave two over: judged by the next test
        secret = OctKey.import_key(client["client_secret"])
        for alg in ("HS384", "HS512"):
            forged[alg] = jwt.encode({"alg": alg}, claims | {"jti": alg}, secret, algorithms=[alg])
    for kind, token in forged.items():
        for endpoint in ("token", "introspection", "revocation"):
            form = {"client_assertion_type": ASSERTION, "client_assertion": token}
            sent = {"grant_type": "authorization_code", "code": "x", "token": "x"} | form
            answer = await outside.http.post(outside.metadata[f"{endpoint}_endpoint"], data=sent)
            assert answer.status_code in (400, 401, 413), (kind, endpoint)
            if answer.status_code == 401:
                assert answer.json()["error"] == "invalid_client", (kind, endpoint)
    proof = await outside.post("introspection", client, token="x")
    assert proof.status_code == 200 and proof.json() == {"active": False}


@pytest.mark.attack("A3")
async def test_one_assertion_has_one_spelling(outside: Outsider) -> None:
    """Spare bits at the end of base64url are zero, or a used assertion would have a twin."""
    client = outside.client("private_key_jwt")
    good = outside.assertion(client)
    twin = good[:-1] + evil._neighbour(good[-1])
    form = {"client_assertion_type": ASSERTION, "token": "x"}
    url = outside.metadata["introspection_endpoint"]
    refused = await outside.http.post(url, data=form | {"client_assertion": twin})
    assert refused.status_code == 401
    taken = await outside.http.post(url, data=form | {"client_assertion": good})
    assert taken.status_code == 200


@pytest.mark.attack("A4")
async def test_each_token_opens_its_own_door_only(outside: Outsider) -> None:
    client = outside.client("private_key_jwt")
    verifier, challenge = pkce()
    person = await outside.person(4)
    answer = await person.log_in(
        client,
        scope="openid offline_access",
        prompt="consent",
        code_challenge=challenge,
        code_challenge_method="S256",
    )
    first = await outside.tokens(client, answer.code, code_verifier=verifier)
    kinds = {
        "access_token": first.told["access_token"],
        "id_token": first.told["id_token"],
        "refresh_token": first.told["refresh_token"],
        "assertion": outside.assertion(client),
        "code": answer.code,
    }
    doors = {name: await _doors(outside, name, token) for name, token in kinds.items()}
    assert doors == {
        "access_token": {"userinfo"},
        "id_token": {"hint"},
        "refresh_token": {"refresh"},
        "assertion": {"client"},
        "code": set(),
    }


async def _doors(outside: Outsider, name: str, token: str) -> set[str]:
    client = outside.client("private_key_jwt")
    url, opened = outside.metadata, set()
    told = await outside.http.get(
        url["userinfo_endpoint"], headers={"authorization": f"Bearer {token}"}
    )
    opened |= {"userinfo"} if told.status_code == 200 else set()
    stranger = await outside.person(5)
    hinted = await stranger.authorize(
        client,
        prompt="none",
        id_token_hint=token,
        code_challenge="c" * 43,
        code_challenge_method="S256",
    )
    assert isinstance(hinted, Answer)
    opened |= {"hint"} if hinted.error == "login_required" else set()
    form = {"client_assertion_type": ASSERTION, "client_assertion": token, "token": "x"}
    proven = await outside.http.post(url["introspection_endpoint"], data=form)
    opened |= {"client"} if proven.status_code == 200 else set()
    if name != "code":  # a code that comes twice ends what it produced
        redeemed = await outside.redeem(client, token, code_verifier="v" * 43)
        assert redeemed.status_code == 400
    refreshed = await outside.post("token", client, grant_type="refresh_token", refresh_token=token)
    opened |= {"refresh"} if refreshed.status_code == 200 else set()
    return opened


@pytest.mark.attack("A14")
@pytest.mark.behaviour(17)
async def test_of_sixty_four_thieves_one_gets_tokens_and_loses_them(outside: Outsider) -> None:
    client = outside.client()
    person = await outside.person(6)
    answer = await person.log_in(client)
    answers = await asyncio.gather(*(outside.redeem(client, answer.code) for _ in range(64)))
    won = [each for each in answers if each.status_code == 200]
    assert len(won) == 1
    assert {each.json()["error"] for each in answers if each is not won[0]} == {"invalid_grant"}
    token = won[0].json()["access_token"]
    dead = await outside.http.get(
        outside.metadata["userinfo_endpoint"], headers={"authorization": f"Bearer {token}"}
    )
    assert dead.status_code == 401


@pytest.mark.attack("A14")
async def test_a_code_is_worth_nothing_to_another_client(outside: Outsider) -> None:
    client, thief = outside.client(), outside.client("client_secret_post")
    person = await outside.person(6)
    answer = await person.log_in(client)
    stolen = await outside.redeem(thief, answer.code)
    assert stolen.status_code == 400 and stolen.json()["error"] == "invalid_grant"
    await outside.tokens(client, answer.code)


@pytest.mark.attack("A20")
async def test_a_stolen_refresh_token_ends_the_grant(outside: Outsider) -> None:
    client = outside.client()
    person = await outside.person(6)
    answer = await person.log_in(client, scope="openid offline_access", prompt="consent")
    first = await outside.tokens(client, answer.code)
    stolen = first.told["refresh_token"]

    async def refresh(token: str) -> Any:
        sent = {"grant_type": "refresh_token", "refresh_token": token}
        return await outside.post("token", client, **sent)

    second = (await refresh(stolen)).json()
    third = (await refresh(second["refresh_token"])).json()
    assert (await refresh(stolen)).json()["error"] == "invalid_grant"
    assert (await refresh(third["refresh_token"])).json()["error"] == "invalid_grant"
    bearer = {"authorization": f"Bearer {third['access_token']}"}
    dead = await outside.http.get(outside.metadata["userinfo_endpoint"], headers=bearer)
    assert dead.status_code == 401


@pytest.mark.attack("A15")
async def test_pkce_cannot_be_weakened(outside: Outsider) -> None:
    person = await outside.person(6)
    verifier, challenge = pkce()
    for method in ("none", "private_key_jwt"):
        client = outside.client(method)
        for asked in (
            {},
            {"code_challenge_method": "S256"},
            {"code_challenge": verifier, "code_challenge_method": "plain"},
            {"code_challenge": challenge},
            {"code_challenge": challenge, "code_challenge_method": "s256"},
            {"code_challenge": challenge + "=", "code_challenge_method": "S256"},
            {"code_challenge": "short", "code_challenge_method": "S256"},
        ):
            landed = await person.authorize(client, **asked)
            assert isinstance(landed, Answer) and landed.error == "invalid_request", asked
    client = outside.client()
    unasked = await person.log_in(client)
    downgraded = await outside.redeem(client, unasked.code, code_verifier=verifier)
    assert downgraded.json()["error"] == "invalid_grant"
    asked = {"code_challenge": challenge, "code_challenge_method": "S256"}
    bound = await person.log_in(client, **asked)
    for wrong in ("", challenge, verifier[:-1], verifier + "a", verifier.swapcase(), "x" * 43):
        answer = await outside.redeem(client, bound.code, code_verifier=wrong)
        assert answer.json()["error"] in ("invalid_grant", "invalid_request"), wrong
    await outside.tokens(client, bound.code, code_verifier=verifier)


@pytest.mark.attack("A16")
async def test_answers_name_their_issuer_and_assertions_their_audience(outside: Outsider) -> None:
    client = outside.client("private_key_jwt")
    for audience in (
        "https://evil.example",
        outside.issuer + "/",
        ["https://evil.example"],
        outside.issuer.upper(),
        outside.metadata["userinfo_endpoint"],
        "",
        None,
        {},
    ):
        fields, _ = outside.credentials(client, aud=audience)
        url = outside.metadata["introspection_endpoint"]
        answer = await outside.http.post(url, data=fields | {"token": "x"})
        assert answer.status_code == 401, audience


@pytest.mark.attack("A19")
async def test_one_client_one_proof(outside: Outsider) -> None:
    basic, post = outside.client(), outside.client("client_secret_post")
    url = outside.metadata["introspection_endpoint"]
    fields, _ = outside.credentials(post)
    _, headers = outside.credentials(basic)
    both = await outside.http.post(url, data=fields | {"token": "x"}, headers=headers)
    assert both.status_code in (400, 401)
    for secret in (
        "",
        "wrong",
        basic["client_secret"][:-1],
        basic["client_secret"] + "x",
        "\u0001",
    ):
        wrong = dict(basic) | {"client_secret": secret}
        answer = await outside.post("introspection", wrong, token="x")
        assert answer.status_code == 401 and answer.json()["error"] == "invalid_client"
        assert answer.headers["www-authenticate"].startswith("Basic ")
    claimed = {"client_id": basic["client_id"], "token": "x"}
    assert (await outside.http.post(url, data=claimed)).status_code == 401
    swapped = {"client_id": basic["client_id"], "client_secret": basic["client_secret"]}
    assert (await outside.http.post(url, data=swapped | {"token": "x"})).status_code == 401


@pytest.mark.attack("A19")
async def test_an_assertion_raced_proves_once(outside: Outsider) -> None:
    client = outside.client("private_key_jwt")
    fields, _ = outside.credentials(client)
    url = outside.metadata["introspection_endpoint"]
    sent = fields | {"token": "x"}
    answers = await asyncio.gather(*(outside.http.post(url, data=sent) for _ in range(32)))
    assert sorted(answer.status_code for answer in answers) == [200] + [401] * 31


@pytest.mark.attack("A46")
async def test_a_wrong_secret_and_an_unknown_client_look_the_same(outside: Outsider) -> None:
    known = dict(outside.client()) | {"client_secret": "wrong"}
    unknown = known | {"client_id": "nobody-of-this-name"}
    a, b = [await outside.post("introspection", each, token="x") for each in (known, unknown)]
    told = [
        {k: v for k, v in each.json().items() if k != "request_id"} | {"status": each.status_code}
        for each in (a, b)
    ]
    assert told[0] == told[1]
    assert set(a.headers) == set(b.headers)
