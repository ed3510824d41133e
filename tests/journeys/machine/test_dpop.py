"""DPoP over HTTP: tokens bound to a key, and every proof that is refused or taken (RFC 9449)."""

import asyncio
import base64
import hmac
import json
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey, OKPKey, RSAKey

from idp.flows.registration import Registered
from idp.protocol.grant import Confirmation
from tests.dpop import Holder, sign
from tests.oauth import Provider

PUBLIC: dict[str, Any] = {"method": "none", "grant_types": ("authorization_code", "refresh_token")}
OFFLINE = ("openid", "profile", "email", "offline_access")


async def registered(op: Provider, **changes: Any) -> Registered:
    return await op.register("private_key_jwt", dpop_bound_access_tokens=True, **changes)


async def bound(op: Provider, holder: Holder) -> str:
    """Return an access token that is bound to the holder's key."""
    return str((await holder.tokens(await registered(op)))["access_token"])


@pytest.mark.behaviour(39)
@pytest.mark.spec("RFC 9449 §5")
async def test_a_proof_binds_the_access_token_to_its_key(op: Provider) -> None:
    holder = Holder(op=op)
    tokens = await holder.tokens(await registered(op))
    assert tokens["token_type"] == "DPoP"
    keys = KeySet.import_key_set(await op.jwks())
    claims = jwt.decode(tokens["access_token"], keys, algorithms=["ES256"]).claims
    assert claims["cnf"] == {"jkt": holder.jkt}
    answer = await holder.userinfo(tokens["access_token"])
    assert answer.status_code == 200
    assert answer.json()["name"] == "Amina Odhiambo"
    assert "dpop-nonce" not in answer.headers


@pytest.mark.spec("RFC 9449 §5")
async def test_whoever_sends_a_proof_though_it_need_not_gets_a_bound_token(op: Provider) -> None:
    for method in ("client_secret_basic", "none"):
        client = await op.register(method)
        assert (await Holder(op=op).tokens(client))["token_type"] == "DPoP"
        assert (await op.tokens(client))["token_type"] == "Bearer"


@pytest.mark.behaviour(39)
async def test_a_client_that_owes_a_proof_gets_nothing_without_one(op: Provider) -> None:
    client = await registered(op)
    code = await op.code(client.client)
    refused = await op.redeem(client, code)
    assert refused.status_code == 400
    assert refused.json()["error"] == "invalid_dpop_proof"
    assert (await Holder(op=op).redeem(client, code)).status_code == 200  # the code is still good


@pytest.mark.behaviour(42)
@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")  # joserfc's view of RFC 9864
@pytest.mark.parametrize(
    ("alg", "key"),
    [
        ("ES256", ECKey.generate_key("P-256", private=True)),
        ("PS256", RSAKey.generate_key(2048, private=True)),
        ("EdDSA", OKPKey.generate_key("Ed25519", private=True)),
    ],
    ids=["ES256", "PS256", "EdDSA"],
)
async def test_each_announced_algorithm_is_taken(op: Provider, alg: str, key: Any) -> None:
    holder = Holder(op=op, alg=alg, key=key)
    metadata = (await op.http.get("/.well-known/openid-configuration")).json()
    assert alg in metadata["dpop_signing_alg_values_supported"]
    assert (await holder.userinfo(await bound(op, holder))).status_code == 200


EC = ECKey.generate_key("P-256", private=True)
OTHER = ECKey.generate_key("P-256", private=True)
RSA = RSAKey.generate_key(2048, private=True)
SECRET = OctKey.generate_key(256)


def mac_with_public_key(holder: Holder, claims: dict[str, Any]) -> str:
    """The key confusion: the public key, which everybody knows, as the secret of a MAC."""
    signed = headed(holder, claims, alg="HS256").rpartition(".")[0]
    mac = hmac.digest(EC.as_pem(private=False), signed.encode(), "sha256")
    return f"{signed}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def headed(holder: Holder, claims: dict[str, Any], **changes: Any) -> str:
    """Return a proof whose header was changed after it was signed."""
    _, body, signature = sign(holder.header(), claims, EC).split(".")
    header = {name: each for name, each in (holder.header() | changes).items() if each is not None}
    encoded = base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=").decode()
    return f"{encoded}.{body}.{signature if header.get('alg') != 'none' else ''}"


WRONG_FORMS: dict[str, Any] = {
    "not a JWT": lambda holder, claims: "nothing",
    "two of three parts": lambda holder, claims: holder.proof("GET", "/").rpartition(".")[0],
    "no typ": lambda holder, claims: sign(holder.header() | {"typ": None}, claims, EC),
    "other typ": lambda holder, claims: sign(holder.header() | {"typ": "JWT"}, claims, EC),
    "no jwk": lambda holder, claims: sign(holder.header() | {"jwk": None}, claims, EC),
    "jwk of another key": lambda holder, claims: sign(
        holder.header() | {"jwk": OTHER.as_dict(private=False)}, claims, EC
    ),
    "private jwk": lambda holder, claims: sign(
        holder.header() | {"jwk": EC.as_dict(private=True)}, claims, EC
    ),
    "symmetric jwk": lambda holder, claims: sign(
        holder.header() | {"alg": "HS256", "jwk": SECRET.as_dict(private=True)}, claims, SECRET
    ),
    "RS256": lambda holder, claims: sign(
        {"typ": "dpop+jwt", "alg": "RS256", "jwk": RSA.as_dict(private=False)}, claims, RSA
    ),
    "no alg": lambda holder, claims: headed(holder, claims, alg=None),
    "alg none": lambda holder, claims: headed(holder, claims, alg="none"),
    "critical extension": lambda holder, claims: headed(holder, claims, crit=["x"], x=1),
    "MAC with the public key": mac_with_public_key,
    "altered": lambda holder, claims: sign(holder.header(), claims, EC)[:-6] + "AAAAAA",
    "too long": lambda holder, claims: sign(holder.header(), claims | {"x": "y" * 9000}, EC),
}
WRONG_CLAIMS: dict[str, dict[str, Any]] = {
    "no jti": {"jti": None},
    "empty jti": {"jti": ""},
    "jti that is no text": {"jti": 7},
    "jti that is too long": {"jti": "x" * 513},
    "no htm": {"htm": None},
    "other htm": {"htm": "PUT"},
    "htm in small letters": {"htm": "get"},
    "no htu": {"htu": None},
    "other htu": {"htu": "https://id.example/other"},
    "other host": {"htu": "https://evil.example/userinfo"},
    "htu that is no text": {"htu": ["https://id.example/userinfo"]},
    "no iat": {"iat": None},
    "iat that is no number": {"iat": "now"},
    "iat an hour ago": {"iat": -3600},
    "iat in an hour": {"iat": 3600},
}


@pytest.mark.behaviour(42)
@pytest.mark.attack("A18")
@pytest.mark.parametrize("name", WRONG_FORMS)
async def test_what_is_no_proof_is_refused(op: Provider, name: str) -> None:
    holder = Holder(op=op, key=EC)
    client = await registered(op)
    code = await op.code(client.client)
    claims = holder.claims("POST", "/token")
    refused = await holder.redeem(client, code, WRONG_FORMS[name](holder, claims))
    assert refused.status_code == 400
    assert refused.json()["error"] == "invalid_dpop_proof"
    token = (await holder.redeem(client, code)).json()["access_token"]
    claims = holder.claims("GET", "/userinfo", token)
    at_resource = await holder.userinfo(token, WRONG_FORMS[name](holder, claims))
    assert at_resource.status_code == 401
    assert (
        'DPoP algs="ES256 PS256 EdDSA", error="invalid_dpop_proof"'
        in (at_resource.headers["www-authenticate"])
    )


@pytest.mark.behaviour(41)
@pytest.mark.behaviour(42)
@pytest.mark.attack("A18")
@pytest.mark.parametrize("name", WRONG_CLAIMS)
async def test_a_proof_for_something_else_is_refused(op: Provider, name: str) -> None:
    wrong = dict(WRONG_CLAIMS[name])
    if isinstance(wrong.get("iat"), int):
        wrong["iat"] += op.clock.now()
    holder = Holder(op=op)
    client = await registered(op)
    code = await op.code(client.client)
    refused = await holder.redeem(client, code, holder.proof("POST", "/token", **wrong))
    assert refused.status_code == 400
    assert refused.json()["error"] == "invalid_dpop_proof"
    token = (await holder.redeem(client, code)).json()["access_token"]
    at_resource = await holder.userinfo(token, holder.proof("GET", "/userinfo", token, **wrong))
    assert at_resource.status_code == 401
    assert 'error="invalid_dpop_proof"' in at_resource.headers["www-authenticate"]


@pytest.mark.behaviour(41)
@pytest.mark.behaviour(42)
@pytest.mark.parametrize(
    "changes",
    [
        {"htu": "https://id.example/userinfo?a=b"},
        {"htu": "https://id.example/userinfo#part"},
        {"htu": "HTTPS://ID.EXAMPLE/userinfo"},
        {"htu": "https://id.example:443/userinfo"},
        {"iat": -10},
        {"iat": 10},
        {"nbf": 3600, "exp": -3600},
        {"unheard": {"of": ["it"]}},
    ],
    ids=str,
)
async def test_what_does_not_matter_is_taken(op: Provider, changes: dict[str, Any]) -> None:
    times = {
        name: op.clock.now() + value for name, value in changes.items() if isinstance(value, int)
    }
    holder = Holder(op=op)
    token = await bound(op, holder)
    proof = holder.proof("GET", "/userinfo", token, **(changes | times))
    assert (await holder.userinfo(token, proof)).status_code == 200


@pytest.mark.behaviour(39)
@pytest.mark.behaviour(42)
async def test_names_of_header_and_scheme_have_no_case(op: Provider) -> None:
    holder = Holder(op=op)
    token = await bound(op, holder)
    for scheme in ("DPoP", "dpop", "DPOP"):
        assert (await holder.userinfo(token, scheme=scheme)).status_code == 200
    assert (await holder.userinfo(token, method="POST")).status_code == 200


@pytest.mark.behaviour(42)
async def test_two_proofs_are_none(op: Provider) -> None:
    holder = Holder(op=op)
    client = await registered(op)
    credentials = op.credentials(client)["form"]
    twice = [("DPoP", holder.proof("POST", "/token")), ("dpop", holder.proof("POST", "/token"))]
    refused = await op.http.post("/token", data=credentials | {"grant_type": "x"}, headers=twice)
    assert refused.status_code == 400
    assert refused.json()["error"] == "invalid_dpop_proof"
    token = await bound(op, holder)
    proofs = [("DPoP", holder.proof("GET", "/userinfo", token)) for _ in range(2)]
    at_resource = await op.http.get(
        "/userinfo", headers=[("Authorization", f"DPoP {token}"), *proofs]
    )
    assert at_resource.status_code == 401
    assert 'error="invalid_dpop_proof"' in at_resource.headers["www-authenticate"]


@pytest.mark.behaviour(42)
@pytest.mark.attack("A18")
async def test_a_proof_is_good_once(op: Provider) -> None:
    holder = Holder(op=op)
    client = await registered(op)
    proof = holder.proof("POST", "/token")
    assert (await holder.redeem(client, await op.code(client.client), proof)).status_code == 200
    again = await holder.redeem(client, await op.code(client.client), proof)
    assert again.status_code == 400
    assert again.json()["error"] == "invalid_dpop_proof"
    token = await bound(op, holder)
    proof = holder.proof("GET", "/userinfo", token)
    assert (await holder.userinfo(token, proof)).status_code == 200
    assert (await holder.userinfo(token, proof)).status_code == 401
    op.clock.at += 59
    assert (await holder.userinfo(token, proof)).status_code == 401


@pytest.mark.attack("A18")
async def test_one_proof_of_many_at_once_is_good_once(op: Provider) -> None:
    holder = Holder(op=op)
    client = await registered(op)
    token = await bound(op, holder)
    proof = holder.proof("GET", "/userinfo", token)
    answers = await asyncio.gather(*(holder.userinfo(token, proof) for _ in range(16)))
    assert sorted(answer.status_code for answer in answers) == [200] + [401] * 15
    proof = holder.proof("POST", "/token")
    codes = [await op.code(client.client) for _ in range(16)]
    redeemed = await asyncio.gather(*(holder.redeem(client, code, proof) for code in codes))
    assert sorted(answer.status_code for answer in redeemed) == [200] + [400] * 15


@pytest.mark.behaviour(39)
@pytest.mark.behaviour(42)
@pytest.mark.attack("A18")
async def test_a_bound_token_is_worth_nothing_without_its_key(op: Provider) -> None:
    holder = Holder(op=op)
    token = await bound(op, holder)
    header = {"authorization": f"Bearer {token}"}
    as_bearer = await op.http.get("/userinfo", headers=header)
    with_proof = await holder.userinfo(token, scheme="Bearer")
    in_form = await op.http.post("/userinfo", data={"access_token": token})
    for answer in (as_bearer, with_proof, in_form):
        assert answer.status_code == 401
        assert answer.headers.get_list("www-authenticate")[0].startswith(
            'Bearer realm="Symbolon", error="invalid_token", '
            'error_description="the access token is bound to a DPoP key and needs its proof"'
        )
    without = await op.http.get("/userinfo", headers={"authorization": f"DPoP {token}"})
    assert without.status_code == 401
    assert 'error="invalid_dpop_proof"' in without.headers["www-authenticate"]
    thief = Holder(op=op)
    stolen = await thief.userinfo(token)
    assert stolen.status_code == 401
    assert (
        'DPoP algs="ES256 PS256 EdDSA", error="invalid_token"'
        in (stolen.headers["www-authenticate"])
    )
    other = await bound(op, holder)
    for wrong in (None, "x", holder.claims("GET", "/", other)["ath"]):
        answer = await holder.userinfo(token, holder.proof("GET", "/userinfo", token, ath=wrong))
        assert answer.status_code == 401
    query = await op.http.get("/userinfo", params={"access_token": token})
    assert query.status_code == 401
    assert (await holder.userinfo(token)).status_code == 200


@pytest.mark.attack("A4")
@pytest.mark.spec("RFC 9068 §4")
async def test_a_token_for_another_server_opens_nothing_here(op: Provider) -> None:
    api = "https://api.example"
    await op.register(audience=api)
    client = await op.register("private_key_jwt", resources=(api,))
    for resources, status in ((api,), 401), ((api, op.issuer.address), 200), ((), 200):
        tokens = await op.tokens(client, resources=resources)
        header = {"authorization": f"Bearer {tokens['access_token']}"}
        assert (await op.http.get("/userinfo", headers=header)).status_code == status


async def test_a_token_that_is_bound_to_nothing_is_no_dpop_token(op: Provider) -> None:
    token = (await op.tokens(await op.register()))["access_token"]
    assert (await Holder(op=op).userinfo(token)).status_code == 401
    assert (await Holder(op=op).userinfo(token, scheme="Bearer")).status_code == 200


@pytest.mark.behaviour(40)
async def test_a_code_that_is_bound_to_a_key_needs_that_key(op: Provider) -> None:
    holder, thief = Holder(op=op), Holder(op=op)
    for client in (await registered(op), await op.register("none")):
        code = await op.code(client.client, bound_to=Confirmation(jkt=holder.jkt))
        stolen = await thief.redeem(client, code)
        assert (stolen.status_code, stolen.json()["error"]) == (400, "invalid_grant")
        assert (await op.redeem(client, code)).status_code == 400
        assert (await holder.redeem(client, code)).status_code == 200


@pytest.mark.behaviour(43)
@pytest.mark.spec("RFC 9449 §5")
async def test_refresh_tokens_of_public_clients_are_bound_to_the_key(op: Provider) -> None:
    client = await op.register(**PUBLIC)
    holder, thief = Holder(op=op), Holder(op=op)
    first = (await holder.tokens(client, scope=OFFLINE))["refresh_token"]
    stolen = await thief.refresh(client, first)
    assert (stolen.status_code, stolen.json()["error"]) == (400, "invalid_grant")
    bare = await op.post("/token", client, grant_type="refresh_token", refresh_token=first)
    assert (bare.status_code, bare.json()["error"]) == (400, "invalid_grant")
    answer = await holder.refresh(client, first)
    assert answer.status_code == 200
    assert answer.json()["token_type"] == "DPoP"
    assert answer.json()["refresh_token"] != first
    assert (await holder.refresh(client, answer.json()["refresh_token"])).status_code == 200


@pytest.mark.behaviour(43)
@pytest.mark.spec("RFC 9449 §5")
async def test_confidential_clients_refresh_with_any_key_and_without_rotation(op: Provider) -> None:
    client = await registered(op)
    token = (await Holder(op=op).tokens(client, scope=OFFLINE))["refresh_token"]
    for _ in range(3):
        holder = Holder(op=op)
        answer = await holder.refresh(client, token)
        assert answer.status_code == 200
        assert answer.json()["refresh_token"] == token
        assert (await holder.userinfo(answer.json()["access_token"])).status_code == 200
    bare = await op.post("/token", client, grant_type="refresh_token", refresh_token=token)
    assert bare.json()["error"] == "invalid_dpop_proof"
    other = await Holder(op=op).refresh(await registered(op), token)
    assert other.json()["error"] == "invalid_grant"


@pytest.mark.behaviour(43)
async def test_many_refreshes_at_once_all_succeed_where_nothing_rotates(op: Provider) -> None:
    client, holder = await registered(op), Holder(op=op)
    token = (await holder.tokens(client, scope=OFFLINE))["refresh_token"]
    answers = await asyncio.gather(*(holder.refresh(client, token) for _ in range(8)))
    assert {answer.status_code for answer in answers} == {200}
    assert {answer.json()["refresh_token"] for answer in answers} == {token}


@pytest.mark.spec("RFC 9449 §6.2")
async def test_introspection_tells_the_key(op: Provider) -> None:
    client, holder = await registered(op), Holder(op=op)
    token = (await holder.tokens(client))["access_token"]
    told = (await op.post("/introspect", client, token=token)).json()
    assert told["token_type"] == "DPoP"
    assert told["cnf"] == {"jkt": holder.jkt}
