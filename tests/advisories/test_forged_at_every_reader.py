"""The corpus of forged tokens at every place that reads a token of a client, an attester or others.

The advisories of test_algorithm_confusion.py as a class: what one reader refuses, all refuse.
Authlib CVE-2024-37568 and CVE-2026-27962, PyJWT CVE-2026-48526 and CVE-2026-32597, Keycloak
CVE-2026-11800, CVE-2022-21449, jwcrypto CVE-2024-28102 and CVE-2026-39373.
"""

import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest

from config.runtime.database.connect import OpenDatabase
from config.settings import Features
from idp.client_auth.method import ASSERTION_TYPE
from idp.protocol import jwt_bearer
from idp.protocol.attestation import METHODS
from idp.protocol.token_exchange import ACCESS_TOKEN, GRANT_TYPE, ID_TOKEN
from tests.backchannel import SECRET, ask, known, poll, signed
from tests.dpop import Holder
from tests.interop import evil
from tests.journeys.login_world import Site, site
from tests.journeys.machine import test_attestation as attested
from tests.journeys.machine import test_jwt_bearer as bearer
from tests.journeys.machine.test_token_exchange import gateway_of
from tests.journeys.test_ciba import approved
from tests.keyrings import HandClock
from tests.machines import OTHER, claims_of, resource_server
from tests.oauth import ISSUER, JWKS, Ground, Provider, provider
from tests.signing import PLAIN, SIGNER, object_of, push, push_object
from tests.signing import known as signer_known

pytestmark = [
    pytest.mark.attack("A1"),
    pytest.mark.attack("A2"),
    pytest.mark.attack("A3"),
    pytest.mark.attack("A5"),
]

Present = Callable[[str], Awaitable[httpx2.Response]]
PUBLIC = json.loads(JWKS)["keys"]
LONGEST = 20.0
"""Seconds that the whole corpus may take at one reader, on a busy machine."""


async def none_is_taken(
    forged: dict[str, str], present: Present, errors: tuple[str, ...], in_header: bool = False
) -> None:
    """Present every token; each is refused with one of the errors, soon."""
    begun = time.monotonic()
    for name, token in forged.items():
        if in_header and not (token.isascii() and token.isprintable() and token.strip() == token):
            continue  # no header could hold it
        answer = await present(token)
        assert answer.status_code in (400, 401, 413, 431), (name, answer.text)
        if answer.status_code in (400, 401) and answer.content:
            assert answer.json()["error"] in (*errors, "invalid_request"), (name, answer.text)
    assert time.monotonic() - begun < LONGEST


@pytest.fixture
async def wide(database: OpenDatabase, tmp_path: Path) -> AsyncIterator[Provider]:
    """A provider that offers every grant and attests clients."""
    (tmp_path / "attesters.json").write_bytes(attested.jwks(attested.TRUSTED))
    features = Features(
        auth_methods=(*METHODS, "client_secret_basic", "private_key_jwt"),
        attesters=str(tmp_path / "attesters.json"),
        grant_types=(*Features().grant_types, jwt_bearer.GRANT_TYPE),
    )
    trusted = (bearer.MACHINES, bearer.PEOPLE)
    issuer = msgspec.structs.replace(ISSUER, features=features, trusted_issuers=trusted)
    ground = Ground(database=database, directory=tmp_path, clock=HandClock(), issuer=issuer)
    made = await provider(ground)
    yield made
    await made.http.aclose()


@pytest.mark.parametrize("path", ["/par", "/token", "/introspect", "/revoke"])
async def test_client_assertions(op: Provider, path: str) -> None:
    client = await op.register("private_key_jwt")
    good = op.assertion(client)
    name, now = client.client.client_id, op.clock.now()
    claims = {"iss": name, "sub": name, "aud": op.issuer.address, "exp": now + 60, "jti": "j"}

    async def present(token: str) -> httpx2.Response:
        form = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": token, "token": "x"}
        return await op.http.post(path, data=form | {"grant_type": "refresh_token"})

    forged = evil.tokens(claims, "JWT", PUBLIC, good)
    await none_is_taken(forged, present, ("invalid_client",))
    taken = await present(good)
    assert taken.status_code == 200 or taken.json()["error"] != "invalid_client"


@pytest.mark.behaviour(47)
async def test_pushed_request_objects(here: Site) -> None:
    client = await signer_known(here, SIGNER)
    good = object_of(here, client, response_mode="jwt")

    async def present(token: str) -> httpx2.Response:
        return await push_object(here, client, token)

    forged = evil.tokens(claims_of(good), "oauth-authz-req+jwt", PUBLIC, good)
    await none_is_taken(forged, present, ("invalid_request_object", "request_not_supported"))
    assert (await present(good)).status_code == 201


async def test_request_objects_in_front(here: Site) -> None:
    client = await signer_known(here, PLAIN)
    good = object_of(here, client)
    forged = evil.tokens(claims_of(good), "oauth-authz-req+jwt", PUBLIC, good)
    asked = {"client_id": "plain", "redirect_uri": client.redirect_uris[0]}
    for name, token in forged.items():
        fields = [*(asked | {"response_type": "code", "request": token}).items()]
        page = await here.browser().request("POST", "/authorize", fields)
        told = page.answer.get("error", "")
        assert told in ("invalid_request_object", "request_not_supported", "invalid_request") or (
            page.status in (400, 413)
        ), (name, page.url)
    fields = [*(asked | {"response_type": "code", "request": good}).items()]
    assert (await here.browser().request("POST", "/authorize", fields)).has("individual_id")


async def test_fetched_request_objects(database: OpenDatabase, tmp_path: Path) -> None:
    address = "https://clinic.example/request"
    async with site(database, tmp_path, request_uris=True) as here:
        client = await signer_known(here, PLAIN, request_uris=(address,))
        good = object_of(here, client)
        forged = evil.tokens(claims_of(good), "oauth-authz-req+jwt", PUBLIC, good)
        asked: dict[str, str | None] = {"request_uri": address, "scope": "openid"}
        for name, token in forged.items():
            if name in ("space before", "space after"):
                continue  # a file may end with a line break: what is around a token is not read
            here.pages[address] = token.encode("utf-8", "surrogatepass")
            page = await here.browser().get(here.address(client, **asked))
            assert page.answer.get("error", "").startswith(("invalid_", "request_")), name
        here.pages[address] = good.encode()
        assert (await here.browser().get(here.address(client, **asked))).has("individual_id")


@pytest.mark.behaviour(51)
async def test_backchannel_requests(here: Site) -> None:
    client = await known(here, backchannel_authentication_request_signing_alg="ES256")
    good = signed(here.clock.now())

    async def present(token: str) -> httpx2.Response:
        unhurried(here)
        form = {"client_id": client.client_id, "client_secret": SECRET, "request": token}
        return await here.browser().client.post("/bc-authorize", data=form)

    forged = evil.tokens(claims_of(good), "JWT", PUBLIC, good)
    await none_is_taken(forged, present, ("invalid_request", "invalid_request_object"))
    assert (await present(good)).status_code == 200


@pytest.mark.behaviour(42)
@pytest.mark.attack("A18")
@pytest.mark.parametrize("where", ["/token", "/userinfo", "/par"])
async def test_proofs_of_keys(op: Provider, where: str) -> None:
    """Here a key in the header is how it is meant: the attacker's own one proves itself alone."""
    client = await op.register(dpop_bound_access_tokens=True)
    holder = Holder(op=op)
    token = (await holder.tokens(client))["access_token"]
    method = "GET" if where == "/userinfo" else "POST"
    good = holder.proof(method, where, token if where == "/userinfo" else None)
    keys = [dict(holder.key.as_dict(private=False))]

    async def present(proof: str) -> httpx2.Response:
        if where == "/userinfo":
            headers = {"authorization": f"DPoP {token}", "dpop": proof}
            return await op.http.get("/userinfo", headers=headers)
        form = {"grant_type": "refresh_token", "refresh_token": "x"}
        return await holder.post(where, client, form, proof)

    forged = evil.tokens(claims_of(good), "dpop+jwt", keys, good)
    if where != "/userinfo":
        del forged["own key, jwk"], forged["own key, jwk and its kid"]
    await none_is_taken(forged, present, ("invalid_dpop_proof", "invalid_token"), in_header=True)
    taken = await present(good)
    assert taken.status_code == 200 or "dpop" not in taken.json()["error"]


@pytest.mark.attack("A19")
@pytest.mark.parametrize("method", METHODS)
async def test_attestations(wide: Provider, method: str) -> None:
    registered = await wide.register(method)
    wallet = attested.Wallet(wide, registered.client.client_id)
    good = wallet.attestation(attested.TRUSTED)
    keys = [dict(attested.TRUSTED.as_dict(private=False))]

    async def present(token: str) -> httpx2.Response:
        headers = {"OAuth-Client-Attestation": token}
        if method == METHODS[0]:
            headers["OAuth-Client-Attestation-PoP"] = wallet.proof()
        else:
            headers["DPoP"] = wallet.dpop()
        form = {"client_id": wallet.client_id, "grant_type": "refresh_token", "refresh_token": "x"}
        return await wide.http.post("/token", data=form, headers=headers)

    forged = evil.tokens(claims_of(good), "oauth-client-attestation+jwt", keys, good)
    errors = ("invalid_client", "invalid_client_attestation")
    await none_is_taken(forged, present, errors, in_header=True)
    assert (await present(good)).json()["error"] == "invalid_grant"


@pytest.mark.attack("A19")
async def test_proofs_of_attested_instances(wide: Provider) -> None:
    registered = await wide.register(METHODS[0])
    wallet = attested.Wallet(wide, registered.client.client_id)
    good = wallet.proof()
    keys = [dict(wallet.key.as_dict(private=False))]

    async def present(token: str) -> httpx2.Response:
        headers = wallet.headers(wallet.attestation(attested.TRUSTED), token)
        form = {"client_id": wallet.client_id, "grant_type": "refresh_token", "refresh_token": "x"}
        return await wide.http.post("/token", data=form, headers=headers)

    forged = evil.tokens(claims_of(good), "oauth-client-attestation-pop+jwt", keys, good)
    errors = ("invalid_client", "invalid_client_attestation")
    await none_is_taken(forged, present, errors, in_header=True)
    assert (await present(good)).json()["error"] == "invalid_grant"


async def test_assertions_of_trusted_issuers(wide: Provider) -> None:
    client = await bearer.payroll(wide)
    good = bearer.assertion(wide)
    keys = [dict(bearer.KEY.as_dict(private=False))]

    async def present(token: str) -> httpx2.Response:
        answer = await bearer.ask(wide, client, token)
        assert isinstance(answer, httpx2.Response)
        return answer

    forged = evil.tokens(claims_of(good), "JWT", keys, good)
    await none_is_taken(forged, present, ("invalid_grant",))
    assert (await present(good)).status_code == 200


@pytest.mark.parametrize("kind", [ACCESS_TOKEN, ID_TOKEN])
@pytest.mark.parametrize("name", ["subject_token", "actor_token"])
async def test_tokens_to_be_exchanged(op: Provider, kind: str, name: str) -> None:
    await resource_server(op, OTHER, audience_scope=frozenset())
    app = await op.register(resources=(OTHER,))
    gateway = await gateway_of(op, app)
    tokens = await op.tokens(app)
    good = tokens["access_token" if kind == ACCESS_TOKEN else "id_token"]

    async def present(token: str) -> httpx2.Response:
        form = {
            "grant_type": GRANT_TYPE,
            "subject_token": tokens["access_token"],
            "subject_token_type": ACCESS_TOKEN,
        }
        form |= {name: token, f"{name}_type": kind}
        return await op.post("/token", gateway, **form)

    forged = evil.tokens(claims_of(good), "at+jwt", (await op.jwks())["keys"], good)
    await none_is_taken(forged, present, ("invalid_request", "invalid_target"))


async def test_hints_of_pushed_requests(here: Site) -> None:
    page = await here.logged_in(here.browser(), prompt="consent")
    good = (await here.tokens(page))["id_token"]

    async def present(token: str) -> httpx2.Response:
        unhurried(here)
        return await push(here, id_token_hint=token)

    forged = evil.tokens(claims_of(good), "JWT", await published(here), good)
    await none_is_taken(forged, present, ())
    assert (await present(good)).status_code == 201


async def test_hints_of_backchannel_requests(here: Site) -> None:
    await known(here)
    asked = await approved(here)
    good = (await poll(here, asked["auth_req_id"])).json()["id_token"]

    async def present(token: str) -> httpx2.Response:
        unhurried(here)
        return await ask(here, login_hint=None, id_token_hint=token)

    forged = evil.tokens(claims_of(good), "JWT", await published(here), good)
    await none_is_taken(forged, present, ())
    assert (await present(good)).status_code == 200


def unhurried(here: Site) -> None:
    """Paces are no matter of these tests: forget what was counted."""
    here.world.limits._full_at.clear()


async def published(here: Site) -> list[dict[str, Any]]:
    answer = await here.browser().client.get("/jwks")
    keys: list[dict[str, Any]] = answer.json()["keys"]
    return keys
