"""Request objects (JAR, RFC 9101): signed by the client, by value, pushed, or fetched."""

import base64
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from joserfc import jws, jwt
from joserfc.jwk import ECKey, RSAKey

from config.runtime.database.connect import OpenDatabase
from config.settings import Features, Issuer
from idp.protocol.client import Client
from tests.journeys.browsers import Page
from tests.journeys.login_world import CALLBACK, CLINIC, ORIGIN, Site, site
from tests.oauth import KEY
from tests.signing import (
    FAPI,
    PLAIN,
    SIGNER,
    USUAL_HEADER,
    known,
    object_of,
    opening,
    push,
    push_object,
    through,
)

STRANGER = ECKey.generate_key("P-256", {"kid": "rp-1"}, private=True)


async def signer(here: Site, **changes: Any) -> Client:
    return await known(here, SIGNER, **changes)


def unsigned(here: Site, client: Client, **claims: Any) -> str:
    """The same request under ``alg: none``."""
    _, payload, _ = object_of(here, client, **claims).split(".")
    header = base64.urlsafe_b64encode(b'{"alg":"none","typ":"oauth-authz-req+jwt"}')
    return f"{header.rstrip(b'=').decode()}.{payload}."


def forged(here: Site, client: Client, key: ECKey | RSAKey, alg: str) -> str:
    """The same request, signed by ``key``."""
    payload = jws.extract_compact(object_of(here, client, response_mode="jwt").encode()).payload
    registry = jws.JWSRegistry(algorithms=[alg])
    return jws.serialize_compact({"alg": alg, "kid": "rp-1"}, payload, key, registry=registry)


@pytest.mark.behaviour(47)
@pytest.mark.spec("FAPI 2.0 Message Signing §5.3.1")
async def test_a_signed_request_is_pushed(here: Site) -> None:
    client = await signer(here)
    answer = await push_object(here, client, object_of(here, client, response_mode="jwt"))
    assert answer.status_code == 201
    assert (await here.browser().get(opening(answer, client))).has("individual_id")


@pytest.mark.behaviour(47)
@pytest.mark.parametrize(
    "changes",
    [
        {"aud": ["https://other.example", ORIGIN]},
        {"nbf": 8},
        {"nbf": -3590, "exp": 5},
        {"exp": 3600},
        {"jti": "once"},
        {"iss": None},
    ],
)
async def test_what_must_be_accepted_is(here: Site, changes: dict[str, Any]) -> None:
    client = await signer(here)
    answer = await push_object(here, client, _object(here, client, changes))
    assert answer.status_code == 201, answer.text


@pytest.mark.parametrize("typ", [None, "JWT", "jwt", "application/oauth-authz-req+jwt"])
async def test_types_that_clients_name_are_accepted(here: Site, typ: str | None) -> None:
    client = await signer(here)
    header = {k: v for k, v in {**USUAL_HEADER, "typ": typ}.items() if v is not None}
    request = object_of(here, client, header, response_mode="jwt")
    assert (await push_object(here, client, request)).status_code == 201


@pytest.mark.behaviour(47)
@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"exp": None}, "exp of the request object is missing"),
        ({"nbf": None}, "nbf of the request object is missing"),
        ({"aud": None}, "aud of the request object is missing"),
        ({"client_id": None}, "client_id of the request object is missing"),
        ({"aud": "https://other.example"}, "aud"),
        ({"aud": [f"{ORIGIN}/par"]}, "aud"),
        ({"aud": {"a": 1}}, "aud"),
        ({"exp": -31}, "expired"),
        ({"nbf": 31}, "future"),
        ({"iat": 31}, "future"),
        ({"nbf": -3601, "exp": 5}, "too old"),
        ({"exp": 3601}, "too far"),
        ({"nbf": -30, "exp": 3571}, "too far"),
        ({"exp": "soon"}, "no time"),
        ({"nbf": True}, "no time"),
        ({"iat": 1e300}, "no time"),
        ({"iss": "clinic"}, "iss"),
        ({"client_id": "clinic"}, "client_id"),
        ({"sub": "signer"}, "sub"),
        ({"request": "e30.e30."}, "request"),
        ({"request_uri": "urn:ietf:params:oauth:request_uri:x"}, "request_uri"),
        ({"state": True}, "state"),
        ({"max_age": 1.5}, "max_age"),
    ],
)
async def test_claims_that_must_not_be_accepted_are_not(
    here: Site, changes: dict[str, Any], said: str
) -> None:
    client = await signer(here)
    answer = await push_object(here, client, _object(here, client, changes))
    assert answer.status_code == 400
    assert answer.json()["error"] == "invalid_request_object"
    assert said in answer.json()["error_description"]


def _object(here: Site, client: Client, changes: dict[str, Any]) -> str:
    """Return an object; times are seconds from now."""
    now = here.clock.now()
    claims = {
        name: now + value if name in ("exp", "nbf", "iat") and type(value) is int else value
        for name, value in changes.items()
    }
    return object_of(here, client, response_mode="jwt", **claims)


@pytest.mark.behaviour(47)
async def test_a_request_that_is_not_signed_is_refused(here: Site) -> None:
    client = await signer(here)
    answer = await push(here, client, response_mode="jwt")
    assert answer.status_code == 400
    assert answer.json()["error"] == "invalid_request"
    answer = await push_object(here, client, unsigned(here, client, response_mode="jwt"))
    assert answer.json()["error"] == "invalid_request_object"


@pytest.mark.behaviour(47)
@pytest.mark.attack("A1")
async def test_a_request_that_somebody_else_signed_is_refused(here: Site) -> None:
    client = await signer(here)
    rsa = RSAKey.generate_key(2048, private=True)
    good = object_of(here, client, response_mode="jwt")
    altered = good[:-8] + ("A" * 8 if not good.endswith("A" * 8) else "B" * 8)
    for request in (
        forged(here, client, STRANGER, "ES256"),
        forged(here, client, rsa, "RS256"),
        forged(here, client, rsa, "PS256"),
        altered,
        "",
        "not a token",
        "e30.e30.e30",
        f"{good}.{good}",
        "a.b.c.d.e",
        "é.é.é",
    ):
        answer = await push_object(here, client, request)
        assert answer.status_code == 400, request[:20]
        code = answer.json()["error"]
        assert code == ("invalid_request_object" if request else "invalid_request")


@pytest.mark.behaviour(47)
async def test_the_registered_algorithm_is_the_only_one(here: Site) -> None:
    client = await signer(here, request_object_signing_alg="PS256")
    answer = await push_object(here, client, object_of(here, client, response_mode="jwt"))
    assert answer.json()["error"] == "invalid_request_object"


@pytest.mark.behaviour(47)
async def test_no_redirect_uri_in_the_object_is_none(here: Site) -> None:
    client = await signer(here)
    request = object_of(here, client, response_mode="jwt", redirect_uri=None)
    answer = await push_object(here, client, request, redirect_uri=CALLBACK)
    assert answer.json()["error"] == "invalid_request"


@pytest.mark.behaviour(48)
@pytest.mark.attack("A49")
@pytest.mark.spec("RFC 9101 §6.3")
async def test_what_stands_beside_the_object_is_ignored(here: Site) -> None:
    client = await known(here, FAPI)
    request = object_of(here, client, state=None)
    more = {"state": "outer", "nonce": "outer", "scope": "openid phone", "prompt": "none"}
    answer = await push_object(here, client, request, **more)
    browser = here.browser()
    page = await through(here, browser, await browser.get(opening(answer, client)))
    assert "state" not in page.answer
    authorization = await here.authorization(page)
    assert authorization.nonce == "n-1"
    assert "phone" not in authorization.scope


@pytest.mark.attack("A4")
async def test_an_assertion_of_the_client_is_no_request(here: Site) -> None:
    client = await signer(here)
    now = here.clock.now()
    claims = {
        "iss": client.client_id,
        "sub": client.client_id,
        "aud": ORIGIN,
        "client_id": client.client_id,
        "nbf": now,
        "exp": now + 60,
    }
    request = jwt.encode({"alg": "ES256", "kid": "rp-1"}, claims, KEY)
    answer = await push_object(here, client, request)
    assert answer.json()["error"] == "invalid_request_object"


@pytest.mark.behaviour(13)
@pytest.mark.spec("OpenID Connect Core 1.0 §6.1")
async def test_an_object_by_value_overrides_the_request_around_it(here: Site) -> None:
    client = await known(here, PLAIN)
    other = client.redirect_uris[1]
    request = object_of(here, client, redirect_uri=other, nonce="inner", state=None)
    browser = here.browser()
    page = await browser.get(here.address(client, request=request, nonce="outer"))
    page = await through(here, browser, page)
    assert page.url.startswith(other)
    assert page.answer["state"] == "s-1", "what the object does not say, the request may"
    assert (await here.authorization(page)).nonce == "inner"


@pytest.mark.behaviour(13)
async def test_claims_and_numbers_of_an_object_are_read(here: Site) -> None:
    client = await known(here, PLAIN)
    claims = {"id_token": {"email": {"essential": True}}}
    request = object_of(here, client, claims=claims, max_age=300)
    browser = here.browser()
    page = await through(here, browser, await browser.get(here.address(client, request=request)))
    authorization = await here.authorization(page)
    assert authorization.auth_time_asked
    assert authorization.claims.id_token["email"].essential


@pytest.mark.behaviour(13)
async def test_an_unsigned_object_is_refused_and_never_ignored(here: Site) -> None:
    client = await known(here, PLAIN)
    page = await here.browser().get(here.address(client, request=unsigned(here, client)))
    assert page.answer["error"] == "request_not_supported"
    assert page.answer["state"] == "s-1"


@pytest.mark.behaviour(13)
@pytest.mark.parametrize(
    ("inner", "asked"),
    [
        ({"response_type": "id_token"}, {}),
        ({"client_id": "clinic"}, {}),
        ({"aud": "https://other.example"}, {}),
        ({"exp": 1}, {}),
        ({}, {"client_id": "shop"}),
    ],
)
async def test_an_object_that_does_not_fit_is_refused(
    here: Site, inner: dict[str, Any], asked: dict[str, str]
) -> None:
    client = await known(here, PLAIN)
    request = object_of(here, client, **inner)
    page = await here.browser().get(here.address(client, request=request, **asked))
    told = page.answer.get("error", page.text)
    assert "invalid_request" in told


async def test_a_client_that_promised_to_sign_must(here: Site) -> None:
    client = await known(here, PLAIN, require_signed_request_object=True)
    page = await here.browser().get(here.address(client))
    assert page.answer["error"] == "invalid_request"
    request = object_of(here, client)
    browser = here.browser()
    address = f"/authorize?client_id={client.client_id}&request={request}"
    page = await through(here, browser, await browser.get(address))
    assert page.answer["code"]
    expired = object_of(here, client, exp=1)
    page = await browser.get(here.address(client, request=expired))
    assert page.status == 400, "what stands around it names no address to go back to"


@pytest.mark.behaviour(13)
async def test_by_reference_is_refused_where_it_is_switched_off(here: Site) -> None:
    client = await known(here, PLAIN, request_uris=("https://clinic.example/request",))
    page = await here.browser().get(
        here.address(client, request_uri="https://clinic.example/request")
    )
    assert page.answer["error"] == "request_uri_not_supported"


async def test_a_public_client_has_no_key_to_sign_with(here: Site) -> None:
    request = object_of(here, CLINIC)
    page = await here.browser().get(here.address(request=request))
    assert page.answer["error"] == "invalid_request_object"


FETCHING = "https://localhost/fetching"
AT = "https://clinic.example/request.jwt"


@pytest.fixture
async def fetching(database: OpenDatabase, tmp_path: Path) -> AsyncIterator[Site]:
    """An issuer that fetches request objects, beside one that does not."""
    features = Features(request_uris=True)
    second = Issuer(address=FETCHING, profile="oidc", algorithms=("ES256",), features=features)
    async with site(database, tmp_path, second) as running:
        yield running


async def referring(here: Site, **changes: Any) -> Client:
    return await known(here, PLAIN, issuer=FETCHING, request_uris=(AT,), **changes)


def lying(here: Site, client: Client, address: str = AT, **claims: Any) -> str:
    """Put a request object where it is to be fetched; return the hash of it."""
    body = object_of(here, client, aud=FETCHING, **claims).encode()
    here.pages[address] = body
    return base64.urlsafe_b64encode(hashlib.sha256(body).digest()).rstrip(b"=").decode()


async def opened(here: Site, client: Client, request_uri: str) -> Page:
    return await here.browser().get("/fetching" + here.address(client, request_uri=request_uri))


@pytest.mark.behaviour(13)
@pytest.mark.spec("RFC 9101 §5.2")
async def test_an_object_is_fetched_from_where_it_was_registered(fetching: Site) -> None:
    client = await referring(fetching)
    digest = lying(fetching, client, nonce="inner")
    for request_uri in (AT, f"{AT}#{digest}"):
        fetching.pages[request_uri] = fetching.pages[AT]
        browser = fetching.browser()
        page = await browser.get("/fetching" + fetching.address(client, request_uri=request_uri))
        page = await through(fetching, browser, page)
        assert (await fetching.authorization(page)).nonce == "inner"


@pytest.mark.behaviour(13)
@pytest.mark.attack("A24")
async def test_nothing_else_is_ever_fetched(fetching: Site) -> None:
    client = await referring(fetching)
    lying(fetching, client)
    for request_uri in (
        "https://evil.example/request.jwt",
        "http://clinic.example/request.jwt",
        "https://clinic.example/request.jwt?x=1",
        "https://clinic.example/request.jwt/../other",
        "https://clinic.example/REQUEST.jwt",
        "file:///etc/passwd",
        "http://169.254.169.254/latest/meta-data",
        "#",
    ):
        fetching.pages[request_uri] = fetching.pages[AT]
        page = await opened(fetching, client, request_uri)
        assert page.answer["error"] == "invalid_request_uri", request_uri


@pytest.mark.behaviour(13)
async def test_what_cannot_be_fetched_is_told(fetching: Site) -> None:
    client = await referring(fetching)
    page = await opened(fetching, client, AT)
    assert page.answer["error"] == "invalid_request_uri", "there is nothing"
    fetching.pages[AT] = "é".encode()
    assert (await opened(fetching, client, AT)).answer["error"] == "invalid_request_uri"
    lying(fetching, client)
    wrong = f"{AT}#{'x' * 43}"
    fetching.pages[wrong] = fetching.pages[AT]
    assert (await opened(fetching, client, wrong)).answer["error"] == "invalid_request_uri"
    fetching.pages[AT] = b"e30.e30.e30"
    assert (await opened(fetching, client, AT)).answer["error"] == "invalid_request_object"


async def test_by_value_and_by_reference_exclude_one_another(fetching: Site) -> None:
    client = await referring(fetching)
    lying(fetching, client)
    address = "/fetching" + fetching.address(client, request_uri=AT, request="e30.e30.e30")
    page = await fetching.browser().get(address)
    assert page.answer["error"] == "invalid_request"


async def test_a_reference_cannot_be_pushed(fetching: Site) -> None:
    client = await referring(fetching)
    form = {"client_id": client.client_id, "request_uri": AT}
    answer = await fetching.browser().client.post("/fetching/par", data=form)
    assert answer.status_code in (400, 401)


@pytest.mark.parametrize("path", ["", "/fetching"])
async def test_the_metadata_tell_what_is_taken(fetching: Site, path: str) -> None:
    http = fetching.browser().client
    told = (await http.get(f"{path}/.well-known/openid-configuration")).json()
    assert told["request_parameter_supported"] is True
    assert told["request_uri_parameter_supported"] is (path != "")
    assert told["require_request_uri_registration"] is (path != "")
    assert told["require_signed_request_object"] is False
    assert "none" not in told["request_object_signing_alg_values_supported"]
