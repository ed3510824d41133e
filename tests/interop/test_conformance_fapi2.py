"""The modules of the OpenID conformance suite's FAPI 2.0 plans (Security Profile, Message Signing).

One test per module, under its name, against the running demonstration: what the suite would call a
failure or a warning fails here. Modules about signed requests drive the alias of Message Signing,
which is answered with signed tokens (JARM); those that hold for both profiles drive both.
"""

import base64
import json
import secrets
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
from joserfc.jwk import ECKey

from config.runtime.database.connect import OpenDatabase
from config.wiring.demo.browser import Page
from tests.demonstration import Demonstration
from tests.dpop import Holder
from tests.interop import evil
from tests.interop.outsider import PIN, Answer, pkce
from tests.interop.tester import RSA, Fapi, in_front_of, signed
from tests.journeys.login_world import site
from tests.keyrings import HandClock
from tests.oauth import Ground, provider
from tests.signing import FAPI, known, opening, push

pytestmark = [pytest.mark.server, pytest.mark.xdist_group("conformance")]

MODULES = """
discovery-end-point-verification happy-flow user-rejects-authentication
ensure-request-object-with-multiple-aud-succeeds ensure-authorization-request-without-state-success
ensure-authorization-request-without-nonce-success
ensure-authorization-request-with-64-char-nonce-success ensure-other-scope-order-succeeds
test-claims-parameter-identity-claims access-token-type-header-case-sensitivity
ensure-request-object-with-nbf-8-seconds-in-the-future-is-accepted check-dpop-proof-nbf-exp
ensure-dpopproof-with-iat-10seconds-before-succeeds
ensure-dpopproof-with-iat-10seconds-after-succeeds ensure-mismatched-dpop-jkt-fails
ensure-token-endpoint-fails-with-mismatched-dpop-proof-jkt
ensure-token-endpoint-fails-with-mismatched-dpop-jkt
ensure-dpopproof-at-par-endpoint-binding-success ensure-dpop-auth-code-binding-success
ensure-different-nonce-inside-and-outside-request-object
ensure-different-state-inside-and-outside-request-object
ensure-authorization-request-with-long-nonce ensure-authorization-request-with-long-state
ensure-request-object-without-exp-fails ensure-request-object-without-nbf-fails
state-only-outside-request-object-not-used ensure-request-object-without-redirect-uri-fails
ensure-expired-request-object-fails ensure-request-object-with-bad-aud-fails
ensure-request-object-with-exp-over-60-fails ensure-request-object-with-nbf-over-60-fails
ensure-signed-request-object-with-RS256-fails ensure-request-object-signature-algorithm-is-not-none
ensure-request-object-with-invalid-signature-fails ensure-matching-key-in-authorization-request
ensure-unsigned-request-at-par-endpoint-fails ensure-registered-redirect-uri
plain-fapi-tolerate-unregistered-redirect-uri
ensure-unsigned-authorization-request-without-using-par-fails
ensure-redirect-uri-in-authorization-request ensure-response-type-code-idtoken-fails
ensure-response-type-token-fails ensure-client-id-in-token-endpoint ensure-holder-of-key-required
ensure-authorization-code-is-bound-to-client attempt-reuse-authorization-code-after-one-second
ensure-token-endpoint-fails-with-expired-auth-code
ensure-signed-client-assertion-with-RS256-fails ensure-client-assertion-in-token-endpoint
ensure-client-assertion-with-exp-is-5-minutes-in-past-fails
ensure-client-assertion-with-wrong-aud-fails ensure-client-assertion-with-no-sub-fails
dpop-negative-tests refresh-token ensure-server-handles-non-matching-intent-id
test-essential-acr-sca-claim par-ensure-reused-request-uri-prior-to-auth-completion-succeeds
par-attempt-reuse-request_uri par-attempt-to-use-expired-request_uri
par-ensure-jwt-client-assertions-nbf-8-seconds-in-the-future-is-accepted
par-ensure-jwt-client-assertions-nbf-over-60-seconds-in-the-future-fails
par-attempt-to-use-request_uri-for-different-client
par-authorization-request-containing-request_uri-form-param par-attempt-invalid-http-method
par-ensure-pkce-required ensure-pkce-code-verifier-required incorrect-pkce-code-verifier-rejected
par-plain-pkce-rejected par-authorization-request-containing-request_uri
par-without-duplicate-parameters par-test-array-as-audience-fails
par-test-par-endpoint-url-as-audience-fails par-test-token-endpoint-url-as-audience-fails
"""
"""Without their prefix ``fapi2-security-profile-final-``."""

BOTH = ["symbolon-fapi2", "symbolon-fapi2-ms"]
OBJECT = ("invalid_request_object", "invalid_request")
CLIENT = ("invalid_client", "invalid_request")


@pytest.fixture(scope="module")
def cookies() -> dict[str, dict[str, str]]:
    """Browsers that are kept between tests: their cookies, by alias."""
    return {}


@pytest.fixture(params=BOTH)
async def both(
    request: pytest.FixtureRequest, conformance: Demonstration, cookies: dict[str, dict[str, str]]
) -> AsyncIterator[Fapi]:
    """A tester in front of each profile."""
    alias = request.param
    async with in_front_of(conformance, alias, cookies.setdefault(alias, {})) as fapi:
        yield fapi


@pytest.fixture
async def plain(
    conformance: Demonstration, cookies: dict[str, dict[str, str]]
) -> AsyncIterator[Fapi]:
    """A tester in front of the Security Profile."""
    async with in_front_of(conformance, BOTH[0], cookies.setdefault(BOTH[0], {})) as fapi:
        yield fapi


@pytest.fixture
async def signing(
    conformance: Demonstration, cookies: dict[str, dict[str, str]]
) -> AsyncIterator[Fapi]:
    """A tester in front of Message Signing."""
    async with in_front_of(conformance, BOTH[1], cookies.setdefault(BOTH[1], {})) as fapi:
        yield fapi


def refused(response: httpx2.Response, *errors: str) -> str:
    """Judge a refusal: 400 or 401, JSON, one of the errors."""
    assert response.status_code in (400, 401), response.text
    assert response.headers["content-type"].split(";")[0] == "application/json"
    told = response.json()
    assert set(told) <= {"error", "error_description", "error_uri"}
    assert told["error"] in errors, told
    return str(told["error"])


def refused_page(landed: Answer | Page) -> str:
    """Judge a page of refusal: the person stays here."""
    assert isinstance(landed, Page), landed
    assert 400 <= landed.status < 500 and "location" not in landed.headers
    return landed.text


def test_every_module_has_a_test() -> None:
    named = [f"test_{name.replace('-', '_')}" for name in MODULES.split()]
    assert len(named) == len(set(named)) == 73
    assert [name for name in named if name not in globals()] == []


@pytest.mark.behaviour(34)
async def test_discovery_end_point_verification(both: Fapi) -> None:
    told = both.metadata
    assert told["response_types_supported"] == ["code"]
    assert "S256" in told["code_challenge_methods_supported"]
    assert "plain" not in told["code_challenge_methods_supported"]
    assert told["require_pushed_authorization_requests"] is True
    assert told["authorization_response_iss_parameter_supported"] is True
    assert {"authorization_code", "refresh_token"} <= set(told["grant_types_supported"])
    assert "private_key_jwt" in told["token_endpoint_auth_methods_supported"]
    assert not {"RS256", "none"} & set(told["token_endpoint_auth_signing_alg_values_supported"])
    assert "ES256" in told["dpop_signing_alg_values_supported"]
    assert "openid" in told["scopes_supported"] and told["claims_parameter_supported"] is True
    assert not {"RS256", "none"} & set(told["request_object_signing_alg_values_supported"])
    assert told["issuer"] == both.issuer and told["issuer"].startswith("https://")
    for name, value in told.items():
        if name.endswith("_endpoint"):
            assert value.startswith("https://"), name
    if both.signs:
        assert told["require_signed_request_object"] is True
        assert {"jwt", "query.jwt"} <= set(told["response_modes_supported"])
        assert "ES256" in told["authorization_signing_alg_values_supported"]


@pytest.mark.behaviour(39)
async def test_happy_flow(both: Fapi) -> None:
    person = await both.someone()
    asked, verifier = both.asked(scope="openid profile email")
    answer = await both.answered(asked, person)
    assert person.seen and answer.via == "query" and answer.fields["iss"] == both.issuer
    assert len(answer.code) >= 22  # 128 bits
    told = await both.told(await both.collect(answer.code, verifier))
    claims = await both.read(told["id_token"])
    assert claims["nonce"] == "n-0S6_WzA2Mj" and claims["acr"] == PIN
    resource = await both.use(told["access_token"])
    assert resource.status_code == 200 and resource.headers["date"]
    assert resource.headers["content-type"].split(";")[0] == "application/json"
    again = replace_party(both)
    other, _ = again.asked()
    second = await again.answered(other, await again.someone())
    assert second.code != answer.code


def replace_party(fapi: Fapi) -> Fapi:
    """Return the same with its second client in front."""
    return replace(fapi, parties=(fapi.parties[1], fapi.parties[0]))


@pytest.mark.behaviour(45)
async def test_user_rejects_authentication(both: Fapi) -> None:
    asked, _ = both.asked(prompt="login consent")
    person = await both.someone()
    page = await both.open(person, await both.push(asked))
    answer = await person.say(page, "deny")
    assert answer.error == "access_denied"
    assert answer.fields["state"] == "st-ate" and answer.fields["iss"] == both.issuer
    assert "code" not in answer.fields


@pytest.mark.behaviour(47)
async def test_ensure_request_object_with_multiple_aud_succeeds(signing: Fapi) -> None:
    asked, _ = signing.asked()
    aud = [signing.issuer, "https://other.example"]
    claims = signing.one.object(asked, aud=aud)
    answer = await signing.send({"request": signing.one.signed(claims)})
    landed = await signing.open(await signing.known(), answer)
    assert isinstance(landed, Answer) or landed.status == 200


@pytest.mark.behaviour(44)
async def test_ensure_authorization_request_without_state_success(both: Fapi) -> None:
    answer, _ = await both.flow(state=None)
    assert "state" not in answer.fields


@pytest.mark.behaviour(44)
async def test_ensure_authorization_request_without_nonce_success(both: Fapi) -> None:
    _, told = await both.flow(nonce=None)
    assert "nonce" not in told["claims"]


@pytest.mark.behaviour(44)
async def test_ensure_authorization_request_with_64_char_nonce_success(both: Fapi) -> None:
    nonce = secrets.token_hex(32)
    _, told = await both.flow(nonce=nonce)
    assert told["claims"]["nonce"] == nonce


async def test_ensure_other_scope_order_succeeds(both: Fapi) -> None:
    await both.flow(scope="email profile openid")


async def test_test_claims_parameter_identity_claims(both: Fapi) -> None:
    wish = {"id_token": {"given_name": None, "email": {"essential": True}, "acr": None}}
    _, told = await both.flow(claims=json.dumps(wish))
    assert {"given_name", "email"} <= set(told["claims"])


@pytest.mark.behaviour(39)
async def test_access_token_type_header_case_sensitivity(both: Fapi) -> None:
    _, told = await both.flow()
    for scheme in ("dpop", "DPOP", "DpOp"):
        answer = await both.use(told["access_token"], scheme=scheme)
        assert answer.status_code == 200, scheme


@pytest.mark.behaviour(47)
async def test_ensure_request_object_with_nbf_8_seconds_in_the_future_is_accepted(
    signing: Fapi,
) -> None:
    asked, _ = signing.asked()
    claims = signing.one.object(asked, nbf=int(time.time()) + 8)
    assert (await signing.send({"request": signing.one.signed(claims)})).status_code == 201


@pytest.mark.behaviour(41)
async def test_check_dpop_proof_nbf_exp(both: Fapi) -> None:
    """Members that DPoP does not name do not matter, whatever they say."""
    asked, verifier = both.asked()
    answer = await both.answered(asked)
    now = int(time.time())
    url = both.metadata["token_endpoint"]
    proof = both.one.proof("POST", url, nbf=now + 3600, exp=now - 3600)
    told = await both.told(await both.collect(answer.code, verifier, proof=proof))
    token = told["access_token"]
    proof = both.one.proof("GET", both.resource, token, nbf=now - 10, exp=now + 60)
    assert (await both.use(token, proof)).status_code == 200


async def shifted(fapi: Fapi, seconds: int) -> None:
    asked, verifier = fapi.asked()
    answer = await fapi.answered(asked)
    then = int(time.time()) + seconds
    proof = fapi.one.proof("POST", fapi.metadata["token_endpoint"], iat=then)
    told = await fapi.told(await fapi.collect(answer.code, verifier, proof=proof))
    token = told["access_token"]
    proof = fapi.one.proof("GET", fapi.resource, token, iat=then)
    assert (await fapi.use(token, proof)).status_code == 200


@pytest.mark.behaviour(41)
async def test_ensure_dpopproof_with_iat_10seconds_before_succeeds(both: Fapi) -> None:
    await shifted(both, -10)


@pytest.mark.behaviour(41)
async def test_ensure_dpopproof_with_iat_10seconds_after_succeeds(both: Fapi) -> None:
    await shifted(both, 10)


@pytest.mark.behaviour(40)
async def test_ensure_mismatched_dpop_jkt_fails(both: Fapi) -> None:
    """``dpop_jkt`` names another key than the proof of the same pushed request."""
    asked, _ = both.asked(dpop_jkt=ECKey.generate_key("P-256").thumbprint())
    proof = both.one.proof("POST", both.metadata["pushed_authorization_request_endpoint"])
    refused(await both.push(asked, proof), "invalid_dpop_proof", "invalid_request")


async def other_key_refused(fapi: Fapi, asked: dict[str, Any], verifier: str, proof: Any) -> None:
    answer = await fapi.answered(asked, proof=proof)
    mine, fapi.one.dpop = fapi.one.dpop, ECKey.generate_key("P-256", private=True)
    refused(await fapi.collect(answer.code, verifier), "invalid_grant", "invalid_dpop_proof")
    fapi.one.dpop = mine
    await fapi.told(await fapi.collect(answer.code, verifier))  # nothing was used up


@pytest.mark.behaviour(40)
async def test_ensure_token_endpoint_fails_with_mismatched_dpop_proof_jkt(both: Fapi) -> None:
    asked, verifier = both.asked()
    proof = both.one.proof("POST", both.metadata["pushed_authorization_request_endpoint"])
    await other_key_refused(both, asked, verifier, proof)


@pytest.mark.behaviour(40)
async def test_ensure_token_endpoint_fails_with_mismatched_dpop_jkt(both: Fapi) -> None:
    asked, verifier = both.asked(dpop_jkt=both.one.dpop.thumbprint())
    await other_key_refused(both, asked, verifier, None)


@pytest.mark.behaviour(40)
async def test_ensure_dpopproof_at_par_endpoint_binding_success(both: Fapi) -> None:
    asked, verifier = both.asked()
    proof = both.one.proof("POST", both.metadata["pushed_authorization_request_endpoint"])
    answer = await both.answered(asked, proof=proof)
    await both.told(await both.collect(answer.code, verifier))


@pytest.mark.behaviour(40)
async def test_ensure_dpop_auth_code_binding_success(both: Fapi) -> None:
    await both.flow(dpop_jkt=both.one.dpop.thumbprint())


@pytest.mark.behaviour(48)
async def test_ensure_different_nonce_inside_and_outside_request_object(signing: Fapi) -> None:
    asked, verifier = signing.asked(nonce="inner")
    token = signing.one.signed(signing.one.object(asked))
    pushed = await signing.send({"request": token, "nonce": "outer"})
    person = await signing.known()
    answer = await person.walk(person.client, await signing.open(person, pushed, nonce="outer"))
    told = await signing.told(await signing.collect(answer.code, verifier))
    assert (await signing.read(told["id_token"]))["nonce"] == "inner"


@pytest.mark.behaviour(48)
async def test_ensure_different_state_inside_and_outside_request_object(signing: Fapi) -> None:
    asked, _ = signing.asked(state="inner")
    token = signing.one.signed(signing.one.object(asked))
    pushed = await signing.send({"request": token, "state": "outer"})
    person = await signing.known()
    answer = await person.walk(person.client, await signing.open(person, pushed, state="outer"))
    assert answer.fields["state"] == "inner"


@pytest.mark.behaviour(44)
async def test_ensure_authorization_request_with_long_nonce(both: Fapi) -> None:
    nonce = secrets.token_hex(192)
    asked, _ = both.asked(nonce=nonce)
    pushed = await both.push(asked)
    if pushed.status_code == 201:
        _, told = await both.flow(nonce=nonce)
        assert told["claims"]["nonce"] == nonce
    else:
        refused(pushed, *OBJECT)


@pytest.mark.behaviour(44)
async def test_ensure_authorization_request_with_long_state(both: Fapi) -> None:
    asked, _ = both.asked(state=secrets.token_hex(192))
    await both.answered(asked)


async def refused_object(fapi: Fapi, **changes: Any) -> None:
    """The object of a good request with ``changes``; None leaves a claim out."""
    asked, _ = fapi.asked()
    claims = fapi.one.object(asked, **changes)
    refused(await fapi.send({"request": fapi.one.signed(claims)}), *OBJECT)


@pytest.mark.behaviour(47)
async def test_ensure_request_object_without_exp_fails(signing: Fapi) -> None:
    await refused_object(signing, exp=None)


@pytest.mark.behaviour(47)
async def test_ensure_request_object_without_nbf_fails(signing: Fapi) -> None:
    await refused_object(signing, nbf=None)


@pytest.mark.behaviour(48)
async def test_state_only_outside_request_object_not_used(signing: Fapi) -> None:
    asked, _ = signing.asked(state=None)
    token = signing.one.signed(signing.one.object(asked))
    pushed = await signing.send({"request": token, "state": "outer"})
    person = await signing.known()
    answer = await person.walk(person.client, await signing.open(person, pushed, state="outer"))
    assert "state" not in answer.fields


@pytest.mark.behaviour(47)
async def test_ensure_request_object_without_redirect_uri_fails(signing: Fapi) -> None:
    await refused_object(signing, redirect_uri=None)
    asked, _ = signing.asked(redirect_uri=None)
    token = signing.one.signed(signing.one.object(asked))
    outside = {"request": token, "redirect_uri": signing.one.redirect_uri}
    refused(await signing.send(outside), *OBJECT)


@pytest.mark.behaviour(47)
async def test_ensure_expired_request_object_fails(signing: Fapi) -> None:
    now = int(time.time())
    await refused_object(signing, exp=now - 60, nbf=now - 360, iat=now - 360)


@pytest.mark.behaviour(47)
async def test_ensure_request_object_with_bad_aud_fails(signing: Fapi) -> None:
    for aud in ("https://other.example", f"{signing.issuer}/", signing.metadata["token_endpoint"]):
        await refused_object(signing, aud=aud)


@pytest.mark.behaviour(47)
async def test_ensure_request_object_with_exp_over_60_fails(signing: Fapi) -> None:
    await refused_object(signing, exp=int(time.time()) + 70 * 60)


@pytest.mark.behaviour(47)
async def test_ensure_request_object_with_nbf_over_60_fails(signing: Fapi) -> None:
    await refused_object(signing, nbf=int(time.time()) - 70 * 60)


@pytest.mark.behaviour(47)
@pytest.mark.attack("A1")
async def test_ensure_signed_request_object_with_RS256_fails(signing: Fapi) -> None:
    asked, _ = signing.asked()
    token = signing.one.signed(signing.one.object(asked), "RS256")
    refused(await signing.send({"request": token}), *OBJECT)


@pytest.mark.behaviour(47)
@pytest.mark.attack("A1")
async def test_ensure_request_object_signature_algorithm_is_not_none(signing: Fapi) -> None:
    asked, _ = signing.asked()
    token = signing.one.signed(signing.one.object(asked), "none")
    refused(await signing.send({"request": token}), *OBJECT)


@pytest.mark.behaviour(47)
@pytest.mark.attack("A1")
async def test_ensure_request_object_with_invalid_signature_fails(signing: Fapi) -> None:
    asked, _ = signing.asked()
    token = signing.one.signed(signing.one.object(asked))
    head, body, signature = token.split(".")
    raw = bytes(byte ^ 0x5A for byte in base64.urlsafe_b64decode(signature + "=="))
    refused(await signing.send({"request": f"{head}.{body}.{evil.b64(raw)}"}), *OBJECT)


@pytest.mark.behaviour(47)
async def test_ensure_matching_key_in_authorization_request(signing: Fapi) -> None:
    """The object is signed with the other client's key."""
    asked, _ = signing.asked()
    token = signing.one.signed(signing.one.object(asked), key=signing.parties[1].key)
    refused(await signing.send({"request": token}), *OBJECT)
    header = {"alg": "ES256", "kid": signing.parties[1].key.kid}
    token = signed(header, signing.one.object(asked), signing.parties[1].key)
    refused(await signing.send({"request": token}), *OBJECT)


@pytest.mark.behaviour(47)
@pytest.mark.attack("A49")
async def test_ensure_unsigned_request_at_par_endpoint_fails(signing: Fapi) -> None:
    asked, _ = signing.asked()
    refused(await signing.send({"client_id": signing.one.id, **asked}), *OBJECT)


@pytest.mark.behaviour(35)
async def test_ensure_registered_redirect_uri(both: Fapi) -> None:
    for changed in ("/foo", "?foo=bar", "/", "#"):
        asked, _ = both.asked(redirect_uri=both.one.redirect_uri + changed)
        refused(await both.push(asked), *OBJECT, "invalid_redirect_uri")


@pytest.mark.behaviour(35)
async def test_plain_fapi_tolerate_unregistered_redirect_uri(both: Fapi) -> None:
    """The suite lets a server take one that was never registered, or refuse it: here it is."""
    asked, _ = both.asked(redirect_uri=f"https://{secrets.token_hex(8)}.example/callback")
    refused(await both.push(asked), *OBJECT, "invalid_redirect_uri")


@pytest.mark.behaviour(34)
async def test_ensure_unsigned_authorization_request_without_using_par_fails(both: Fapi) -> None:
    asked, _ = both.asked()
    query = httpx2.QueryParams({"client_id": both.one.id, **asked})
    person = await both.someone()
    landed = await person.open(f"{both.metadata['authorization_endpoint']}?{query}")
    if isinstance(landed, Page):
        refused_page(landed)
    else:
        assert landed.error == "invalid_request" and "code" not in landed.fields


@pytest.mark.behaviour(35)
async def test_ensure_redirect_uri_in_authorization_request(both: Fapi) -> None:
    asked, _ = both.asked(redirect_uri=None)
    refused(await both.push(asked), *OBJECT)


@pytest.mark.behaviour(34)
async def test_ensure_response_type_code_idtoken_fails(both: Fapi) -> None:
    asked, _ = both.asked(response_type="code id_token")
    refused(await both.push(asked), "unsupported_response_type", "invalid_request")


@pytest.mark.behaviour(34)
async def test_ensure_response_type_token_fails(both: Fapi) -> None:
    asked, _ = both.asked(response_type="token")
    refused(await both.push(asked), "unsupported_response_type", "invalid_request")


async def test_ensure_client_id_in_token_endpoint(conformance: Demonstration) -> None:
    """A client that proves itself by certificate has to say which it is."""
    async with (
        in_front_of(conformance, "symbolon-fapi2-mtls", {}) as fapi,
        fapi.trusting(fapi.one.certificate) as http,
    ):
        url = fapi.metadata["mtls_endpoint_aliases"]["token_endpoint"]
        form = {"grant_type": "client_credentials"}
        refused(await http.post(url, data=form), *CLIENT)
        good = await http.post(url, data=form | {"client_id": fapi.one.id})
        assert good.status_code == 200, good.text


@pytest.mark.behaviour(39)
async def test_ensure_holder_of_key_required(both: Fapi) -> None:
    asked, verifier = both.asked()
    answer = await both.answered(asked)
    bare = await both.collect(answer.code, verifier, proof=None)
    refused(bare, "invalid_request", "invalid_dpop_proof", "invalid_grant")
    told = await both.told(await both.collect(answer.code, verifier))
    assert (await both.use(told["access_token"], None)).status_code == 401


@pytest.mark.behaviour(38)
async def test_ensure_authorization_code_is_bound_to_client(both: Fapi) -> None:
    asked, verifier = both.asked()
    answer = await both.answered(asked)
    stolen = await both.collect(answer.code, verifier, party=both.parties[1])
    refused(stolen, "invalid_grant")
    await both.told(await both.collect(answer.code, verifier))


@pytest.mark.behaviour(38)
async def test_attempt_reuse_authorization_code_after_one_second(both: Fapi) -> None:
    asked, verifier = both.asked()
    answer = await both.answered(asked)
    told = await both.told(await both.collect(answer.code, verifier))
    refused(await both.collect(answer.code, verifier), "invalid_grant")
    assert (await both.use(told["access_token"])).status_code == 401


@pytest.mark.behaviour(38)
@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
async def test_ensure_token_endpoint_fails_with_expired_auth_code(
    database: OpenDatabase, tmp_path: Path
) -> None:
    """The suite waits 62 seconds; here the clock is moved by hand."""
    op = await provider(Ground(database=database, directory=tmp_path, clock=HandClock()))
    client = await op.register("private_key_jwt", dpop_bound_access_tokens=True)
    holder = Holder(op=op)
    late = await op.code(client.client)
    op.clock.at += 62
    refused(await holder.redeem(client, late), "invalid_grant")
    assert (await holder.redeem(client, await op.code(client.client))).status_code == 200


async def refused_assertion(fapi: Fapi, alg: str = "ES256", **changes: Any) -> None:
    """Neither endpoint takes the assertion; the code is not used up."""
    asked, verifier = fapi.asked()
    answer = await fapi.answered(asked)
    bad: dict[str, str | None] = {**fapi.one.assertion(alg, **changes)}
    refused(await fapi.collect(answer.code, verifier, **bad), *CLIENT)
    form = {**asked, **fapi.one.assertion(alg, **changes)}
    if fapi.signs:
        form["request"] = fapi.one.signed(fapi.one.object(asked))
    refused(await fapi.send(form), *CLIENT)
    await fapi.told(await fapi.collect(answer.code, verifier))


@pytest.mark.behaviour(37)
@pytest.mark.attack("A1")
async def test_ensure_signed_client_assertion_with_RS256_fails(both: Fapi) -> None:
    await refused_assertion(both, "RS256")
    await refused_assertion(both, "none")


@pytest.mark.behaviour(37)
async def test_ensure_client_assertion_in_token_endpoint(both: Fapi) -> None:
    asked, verifier = both.asked()
    answer = await both.answered(asked)
    nothing = {"client_assertion": None, "client_assertion_type": None, "client_id": both.one.id}
    refused(await both.collect(answer.code, verifier, **nothing), *CLIENT)
    half = {"client_assertion": None}
    refused(await both.collect(answer.code, verifier, **half), *CLIENT)
    await both.told(await both.collect(answer.code, verifier))


@pytest.mark.behaviour(37)
async def test_ensure_client_assertion_with_exp_is_5_minutes_in_past_fails(both: Fapi) -> None:
    then = int(time.time()) - 300
    await refused_assertion(both, exp=then, iat=then - 60)


@pytest.mark.behaviour(37)
async def test_ensure_client_assertion_with_wrong_aud_fails(both: Fapi) -> None:
    await refused_assertion(both, aud="https://other.example")


@pytest.mark.behaviour(37)
async def test_ensure_client_assertion_with_no_sub_fails(both: Fapi) -> None:
    await refused_assertion(both, sub=None)


@pytest.mark.behaviour(42)
@pytest.mark.attack("A18")
async def test_dpop_negative_tests(both: Fapi) -> None:
    """At the resource; what the token endpoint makes of the same is in test_dpop.py."""
    _, told = await both.flow()
    token, party = told["access_token"], both.one
    now, key = int(time.time()), party.dpop.as_dict(private=False)

    def proof(**changes: Any) -> str:
        return party.proof("GET", both.resource, token, **changes)

    def headed(alg: str = "ES256", **header: Any) -> str:
        claims = json.loads(base64.urlsafe_b64decode(proof().split(".")[1] + "=="))
        usual = {"typ": "dpop+jwt", "alg": alg, "jwk": key}
        whole = {name: value for name, value in (usual | header).items() if value is not None}
        if alg == "RS256":
            whole["jwk"] = RSA.as_dict(private=False)
        return signed(whole, claims, RSA if alg == "RS256" else party.dpop)

    once = proof()
    assert (await both.use(token, once)).status_code == 200
    bad = {
        "same jti twice": once,
        "no proof": None,
        "not a JWT": "proof",
        "no typ": headed(typ=None),
        "wrong typ": headed(typ="JWT"),
        "no jwk": headed(jwk=None),
        "RS256": headed("RS256"),
        "none": headed("none"),
        "private key": headed(jwk=party.dpop.as_dict(private=True)),
        "bad signature": proof()[:-4] + "AAAA",
        "no ath": proof(ath=None),
        "wrong ath": proof(ath="A" * 43),
        "wrong htm": proof(htm="POST"),
        "other htu": proof(htu=f"{both.issuer}/userinfo"),
        "other key": replace(party, dpop=ECKey.generate_key("P-256", private=True)).proof(
            "GET", both.resource, token
        ),
        **{f"no {name}": proof(**{name: None}) for name in ("jti", "htm", "htu", "iat")},
        **{f"iat {shift}": proof(iat=now + shift) for shift in (-3600, 3600)},
    }
    for name, one in bad.items():
        answer = await both.use(token, one)
        assert answer.status_code == 401, name
        assert answer.headers["www-authenticate"].lower().startswith("dpop"), name
    assert (await both.use(token, None, scheme="Bearer")).status_code == 401
    two = [("authorization", f"DPoP {token}"), ("dpop", proof()), ("dpop", proof())]
    assert (await both.http.get(both.resource, headers=two)).status_code in (400, 401)
    good = {
        "query": proof(htu=f"{both.resource}?a=b"),
        "fragment": proof(htu=f"{both.resource}#a"),
        "claims": proof(extra={"a": [1]}),
        "scheme in capitals": proof(htu=both.resource.replace("https", "HTTPS")),
    }
    for name, one in good.items():
        assert (await both.use(token, one, header="DPOP")).status_code == 200, name


@pytest.mark.behaviour(43)
async def test_refresh_token(both: Fapi) -> None:
    asked, verifier = both.asked(scope="openid offline_access", prompt="consent")
    answer = await both.answered(asked, await both.someone(2))
    told = await both.told(await both.collect(answer.code, verifier))
    first = await both.read(told["id_token"])
    sent = {"grant_type": "refresh_token", "refresh_token": told["refresh_token"]}
    plain = {"redirect_uri": None, **sent}

    async def refresh(**more: Any) -> httpx2.Response:
        return await both.collect("", None, **{**plain, **more})

    other = replace_party(both)
    refused(await other.collect("", None, **plain), "invalid_grant")
    refused(await refresh(client_assertion=None, client_assertion_type=None), *CLIENT)
    refused(await refresh(proof=None), "invalid_request", "invalid_dpop_proof", "invalid_grant")
    again = await both.told(await refresh())
    assert again.get("refresh_token", told["refresh_token"]) == told["refresh_token"], "no rotation"
    assert again["access_token"] != told["access_token"]
    second = await both.read(again["id_token"])
    for name in ("iss", "sub", "aud", "auth_time"):
        assert first.get(name) == second.get(name)
    assert (await both.use(again["access_token"])).status_code == 200


async def test_ensure_server_handles_non_matching_intent_id(both: Fapi) -> None:
    """What is asked of an unknown claim is let go; nobody else's intent comes back."""
    wish = {"id_token": {"openbanking_intent_id": {"value": "not-mine", "essential": True}}}
    _, told = await both.flow(claims=json.dumps(wish))
    assert "openbanking_intent_id" not in told["claims"]


@pytest.mark.behaviour(10)
@pytest.mark.attack("A49")
async def test_test_essential_acr_sca_claim(both: Fapi) -> None:
    def wish(*values: str) -> str:
        return json.dumps({"id_token": {"acr": {"essential": True, "values": values}}})

    _, told = await both.flow(claims=wish("urn:openbanking:psd2:sca", PIN), acr_values=None)
    assert told["claims"]["acr"] == PIN
    asked, _ = both.asked(claims=wish("urn:openbanking:psd2:sca"), acr_values=None)
    pushed = await both.push(asked)
    errors = ("access_denied", "unmet_authentication_requirements", "invalid_request")
    if pushed.status_code == 201:
        landed = await both.open(await both.known(), pushed)
        assert isinstance(landed, Answer) and landed.error in errors
    else:
        refused(pushed, *errors)


@pytest.mark.behaviour(36)
async def test_par_ensure_reused_request_uri_prior_to_auth_completion_succeeds(both: Fapi) -> None:
    asked, verifier = both.asked()
    pushed = await both.push(asked)
    for _ in range(2):
        assert isinstance(await both.open(await both.someone(), pushed), Page)
    person = await both.someone()
    answer = await person.walk(person.client, await both.open(person, pushed))
    await both.told(await both.collect(answer.code, verifier))


@pytest.mark.behaviour(36)
async def test_par_attempt_reuse_request_uri(both: Fapi) -> None:
    asked, _ = both.asked()
    pushed = await both.push(asked)
    person = await both.someone()
    await person.walk(person.client, await both.open(person, pushed))
    again = await both.open(person, pushed)
    if isinstance(again, Page):
        refused_page(again)
    else:
        assert again.error == "invalid_request_uri" and "code" not in again.fields


@pytest.mark.behaviour(35)
@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
async def test_par_attempt_to_use_expired_request_uri(
    database: OpenDatabase, tmp_path: Path
) -> None:
    """The suite waits as long as ``expires_in`` says; here the clock is moved by hand."""
    async with site(database, tmp_path) as here:
        client = await known(here, FAPI)
        pushed = await push(here, client)
        here.clock.time += pushed.json()["expires_in"]
        page = await here.browser().get(opening(pushed, client))
        assert page.status == 400 and "request_uri expired" in page.text


@pytest.mark.behaviour(37)
async def test_par_ensure_jwt_client_assertions_nbf_8_seconds_in_the_future_is_accepted(
    both: Fapi,
) -> None:
    then = int(time.time()) + 8
    asked, _ = both.asked()
    form = {**asked, **both.one.assertion(nbf=then, iat=then)}
    if both.signs:
        form = {**form, "request": both.one.signed(both.one.object(asked))}
    assert (await both.send(form)).status_code == 201


@pytest.mark.behaviour(37)
async def test_par_ensure_jwt_client_assertions_nbf_over_60_seconds_in_the_future_fails(
    both: Fapi,
) -> None:
    then = int(time.time()) + 70
    await refused_assertion(both, nbf=then)
    await refused_assertion(both, iat=then, exp=then + 60)


@pytest.mark.behaviour(35)
async def test_par_attempt_to_use_request_uri_for_different_client(both: Fapi) -> None:
    asked, _ = both.asked()
    pushed = (await both.push(asked)).json()["request_uri"]
    person = await both.someone()
    landed = await person.open(both.opening(pushed, both.parties[1].id))
    refused_page(landed)


@pytest.mark.behaviour(35)
async def test_par_authorization_request_containing_request_uri_form_param(both: Fapi) -> None:
    asked, _ = both.asked()
    first = (await both.push(asked)).json()["request_uri"]
    form = {**asked, "request_uri": first}
    refused(await both.send(form), *OBJECT)
    if both.signs:
        token = both.one.signed(both.one.object(asked))
        refused(await both.send({"request": token, "request_uri": first}), *OBJECT)


@pytest.mark.behaviour(35)
async def test_par_attempt_invalid_http_method(both: Fapi) -> None:
    asked, _ = both.asked()
    url = both.metadata["pushed_authorization_request_endpoint"]
    for method in ("GET", "PUT", "DELETE", "PATCH"):
        form = {**asked, **both.one.assertion()}
        sent = {"params": form} if method == "GET" else {"data": form}
        answer = await both.http.request(method, url, **sent)
        assert answer.status_code == 405 and "POST" in answer.headers["allow"], method


@pytest.mark.behaviour(35)
@pytest.mark.attack("A15")
async def test_par_ensure_pkce_required(both: Fapi) -> None:
    asked, _ = both.asked(code_challenge=None, code_challenge_method=None)
    refused(await both.push(asked), *OBJECT)


@pytest.mark.behaviour(38)
@pytest.mark.attack("A15")
async def test_ensure_pkce_code_verifier_required(both: Fapi) -> None:
    asked, verifier = both.asked()
    answer = await both.answered(asked)
    refused(await both.collect(answer.code, None), "invalid_grant", "invalid_request")
    await both.told(await both.collect(answer.code, verifier))


@pytest.mark.behaviour(38)
@pytest.mark.attack("A15")
async def test_incorrect_pkce_code_verifier_rejected(both: Fapi) -> None:
    asked, verifier = both.asked()
    answer = await both.answered(asked)
    refused(await both.collect(answer.code, pkce()[0]), "invalid_grant")
    await both.told(await both.collect(answer.code, verifier))


@pytest.mark.behaviour(35)
@pytest.mark.attack("A15")
async def test_par_plain_pkce_rejected(both: Fapi) -> None:
    verifier, _ = pkce()
    asked, _ = both.asked(code_challenge=verifier, code_challenge_method="plain")
    refused(await both.push(asked), *OBJECT)
    asked, _ = both.asked(code_challenge=verifier, code_challenge_method=None)
    refused(await both.push(asked), *OBJECT)


@pytest.mark.behaviour(35)
async def test_par_authorization_request_containing_request_uri(signing: Fapi) -> None:
    """In the object, where a suite puts it for signed requests."""
    asked, _ = signing.asked()
    await refused_object(signing, request_uri=f"urn:ietf:params:oauth:request_uri:{'a' * 43}")
    assert (await signing.push(asked)).status_code == 201


@pytest.mark.behaviour(35)
async def test_par_without_duplicate_parameters(both: Fapi) -> None:
    """Of what was pushed, the browser brings only the reference: that is enough."""
    asked, verifier = both.asked()
    person = await both.known()
    landed = await both.open(person, await both.push(asked))
    answer = await person.walk(person.client, landed)
    await both.told(await both.collect(answer.code, verifier))


@pytest.mark.behaviour(37)
@pytest.mark.attack("A16")
async def test_par_test_array_as_audience_fails(both: Fapi) -> None:
    await refused_assertion(both, aud=[both.issuer])
    await refused_assertion(both, aud=[both.issuer, "https://other.example"])


@pytest.mark.behaviour(37)
@pytest.mark.attack("A16")
async def test_par_test_par_endpoint_url_as_audience_fails(both: Fapi) -> None:
    await refused_assertion(both, aud=both.metadata["pushed_authorization_request_endpoint"])


@pytest.mark.behaviour(37)
@pytest.mark.attack("A16")
async def test_par_test_token_endpoint_url_as_audience_fails(both: Fapi) -> None:
    await refused_assertion(both, aud=both.metadata["token_endpoint"])


@pytest.mark.behaviour(46)
@pytest.mark.spec("FAPI 2.0 Security Profile §5.3.2.2", "FAPI 2.0 Security Profile §5.2")
async def test_how_pages_and_credentials_travel(both: Fapi) -> None:
    """Not a module: no scripts of others at the authorization endpoint, HSTS, 303 after a POST."""
    asked, _ = both.asked()
    url = both.opening((await both.push(asked)).json()["request_uri"])
    origin = {"origin": "https://evil.example"}
    page = await both.http.get(url, headers=origin)
    preflight = await both.http.options(
        url, headers=origin | {"access-control-request-method": "GET"}
    )
    for answer in (page, preflight):
        assert not [name for name in answer.headers if name.startswith("access-control-")]
    assert "max-age=" in page.headers["strict-transport-security"]
    person = await both.someone()
    seen: list[int] = []

    async def noted(response: httpx2.Response) -> None:
        if response.request.method == "POST":
            seen.append(response.status_code)

    person.http.event_hooks["response"].append(noted)
    await person.walk(person.client, await person.open(url))
    assert seen and set(seen) == {303}
