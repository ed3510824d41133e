"""Userinfo: who may ask how, and that a grant that ended is dead at once (behaviour 21, A20)."""

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from idp.protocol.claims_request import Asked, ClaimsRequest
from tests.oauth import Provider


@pytest.mark.behaviour(21)
async def test_userinfo_in_each_way_of_asking(op: Provider) -> None:
    tokens = await op.tokens(await op.register(), scope=("openid", "email", "phone"))
    token = tokens["access_token"]
    bearer = {"authorization": f"Bearer {token}"}
    form = {"content-type": "application/x-www-form-urlencoded"}
    answers = [
        await op.http.get("/userinfo", headers=bearer),
        await op.http.get("/userinfo", headers={"authorization": f"bearer {token}"}),
        await op.http.post("/userinfo", headers=bearer),
        await op.http.post("/userinfo", headers=bearer | form),
        await op.http.post("/userinfo", data={"access_token": token}),
    ]
    for answer in answers:
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.json() == {
            "sub": "a-pairwise-subject",
            "email": "amina@example.org",
            "email_verified": True,
            "phone_number": "+447700900101",
            "phone_number_verified": True,
        }


@pytest.mark.behaviour(21)
async def test_without_a_good_token_the_scheme_is_named(op: Provider) -> None:
    token = (await op.tokens(await op.register()))["access_token"]
    query = await op.http.get("/userinfo", params={"access_token": token})
    absent = await op.http.get("/userinfo")
    basic = await op.http.get("/userinfo", headers={"authorization": f"Basic {token}"})
    for answer in (query, absent, basic):
        assert answer.status_code == 401
        assert answer.headers.get_list("www-authenticate") == [
            'Bearer realm="Symbolon"',
            'DPoP algs="ES256 PS256 EdDSA"',
        ]
    wrong = await op.http.get("/userinfo", headers={"authorization": f"Bearer {token}x"})
    assert wrong.status_code == 401
    assert 'error="invalid_token"' in wrong.headers["www-authenticate"]
    twice = await op.http.post(
        "/userinfo", data={"access_token": token}, headers={"authorization": f"Bearer {token}"}
    )
    assert twice.status_code == 400
    assert 'error="invalid_request"' in twice.headers["www-authenticate"]
    malformed = await op.http.get("/userinfo", headers={"authorization": 'Bearer "x" y'})
    assert malformed.status_code == 400


async def test_an_access_token_without_openid_has_too_small_a_scope(op: Provider) -> None:
    registered = await op.register()
    tokens = await op.tokens(registered, scope=("openid", "email", "offline_access"))
    narrow = await op.post(
        "/token",
        registered,
        grant_type="refresh_token",
        refresh_token=tokens["refresh_token"],
        scope="email",
    )
    assert "id_token" not in narrow.json()
    bearer = {"authorization": f"Bearer {narrow.json()['access_token']}"}
    answer = await op.http.get("/userinfo", headers=bearer)
    assert answer.status_code == 403
    assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]


@pytest.mark.behaviour(11)
async def test_claims_asked_for_one_by_one_in_any_language(op: Provider) -> None:
    claims = ClaimsRequest(
        userinfo={
            "name#ar": Asked(),
            "name#fr": Asked(),
            "birthdate": Asked(essential=True),
            "unheard_of": Asked(essential=True),
            "email": Asked(values=("other@example.org",)),
        }
    )
    registered = await op.register()
    tokens = await op.tokens(registered, scope=("openid",), claims=claims)
    bearer = {"authorization": f"Bearer {tokens['access_token']}"}
    assert (await op.http.get("/userinfo", headers=bearer)).json() == {
        "sub": "a-pairwise-subject",
        "name#ar": "أمينة",
        "birthdate": "1991-05-14",
    }


@pytest.mark.behaviour(21)
async def test_userinfo_as_a_signed_token(op: Provider) -> None:
    registered = await op.register(userinfo_signed_response_alg="ES256")
    tokens = await op.tokens(registered)
    bearer = {"authorization": f"Bearer {tokens['access_token']}"}
    answer = await op.http.get("/userinfo", headers=bearer)
    assert answer.headers["content-type"] == "application/jwt"
    keys = KeySet.import_key_set(await op.jwks())
    claims = jwt.decode(answer.text, keys, algorithms=["ES256"]).claims
    assert claims["iss"] == op.issuer.address
    assert claims["aud"] == registered.client.client_id
    assert claims["name"] == "Amina Odhiambo"


@pytest.mark.attack("A20")
async def test_a_grant_that_ended_is_dead_at_once(op: Provider) -> None:
    registered = await op.register()

    async def works(token: str) -> bool:
        bearer = {"authorization": f"Bearer {token}"}
        answer = await op.http.get("/userinfo", headers=bearer)
        assert answer.status_code in (200, 401)
        return answer.status_code == 200

    async def token() -> str:
        return str((await op.tokens(registered))["access_token"])

    expiring = await token()
    assert await works(expiring)
    op.clock.at += 300
    assert not await works(expiring)
    now = op.clock.now()
    ends = [
        op.grants.revoke_consent(op.resident_id, registered.client.client_id, now),
        op.grants.revoke_session("session", op.resident_id, now),
        op.grants.revoke_at_issuer(op.resident_id, op.issuer.address, now),
        op.grants.revoke_client(registered.client.client_id, now),
    ]
    for end in ends:
        fresh = await token()
        assert await works(fresh)
        await op.database.submit(end)
        assert not await works(fresh)
