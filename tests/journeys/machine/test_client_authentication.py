"""How clients prove who they are, and what does not prove it (A19, behaviour 23)."""

import asyncio
import base64
import json
from typing import Any
from urllib.parse import quote_plus

import httpx2
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey

from idp.client_auth.method import ASSERTION_TYPE
from idp.flows.registration import Registered
from tests.oauth import CALLBACK, JWKS, KEY, VERIFIER, Provider

METHODS = (
    "client_secret_basic",
    "client_secret_post",
    "client_secret_jwt",
    "private_key_jwt",
    "none",
)


async def exchange(
    op: Provider, registered: Registered, form: dict[str, str], **request: Any
) -> httpx2.Response:
    """Exchange a good code with the credentials in ``form`` and ``request``."""
    body = {
        "grant_type": "authorization_code",
        "code": await op.code(registered.client),
        "redirect_uri": CALLBACK,
        "code_verifier": VERIFIER,
    }
    return await op.http.post("/token", data=body | form, **request)


async def asserted(op: Provider, registered: Registered, **claims: Any) -> httpx2.Response:
    form = op.credentials(registered, **claims)["form"]
    return await exchange(op, registered, form)


def refused(answer: httpx2.Response) -> bool:
    return answer.status_code == 401 and answer.json()["error"] == "invalid_client"


@pytest.mark.behaviour(23)
@pytest.mark.parametrize("method", METHODS)
async def test_each_method_proves_the_client_that_registered_it(op: Provider, method: str) -> None:
    registered = await op.register(method)
    assert (await op.tokens(registered))["access_token"]


@pytest.mark.behaviour(23)
@pytest.mark.attack("A19")
async def test_no_other_method_than_the_registered_one(op: Provider) -> None:
    one = {method: await op.register(method) for method in METHODS}
    for registered in one.values():
        client_id = registered.client.client_id
        for other in METHODS:
            if other == registered.client.token_endpoint_auth_method:
                continue
            answer = await _by(op, other, client_id, registered.secret or "x" * 43, registered)
            assert refused(answer), (registered.client.token_endpoint_auth_method, other)


async def _by(
    op: Provider, method: str, client_id: str, secret: str, registered: Registered
) -> httpx2.Response:
    now = op.clock.now()
    claims = {
        "iss": client_id,
        "sub": client_id,
        "aud": op.issuer.address,
        "jti": f"{method}{client_id}",
        "exp": now + 60,
    }
    match method:
        case "client_secret_basic":
            return await exchange(op, registered, {}, auth=(client_id, secret))
        case "client_secret_post":
            form = {"client_id": client_id, "client_secret": secret}
        case "none":
            form = {"client_id": client_id}
        case "private_key_jwt":
            token = jwt.encode({"alg": "ES256", "kid": "rp-1"}, claims, KEY)
            form = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": token}
        case _:
            token = jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(secret))
            form = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": token}
    return await exchange(op, registered, form)


@pytest.mark.behaviour(23)
async def test_basic_is_asked_for_again_when_it_was_tried(op: Provider) -> None:
    registered = await op.register()
    tried = await exchange(op, registered, {}, auth=(registered.client.client_id, "wrong"))
    assert refused(tried)
    assert tried.headers["www-authenticate"].startswith("Basic ")
    absent = await exchange(op, registered, {})
    assert refused(absent)
    assert "www-authenticate" not in absent.headers


@pytest.mark.attack("A19")
async def test_two_methods_at_once_are_refused(op: Provider) -> None:
    basic, key = await op.register(), await op.register("private_key_jwt")
    secret = basic.secret or ""
    pairs = [
        ({"client_secret": secret}, {"auth": (basic.client.client_id, secret)}),
        (op.credentials(key)["form"], {"auth": (basic.client.client_id, secret)}),
        (op.credentials(key)["form"] | {"client_secret": secret}, {}),
    ]
    for form, request in pairs:
        answer = await exchange(op, basic, form, **request)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


@pytest.mark.attack("A19")
async def test_basic_credentials_are_form_decoded_and_read_strictly(op: Provider) -> None:
    registered = await op.register(client_id="a client:ü")
    secret = registered.secret or ""

    def basic(text: str) -> dict[str, Any]:
        encoded = base64.b64encode(text.encode()).decode()
        return {"headers": {"authorization": f"Basic {encoded}"}}

    good = f"{quote_plus('a client:ü')}:{secret}"
    assert (await exchange(op, registered, {}, **basic(good))).status_code == 200
    for bad in (
        f"a client:ü:{secret}",
        f"a+client%3A%C3:{secret}",
        f"a+client%3:{secret}",
        f"{good}&x=1",
        f"{good}=",
        quote_plus("a client:ü"),
        "",
        ":",
    ):
        assert refused(await exchange(op, registered, {}, **basic(bad))), bad
    for header in ("Basic !!!", "Basic", f"Bearer {secret}", "Basic a\u00e9"):
        request = {"headers": {"authorization": header.encode("latin-1")}}
        assert refused(await exchange(op, registered, {}, **request)), header


@pytest.mark.attack("A16")
@pytest.mark.parametrize(
    ("audience", "accepted"),
    [
        ("https://id.example", True),
        ("https://id.example/token", True),
        (["https://id.example"], True),
        (["https://other.example", "https://id.example/token"], True),
        ("https://id.example/", False),
        ("https://other.example", False),
        (["https://other.example"], False),
        ([], False),
        (None, False),
        ({"https://id.example": 1}, False),
        (1, False),
    ],
)
async def test_the_audience_of_an_assertion(op: Provider, audience: object, accepted: bool) -> None:
    registered = await op.register("private_key_jwt")
    answer = await asserted(op, registered, aud=audience)
    assert (answer.status_code == 200) is accepted
    assert accepted or refused(answer)


@pytest.mark.attack("A19")
@pytest.mark.parametrize(
    ("claims", "accepted"),
    [
        ({"iat": 8, "nbf": 8}, True),
        ({"iat": 10, "nbf": 10}, True),
        ({"iat": 61}, False),
        ({"nbf": 61}, False),
        ({"iat": None}, True),
        ({"exp": 300}, True),
        ({"exp": 3600}, True),
        ({"exp": 7200}, False),
        ({"exp": -300}, False),
        ({"exp": None}, False),
        ({"exp": "60"}, False),
        ({"exp": True}, False),
        ({"exp": 60.5}, True),
    ],
)
async def test_the_times_of_an_assertion(
    op: Provider, claims: dict[str, Any], accepted: bool
) -> None:
    now = op.clock.now()
    moved = {
        name: now + value if type(value) in (int, float) else value
        for name, value in claims.items()
    }
    registered = await op.register("private_key_jwt")
    answer = await asserted(op, registered, **moved)
    assert (answer.status_code == 200) is accepted
    assert accepted or refused(answer)


@pytest.mark.attack("A19")
@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "somebody else"},
        {"iss": None},
        {"sub": "somebody else"},
        {"sub": None},
        {"sub": 7},
        {"sub": ""},
        {"jti": None},
        {"jti": ""},
        {"jti": 5},
        {"jti": "x" * 513},
    ],
)
async def test_the_names_in_an_assertion(op: Provider, claims: dict[str, Any]) -> None:
    registered = await op.register("private_key_jwt")
    assert refused(await asserted(op, registered, **claims))


@pytest.mark.behaviour(23)
@pytest.mark.attack("A19")
@pytest.mark.parametrize("method", ["private_key_jwt", "client_secret_jwt"])
async def test_an_assertion_proves_once(op: Provider, method: str) -> None:
    registered = await op.register(method)
    form = op.credentials(registered)["form"]
    assert (await exchange(op, registered, form)).status_code == 200
    assert refused(await exchange(op, registered, form))
    failed = op.credentials(registered)["form"]
    wrong = await exchange(op, registered, failed | {"code": "wrong"})
    assert wrong.json()["error"] == "invalid_grant"
    assert refused(await exchange(op, registered, failed))
    asked = op.credentials(registered)["form"]
    assert (await op.http.post("/introspect", data=asked | {"token": "x"})).status_code == 200
    assert refused(await op.http.post("/introspect", data=asked | {"token": "x"}))
    assert refused(await op.http.post("/revoke", data=asked | {"token": "x"}))


async def test_an_assertion_used_many_times_at_once_proves_once(op: Provider) -> None:
    registered = await op.register("private_key_jwt")
    form = op.credentials(registered)["form"]
    answers = await asyncio.gather(*(exchange(op, registered, form) for _ in range(8)))
    assert [a.status_code for a in answers].count(200) == 1
    assert all(a.status_code == 200 or refused(a) for a in answers)


@pytest.mark.attack("A1")
async def test_only_the_registered_algorithm_and_key(op: Provider) -> None:
    registered = await op.register("private_key_jwt", token_endpoint_auth_signing_alg="ES256")
    client_id, now = registered.client.client_id, op.clock.now()
    claims = {
        "iss": client_id,
        "sub": client_id,
        "aud": op.issuer.address,
        "exp": now + 60,
        "jti": "1",
    }

    def packed(header: dict[str, Any], signature: str = "") -> str:
        parts = (json.dumps(part).encode() for part in (header, claims))
        return ".".join(base64.urlsafe_b64encode(p).rstrip(b"=").decode() for p in parts) + (
            f".{signature}"
        )

    public_as_secret = OctKey.import_key(JWKS)
    stranger = ECKey.generate_key("P-256", {"kid": "rp-1"}, private=True)
    forged = [
        packed({"alg": "none"}),
        packed({"alg": "None"}),
        packed({"alg": "ES256", "kid": "rp-1"}, "A" * 86),
        packed({"alg": "ES256", "kid": "rp-1"}),
        jwt.encode({"alg": "HS256"}, claims, public_as_secret),
        jwt.encode({"alg": "ES256", "kid": "rp-1"}, claims, stranger),
        jwt.encode({"alg": "ES256", "kid": "../../etc/passwd"}, claims, KEY),
        jwt.encode({"alg": "ES256", "kid": "rp-1", "typ": "at+jwt"}, claims, KEY),
        jwt.encode({"alg": "ES256", "jwk": stranger.as_dict(private=False)}, claims, stranger),
        "a.b.c",
        "x",
        "",
    ]
    for token in forged:
        form = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": token}
        assert refused(await exchange(op, registered, form)), token
    good = jwt.encode({"alg": "ES256", "kid": "rp-1"}, claims, KEY)
    form = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": good}
    assert refused(await exchange(op, registered, form | {"client_assertion_type": "jwt"}))
    assert refused(await exchange(op, registered, form | {"client_id": "somebody else"}))
    assert (await exchange(op, registered, form | {"client_id": client_id})).status_code == 200


@pytest.mark.behaviour(27)
async def test_keys_at_jwks_uri_are_fetched_again_for_a_new_kid(op: Provider) -> None:
    uri = "https://rp.example/jwks"
    first, second = (ECKey.generate_key("P-256", {"kid": kid}, private=True) for kid in "12")
    registered = await op.register("private_key_jwt", jwks=None, jwks_uri=uri)

    async def proven_by(key: ECKey) -> httpx2.Response:
        body = jwt.decode(op.assertion(registered), KEY).claims
        token = jwt.encode({"alg": "ES256", "kid": key.kid}, body, key)
        form = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": token}
        return await exchange(op, registered, form)

    def publish(*keys: ECKey) -> None:
        op.pages[uri] = {"keys": [key.as_dict(private=False) for key in keys]}

    unreachable = await proven_by(first)
    assert (unreachable.status_code, unreachable.json()["error"]) == (
        503,
        "temporarily_unavailable",
    )
    op.clock.at += 11
    publish(first)
    assert (await proven_by(first)).status_code == 200
    op.clock.at += 11
    publish(first, second)
    assert (await proven_by(second)).status_code == 200
    fetched = op.pages["fetched " + uri]
    stranger = ECKey.generate_key("P-256", {"kid": "3"}, private=True)
    for _ in range(5):
        assert refused(await proven_by(stranger))
    assert op.pages["fetched " + uri] == fetched, "an unknown kid must not make us a hammer"
    del op.pages[uri]
    op.clock.at += 3000
    assert (await proven_by(second)).status_code == 200, "the last good keys serve on"


async def test_a_removed_client_is_a_stranger_soon(op: Provider) -> None:
    registered = await op.register()
    tokens = await op.tokens(registered)
    assert await op.registrar.remove(registered.client.client_id, op.clock.now())
    op.clock.at += 6
    code = await op.code(registered.client)
    assert refused(await op.redeem(registered, code))
    bearer = {"authorization": f"Bearer {tokens['access_token']}"}
    assert (await op.http.get("/userinfo", headers=bearer)).status_code == 401
