"""Assertions of trusted issuers as grants (RFC 7523 §2.1)."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey

from config.runtime.database.connect import OpenDatabase
from config.runtime.entropy import SystemEntropy
from config.settings import Features
from config.settings.trust import TrustedIssuer
from idp.flows.registration import Registered
from idp.protocol import jwt_bearer
from idp.protocol.errors import OAuthError
from idp.protocol.jwt_bearer import GRANT_TYPE
from tests.keyrings import HandClock
from tests.machines import API, claims_of, machine, resource_server
from tests.oauth import ISSUER, Ground, Provider, provider
from tests.unit.idp.protocol.test_checks import client

KEY = ECKey.generate_key("P-256", {"kid": "hr-1"}, private=True)
OTHER_KEY = ECKey.generate_key("P-256", {"kid": "hr-1"}, private=True)
JWKS = json.dumps({"keys": [KEY.as_dict(private=False)]})
MACHINES = TrustedIssuer(
    issuer="https://hr.example",
    jwks=JWKS,
    clients=("payroll",),
    scope=("records:read",),
)
PEOPLE = TrustedIssuer(
    issuer="https://post.example",
    jwks_uri="https://post.example/jwks",
    vouches_for="resident",
    resident_claim="national_id",
    clients=("payroll",),
    scope=("openid", "profile", "offline_access"),
)


@pytest.fixture
async def trusting(database: OpenDatabase, tmp_path: Path) -> AsyncIterator[Provider]:
    """A provider that trusts two issuers of others."""
    issuer = trusting_issuer()
    made = await provider(
        Ground(database=database, directory=tmp_path, issuer=issuer, clock=HandClock())
    )
    made.pages["https://post.example/jwks"] = json.loads(JWKS)
    yield made
    await made.http.aclose()


def trusting_issuer() -> Any:
    features = Features(grant_types=(*Features().grant_types, GRANT_TYPE))
    return msgspec.structs.replace(ISSUER, features=features, trusted_issuers=(MACHINES, PEOPLE))


async def payroll(op: Provider, **changes: Any) -> Registered:
    await resource_server(op)
    wish: dict[str, Any] = {
        "client_id": "payroll",
        "grant_types": (GRANT_TYPE,),
        "scope": frozenset({"records:read", "records:write", "openid", "profile"}),
    }
    return await machine(op, **(wish | changes))


def assertion(op: Provider, key: ECKey = KEY, header: Any = None, **claims: Any) -> str:
    now = op.clock.now()
    body = {
        "iss": MACHINES.issuer,
        "sub": "payroll",
        "aud": op.issuer.address,
        "jti": SystemEntropy().token(16),
        "iat": now,
        "exp": now + 60,
    } | claims
    kept = {name: value for name, value in body.items() if value is not None}
    return jwt.encode({"alg": "ES256", "kid": "hr-1"} | (header or {}), kept, key)


async def ask(op: Provider, client: Registered, text: str, **form: Any) -> Any:
    return await op.post("/token", client, grant_type=GRANT_TYPE, assertion=text, **form)


@pytest.mark.spec("RFC 7523 §2.1", "RFC 7521 §4.1")
async def test_an_assertion_is_worth_a_token_of_the_client(trusting: Provider) -> None:
    bot = await payroll(trusting)
    answer = await ask(trusting, bot, assertion(trusting), resource=API)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert set(told) == {"access_token", "token_type", "expires_in", "scope"}
    claims = claims_of(told["access_token"])
    assert (claims["sub"], claims["aud"], claims["scope"]) == ("payroll", API, "records:read")
    too_much = await ask(trusting, bot, assertion(trusting), scope="records:write")
    assert too_much.json()["error"] == "invalid_scope"


@pytest.mark.spec("RFC 7523 §3")
async def test_a_resident_is_named_and_nothing_else_is_told(trusting: Provider) -> None:
    bot = await payroll(trusting)
    named = {"iss": PEOPLE.issuer, "sub": "x", "national_id": "8747870537"}
    answers = [await ask(trusting, bot, assertion(trusting, **named)) for _ in range(2)]
    first, second = [claims_of(answer.json()["access_token"]) for answer in answers]
    assert first["sub"] == second["sub"] != "payroll"
    assert first["scope"] == "openid profile"
    assert "refresh_token" not in answers[0].json()
    bearer = {"authorization": f"Bearer {answers[0].json()['access_token']}"}
    told = await trusting.http.get("/userinfo", headers=bearer)
    assert told.json() == {"sub": first["sub"]}  # nobody agreed to more
    unknown = await ask(trusting, bot, assertion(trusting, **(named | {"national_id": "1"})))
    assert unknown.json()["error"] == "invalid_grant"
    op = trusting
    await op.database.submit(
        op.grants.revoke_at_issuer(op.resident_id, op.issuer.address, op.clock.now())
    )
    assert (await op.http.get("/userinfo", headers=bearer)).status_code == 401


@pytest.mark.attack("A19")
@pytest.mark.spec("RFC 7523 §3")
@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://evil.example"},
        {"iss": None},
        {"iss": 7},
        {"sub": "somebody-else"},
        {"sub": None},
        {"sub": ["payroll"]},
        {"aud": None},
        {"aud": "https://id.example/token"},
        {"aud": ["https://id.example", "https://other.example"]},
        {"aud": [["https://id.example"]]},
        {"jti": None},
        {"jti": ""},
        {"jti": 1},
        {"jti": "x" * 513},
        {"exp": None},
        {"exp": 1},
        {"exp": 4102444800},
        {"exp": True},
        {"exp": "60"},
        {"iat": 4102444800},
        {"nbf": 4102444800},
        {"nbf": "soon"},
    ],
)
async def test_what_is_wrong_with_an_assertion_is_refused(
    trusting: Provider, claims: dict[str, Any]
) -> None:
    bot = await payroll(trusting)
    answer = await ask(trusting, bot, assertion(trusting, **claims))
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


@pytest.mark.attack("A19")
async def test_only_keys_of_the_issuer_count(trusting: Provider) -> None:
    bot = await payroll(trusting)
    own = assertion(trusting)
    for text in (
        assertion(trusting, OTHER_KEY),
        assertion(trusting, header={"kid": "hr-2"}),
        assertion(trusting, header={"typ": "at+jwt"}),
        assertion(trusting, iss=PEOPLE.issuer, national_id="8747870537") + "A",
        own.rpartition(".")[0] + ".",
        "x",
        "a.b.c",
    ):
        answer = await ask(trusting, bot, text)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


async def test_who_may_present_them_is_a_setting(trusting: Provider) -> None:
    await payroll(trusting)
    stranger = await machine(trusting, grant_types=(GRANT_TYPE,))
    text = assertion(trusting, sub=stranger.client.client_id)
    assert (await ask(trusting, stranger, text)).json()["error"] == "invalid_grant"
    unregistered = await machine(trusting)
    answer = await ask(trusting, unregistered, assertion(trusting))
    assert answer.json()["error"] == "unauthorized_client"


@pytest.mark.attack("A4")
@pytest.mark.spec("RFC 7523 §3")
async def test_an_assertion_is_used_once(trusting: Provider) -> None:
    bot, text = await payroll(trusting), assertion(trusting)
    answers = await asyncio.gather(*(ask(trusting, bot, text) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [200, 400, 400, 400, 400]
    assert (await ask(trusting, bot, text)).json()["error"] == "invalid_grant"


async def test_it_is_off_by_default(op: Provider) -> None:
    bot = await op.register()
    answer = await ask(op, bot, "a.b.c")
    assert answer.json()["error"] == "unsupported_grant_type"


VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.lists(st.text())
)


@given(
    st.dictionaries(
        st.sampled_from(["iss", "sub", "aud", "jti", "exp", "iat", "nbf", "national_id"]), VALUES
    )
)
def test_strange_claims_make_no_fault(claims: dict[str, Any]) -> None:
    for trust in (MACHINES, PEOPLE):
        with suppress(OAuthError):
            jwt_bearer.trusted(claims, client(), (trust,))
        with suppress(OAuthError):
            jwt_bearer.accept(claims, trust, client(), 1_800_000_000)
