"""The code exchange over HTTP: what a relying party gets, judged by libraries of others."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwe, jwt
from joserfc.jwk import ECKey, KeySet, RSAKey
from jwcrypto.jwk import JWKSet
from jwcrypto.jwt import JWT
from sqlalchemy import select

from config.runtime.audit.records import entries
from config.runtime.database.connect import OpenDatabase
from config.runtime.database.unit import Statement
from config.runtime.journal import facts
from config.settings import Issuer
from idp.protocol.claims_request import Asked, ClaimsRequest
from keystore.door import Door, KeyServiceUnavailable
from tests.keyrings import HandClock
from tests.oauth import CALLBACK, ISSUER, VERIFIER, Ground, Provider, provider


async def decoded(op: Provider, token: str, alg: str = "ES256") -> dict[str, Any]:
    """Return the claims, after two independent libraries verified the token."""
    jwks = await op.jwks()
    claims = dict(jwt.decode(token, KeySet.import_key_set(jwks), algorithms=[alg]).claims)
    keys = JWKSet()
    keys.import_keyset(json.dumps(jwks))
    checked = JWT(algs=[alg], check_claims={})
    checked.leeway = 10**10  # the clock of the test is not that of the library
    checked.deserialize(token, keys)
    return claims


@pytest.mark.behaviour(18)
@pytest.mark.behaviour(19)
async def test_tokens_are_what_the_specification_says(op: Provider) -> None:
    registered = await op.register()
    answer = await op.redeem(registered, await op.code(registered.client))
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["access-control-allow-origin"] == "*"
    tokens = answer.json()
    assert tokens["token_type"] == "Bearer"
    assert tokens["expires_in"] == 300
    assert tokens["scope"] == "openid profile email"
    assert "refresh_token" not in tokens
    now = op.clock.now()
    claims = await decoded(op, tokens["id_token"])
    sid = claims.pop("sid")
    assert claims == {
        "iss": ISSUER.address,
        "sub": "a-pairwise-subject",
        "aud": registered.client.client_id,
        "iat": now,
        "exp": now + 300,
        "acr": "mosip:idp:acr:generated-code",
        "amr": ["otp"],
        "nonce": "n-0S6_WzA2Mj",
    }
    assert len(sid) == 22
    access = await decoded(op, tokens["access_token"])
    assert access["aud"] == ISSUER.address
    assert access["client_id"] == registered.client.client_id
    assert access["scope"] == "openid profile email"
    assert access["exp"] == now + 300
    assert {"iss", "sub", "jti", "iat", "auth_time", "acr", "amr"} <= access.keys()


@pytest.mark.spec("RFC 9068 §2.1")
async def test_each_token_says_what_kind_it_is(op: Provider) -> None:
    tokens = await op.tokens(await op.register())
    keys = KeySet.import_key_set(await op.jwks())
    headers = {
        name: jwt.decode(tokens[name], keys, algorithms=["ES256"]).header
        for name in ("id_token", "access_token")
    }
    assert headers["access_token"]["typ"] == "at+jwt"
    assert headers["id_token"]["typ"] == "JWT"
    assert headers["id_token"]["kid"]


@pytest.mark.behaviour(5)
@pytest.mark.parametrize("nonce", [None, "ü 日本 \\ \" '", "x" * 64])
async def test_the_nonce_comes_back_as_it_was(op: Provider, nonce: str | None) -> None:
    tokens = await op.tokens(await op.register(), nonce=nonce)
    assert (await decoded(op, tokens["id_token"])).get("nonce") == nonce


@pytest.mark.behaviour(7)
@pytest.mark.parametrize("asked", [True, False])
async def test_auth_time_is_told_when_asked_for(op: Provider, asked: bool) -> None:
    tokens = await op.tokens(await op.register(), auth_time_asked=asked)
    claims = await decoded(op, tokens["id_token"])
    assert claims.get("auth_time") == (op.clock.now() - 5 if asked else None)


@pytest.mark.behaviour(11)
@pytest.mark.behaviour(12)
async def test_the_id_token_tells_of_the_person_only_what_was_asked_for_there(
    op: Provider,
) -> None:
    claims = ClaimsRequest(
        userinfo={"birthdate": Asked(essential=True)},
        id_token={"name#ar": Asked(), "given_name": Asked(essential=True), "unheard_of": Asked()},
    )
    tokens = await op.tokens(await op.register(), scope=("openid", "profile"), claims=claims)
    told = await decoded(op, tokens["id_token"])
    assert told["given_name"] == "Amina"
    assert told["name#ar"] == "أمينة"
    assert not {"name", "birthdate", "unheard_of"} & told.keys()


async def test_what_the_person_did_not_agree_to_is_told_nowhere(op: Provider) -> None:
    claims = ClaimsRequest(id_token={"name": Asked(essential=True)})
    agreed = frozenset(("given_name",))
    tokens = await op.tokens(await op.register(), claims=claims, granted_claims=agreed)
    assert "name" not in await decoded(op, tokens["id_token"])
    bearer = {"authorization": f"Bearer {tokens['access_token']}"}
    told = (await op.http.get("/userinfo", headers=bearer)).json()
    assert told == {"sub": "a-pairwise-subject", "given_name": "Amina"}


@pytest.mark.behaviour(17)
@pytest.mark.attack("A14")
@pytest.mark.parametrize("later", [0, 30, 300])
async def test_a_replayed_code_ends_what_it_produced(op: Provider, later: int) -> None:
    registered = await op.register()
    code = await op.code(registered.client, scope=("openid", "offline_access"))
    tokens = (await op.redeem(registered, code)).json()
    op.clock.at += later
    again = await op.redeem(registered, code)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    bearer = {"authorization": f"Bearer {tokens['access_token']}"}
    assert (await op.http.get("/userinfo", headers=bearer)).status_code == 401
    refreshed = await op.post(
        "/token",
        registered,
        grant_type="refresh_token",
        refresh_token=tokens["refresh_token"],
    )
    assert refreshed.json()["error"] == "invalid_grant"


@pytest.mark.attack("A14")
async def test_of_many_redemptions_at_once_one_wins(op: Provider) -> None:
    registered = await op.register()
    code = await op.code(registered.client)
    answers = await asyncio.gather(*(op.redeem(registered, code) for _ in range(16)))
    won = [answer for answer in answers if answer.status_code == 200]
    assert len(won) == 1
    assert {a.json()["error"] for a in answers if a not in won} == {"invalid_grant"}
    bearer = {"authorization": f"Bearer {won[0].json()['access_token']}"}
    assert (await op.http.get("/userinfo", headers=bearer)).status_code == 401


@pytest.mark.attack("A15")
@pytest.mark.parametrize(
    "form",
    [
        {"code_verifier": ""},
        {"code_verifier": VERIFIER + "x"},
        {"code_verifier": "short"},
        {"redirect_uri": CALLBACK + "/"},
        {"redirect_uri": ""},
        {"code": "no-such-code"},
    ],
)
async def test_a_wrong_request_gets_nothing_and_spends_nothing(
    op: Provider, form: dict[str, str]
) -> None:
    registered = await op.register()
    code = await op.code(registered.client)
    refused = await op.redeem(registered, code, **form)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    assert (await op.redeem(registered, code)).status_code == 200


@pytest.mark.attack("A15")
async def test_a_verifier_without_a_challenge_is_a_downgrade(op: Provider) -> None:
    registered = await op.register(require_pkce=False)
    code = await op.code(registered.client, code_challenge=None)
    assert (await op.redeem(registered, code)).json()["error"] == "invalid_grant"
    assert (await op.redeem(registered, code, code_verifier="")).status_code == 200


async def test_a_code_of_somebody_else_is_worth_nothing_and_stays_good(op: Provider) -> None:
    owner, thief = await op.register(), await op.register()
    code = await op.code(owner.client)
    assert (await op.redeem(thief, code)).json()["error"] == "invalid_grant"
    tokens = (await op.redeem(owner, code)).json()
    assert (await op.redeem(thief, code)).json()["error"] == "invalid_grant"
    bearer = {"authorization": f"Bearer {tokens['access_token']}"}
    assert (await op.http.get("/userinfo", headers=bearer)).status_code == 200


async def test_a_code_lives_sixty_seconds(op: Provider) -> None:
    registered = await op.register()
    fresh, old = await op.code(registered.client), await op.code(registered.client)
    op.clock.at += 59
    assert (await op.redeem(registered, fresh)).status_code == 200
    op.clock.at += 1
    assert (await op.redeem(registered, old)).json()["error"] == "invalid_grant"


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": ""}, "invalid_request"),
        ({"code": ""}, "invalid_request"),
    ],
)
async def test_what_is_no_request_is_said_so(
    op: Provider, form: dict[str, str], error: str
) -> None:
    registered = await op.register()
    answer = await op.redeem(registered, await op.code(registered.client), **form)
    assert (answer.status_code, answer.json()["error"]) == (400, error)


async def test_a_grant_type_must_be_registered(op: Provider) -> None:
    registered = await op.register(grant_types=("authorization_code",))
    answer = await op.post("/token", registered, grant_type="refresh_token", refresh_token="x")
    assert answer.json()["error"] == "unauthorized_client"


async def test_a_parameter_that_comes_twice_is_refused(op: Provider) -> None:
    answer = await op.http.post(
        "/token",
        content=b"grant_type=authorization_code&grant_type=authorization_code",
        headers={"content-type": "application/x-www-form-urlencoded"},
    )
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")  # joserfc's view of RFC 9864
@pytest.mark.parametrize("alg", ["RS256", "PS256", "EdDSA"])
async def test_the_id_token_is_signed_as_registered(
    database: OpenDatabase, tmp_path: Path, alg: str
) -> None:
    issuer = Issuer(address=ISSUER.address, profile="oidc", algorithms=("ES256", alg))
    made = await provider(
        Ground(database=database, directory=tmp_path, clock=HandClock(), issuer=issuer)
    )
    async with made.http:
        registered = await made.register(id_token_signed_response_alg=alg)
        tokens = await made.tokens(registered)
        assert (await decoded(made, tokens["id_token"], alg))["sub"] == "a-pairwise-subject"


@pytest.mark.parametrize(
    ("alg", "key"),
    [
        ("RSA-OAEP-256", RSAKey.generate_key(2048, {"kid": "e"}, private=True)),
        ("ECDH-ES", ECKey.generate_key("P-256", {"kid": "e"}, private=True)),
    ],
    ids=["RSA-OAEP-256", "ECDH-ES"],
)
async def test_the_id_token_is_encrypted_where_registered(
    op: Provider, alg: str, key: RSAKey | ECKey
) -> None:
    public = dict(key.as_dict(private=False)) | {"use": "enc"}
    registered = await op.register(
        id_token_encrypted_response_alg=alg,
        userinfo_signed_response_alg="ES256",
        userinfo_encrypted_response_alg=alg,
        jwks=json.dumps({"keys": [public]}).encode(),
    )
    tokens = await op.tokens(registered)
    opened = jwe.decrypt_compact(tokens["id_token"], key, algorithms=[alg, "A128GCM"])
    assert opened.headers()["cty"] == "JWT"
    assert opened.plaintext is not None
    assert (await decoded(op, opened.plaintext.decode()))["sub"] == "a-pairwise-subject"
    bearer = {"authorization": f"Bearer {tokens['access_token']}"}
    userinfo = await op.http.get("/userinfo", headers=bearer)
    assert userinfo.headers["content-type"] == "application/jwt"
    opened = jwe.decrypt_compact(userinfo.text, key, algorithms=[alg, "A128GCM"])
    assert opened.plaintext is not None
    told = await decoded(op, opened.plaintext.decode())
    assert told["aud"] == registered.client.client_id
    assert told["name"] == "Amina Odhiambo"


async def test_without_keys_nothing_is_consumed(
    op: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    registered = await op.register("private_key_jwt")
    code = await op.code(registered.client)

    async def away(self: Door, issuer: str, orders: object) -> list[str]:
        raise KeyServiceUnavailable

    with monkeypatch.context() as patch:
        patch.setattr(type(op.door), "sign", away)
        answer = await op.redeem(registered, code)
    assert (answer.status_code, answer.json()["error"]) == (503, "temporarily_unavailable")
    assert answer.headers["retry-after"]
    assert (await op.redeem(registered, code)).status_code == 200


async def test_no_token_without_its_fact_and_audit_entry(
    op: Provider, database: OpenDatabase
) -> None:
    registered = await op.register()
    await op.tokens(registered)
    noted = [row["name"] for row in await database.rows(Statement(select(facts.c.name)))]
    audited = await database.rows(Statement(select(entries.c.action, entries.c.actor)))
    assert "grant.created" in noted
    assert ("grant.created", registered.client.client_id) in [
        (row["action"], row["actor"]) for row in audited
    ]
