"""The modules of the OpenID conformance suite's FAPI-CIBA plan, by poll and by ping.

One test per module, under its name, against a running demonstration of this module's own, in whose
``--tester`` a receiver of notifications listens.
"""

import json
import secrets
import ssl
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx2
import pytest

from tests.demonstration import Demonstration, demonstration
from tests.interop import evil
from tests.interop.tester import RSA, Party, parties_of, signed

pytestmark = [pytest.mark.server, pytest.mark.xdist_group("conformance-ciba")]

MODULES = """
discovery-end-point-verification id1 user-rejects-authentication multiple-call-to-token-endpoint
auth-req-id-expired ensure-authorization-request-with-binding-message-succeeds
ensure-other-scope-order-succeeds ensure-requested-expiry-as-string-succeeds
ensure-authorization-request-with-potentially-bad-binding-message
ensure-request-object-missing-aud-fails ensure-request-object-bad-aud-fails
ensure-request-object-missing-iss-fails ensure-request-object-bad-iss-fails
ensure-request-object-missing-exp-fails ensure-request-object-expired-exp-fails
ensure-request-object-exp-is-70-minutes-in-future-fails ensure-request-object-missing-iat-fails
ensure-request-object-missing-nbf-fails ensure-request-object-nbf-is-10-minutes-in-future-fails
ensure-request-object-nbf-is-70-minutes-in-past-fails ensure-request-object-missing-jti-fails
ensure-request-object-signature-algorithm-is-none-fails
ensure-request-object-signature-algorithm-is-bad-fails
ensure-request-object-signature-algorithm-is-RS256-fails
ensure-request-object-signed-by-other-client-fails
ensure-authorization-request-with-multiple-hints-fails
ensure-wrong-auth-req-id-in-token-endpoint-request
ensure-different-client-id-and-issuer-in-backchannel-authorization-request
ensure-wrong-client-id-in-token-endpoint-request
ensure-wrong-client-id-in-backchannel-authorization-request
ensure-without-client-assertion-in-token-endpoint-request
ensure-without-client-assertion-in-backchannel-authorization-request
ensure-client-assertion-signature-algorithm-in-backchannel-authorization-request-is-RS256-fails
ensure-client-assertion-signature-algorithm-in-token-endpoint-request-is-RS256-fails
ensure-client-assertion-with-iss-aud-to-token-endpoint-succeeds
ping-backchannel-notification-endpoint-response-has-body
ping-backchannel-notification-endpoint-response-401
ping-backchannel-notification-endpoint-response-403
ping-with-mtls-ciba-notification-endpoint-response-401-and-require-server-does-not-retry
ping-backchannel-notification-endpoint-return-redirect-request
ensure-unsigned-backchannel-authorization-request-fails refresh-token
ensure-mtls-holder-of-key-required
"""
"""Without their prefix ``fapi-ciba-id1-``; the second is the happy flow itself."""

GRANT = "urn:openid:params:grant-type:ciba"
OBJECT = ("invalid_request", "invalid_request_object")
CLIENT = ("invalid_client", "invalid_request")
WAIT = 30


@dataclass(slots=True)
class Notified:
    """What came to the notification endpoint; ``status`` and ``body`` are answered."""

    status: int = 204
    body: bytes = b""
    location: str = ""
    got: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    came: threading.Condition = field(default_factory=threading.Condition)

    def about(self, auth_req_id: str) -> list[tuple[str, dict[str, str], bytes]]:
        """Return what came about one request."""
        with self.came:
            return [one for one in self.got if auth_req_id.encode() in one[2]]

    def wait(self, auth_req_id: str) -> tuple[str, dict[str, str], bytes]:
        """Return the first notification about a request, once it is there."""
        deadline = time.monotonic() + WAIT
        with self.came:
            while not (found := [one for one in self.got if auth_req_id.encode() in one[2]]):
                assert self.came.wait(deadline - time.monotonic()), "no notification came"
            return found[0]


def _listening(notified: Notified) -> ThreadingHTTPServer:
    class Endpoint(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", "0")))
            headers = {name.lower(): value for name, value in self.headers.items()}
            with notified.came:
                notified.got.append((self.path, headers, body))
                notified.came.notify_all()
            self.send_response(notified.status)
            if notified.location:
                self.send_header("location", notified.location)
            self.send_header("content-length", str(len(notified.body)))
            self.end_headers()
            self.wfile.write(notified.body)

        do_GET = do_POST

        def log_message(self, *_: object) -> None:
            """Nothing is printed."""

    return ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)


@pytest.fixture(scope="module")
def notified() -> Notified:
    return Notified()


@pytest.fixture(scope="module")
def running(
    tmp_path_factory: pytest.TempPathFactory, notified: Notified
) -> Iterator[Demonstration]:
    """One demonstration for all tests of this module, and a receiver where its tester is."""
    server = _listening(notified)
    tester = f"https://127.0.0.1:{server.server_port}"
    words = ("--tls", "--profile", "conformance", "--tester", tester)
    with server, demonstration(tmp_path_factory.mktemp("ciba"), *words) as demo:
        own = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        own.load_cert_chain(demo.ready["certificate"], demo.directory / "data" / "tls.key")
        server.socket = own.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield demo
        server.shutdown()


@dataclass(slots=True)
class Ciba:
    """What the suite does with one alias. ``http`` presents the certificate of the first client."""

    demo: Demonstration
    parties: tuple[Party, Party]
    metadata: dict[str, Any]
    resource: str
    http: httpx2.AsyncClient
    stack: AsyncExitStack

    @property
    def one(self) -> Party:
        return self.parties[0]

    @property
    def pings(self) -> bool:
        return self.one.alias.endswith("-ping")

    @property
    def hint(self) -> str:
        return str(self.demo.ready["second_resident"])

    def endpoint(self, name: str) -> str:
        return str(self.metadata["mtls_endpoint_aliases"][f"{name}_endpoint"])

    async def connected(self, party: Party | None) -> httpx2.AsyncClient:
        """Return a connection with the certificate of ``party``, or without any."""
        trust = ssl.create_default_context(cafile=self.demo.ready["certificate"])
        if party is not None:
            trust.load_cert_chain(party.certificate)
        http = httpx2.AsyncClient(verify=trust, trust_env=False, timeout=60)
        return await self.stack.enter_async_context(http)

    def claims(self, **changes: Any) -> dict[str, Any]:
        """Return the claims of a good request; None leaves one out."""
        now = int(time.time())
        usual = {
            "iss": self.one.id,
            "aud": self.one.issuer,
            "iat": now,
            "nbf": now,
            "exp": now + 300,
            "jti": secrets.token_urlsafe(16),
            "scope": "openid",
            "login_hint": self.hint,
            "binding_message": "1234",
        }
        if self.pings:
            usual["client_notification_token"] = secrets.token_urlsafe(24)
        return usual | changes

    async def send(self, form: dict[str, Any], http: httpx2.AsyncClient | None = None) -> Any:
        """Send a backchannel request with an assertion of the client, unless the form has one."""
        body = {**self.one.assertion(), **form}
        kept = {name: value for name, value in body.items() if value is not None}
        return await (http or self.http).post(
            self.endpoint("backchannel_authentication"), data=kept
        )

    async def ask(self, **changes: Any) -> httpx2.Response:
        """Send a good request with ``changes`` of its object."""
        answer = await self.send({"request": self.one.signed(self.claims(**changes))})
        assert isinstance(answer, httpx2.Response)
        return answer

    async def begun(self, **changes: Any) -> str:
        """Return the auth_req_id of a request, once its answer is judged (CIBA §7.3)."""
        answer = await self.ask(**changes)
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"].split(";")[0] == "application/json"
        assert "no-store" in answer.headers["cache-control"]
        told = answer.json()
        assert type(told["expires_in"]) is int and told["expires_in"] > 0
        assert type(told.get("interval", 5)) is int
        found = str(told["auth_req_id"])
        assert len(found) >= 22 and set(found) <= set(PLAIN)
        return found

    async def decide(self, auth_req_id: str, action: str = "allow") -> None:
        """Approve or deny as the suite does, by the address of the ready file."""
        address = self.demo.ready["approve"].format(auth_req_id=auth_req_id, action=action)
        deadline = time.monotonic() + WAIT
        async with httpx2.AsyncClient(timeout=60, trust_env=False) as http:
            while (answer := await http.get(address)).status_code != 200:
                assert time.monotonic() < deadline, answer.text

    async def poll(
        self, auth_req_id: str, /, http: httpx2.AsyncClient | None = None, **form: Any
    ) -> httpx2.Response:
        """Ask for the tokens."""
        usual = {"grant_type": GRANT, "auth_req_id": auth_req_id, **self.one.assertion()}
        body = {name: value for name, value in (usual | form).items() if value is not None}
        return await (http or self.http).post(self.endpoint("token"), data=body)

    async def tokens(self, auth_req_id: str, **form: Any) -> dict[str, Any]:
        """Collect the tokens of an approved request, and use them."""
        answer = await self.poll(auth_req_id, **form)
        assert answer.status_code == 200, answer.text
        assert "no-store" in answer.headers["cache-control"]
        told: dict[str, Any] = answer.json()
        assert told["token_type"].lower() == "bearer" and told["id_token"]
        assert (await self.use(told["access_token"])).status_code == 200
        return told

    async def use(self, token: str, http: httpx2.AsyncClient | None = None) -> httpx2.Response:
        headers = {"authorization": f"Bearer {token}"}
        return await (http or self.http).get(self.resource, headers=headers)


PLAIN = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"


async def made(demo: Demonstration, alias: str, stack: AsyncExitStack) -> Ciba:
    """Stand in front of ``alias``."""
    parties = parties_of(demo, alias)
    family = demo.ready["conformance"][alias]
    trust = ssl.create_default_context(cafile=demo.ready["certificate"])
    trust.load_cert_chain(parties[0].certificate)
    http = await stack.enter_async_context(
        httpx2.AsyncClient(verify=trust, trust_env=False, timeout=60)
    )
    metadata = (await http.get(family["discoveryUrl"])).json()
    return Ciba(demo, parties, metadata, family["resourceUrl"], http, stack)


@pytest.fixture(params=["symbolon-ciba-poll", "symbolon-ciba-ping"])
async def both(request: pytest.FixtureRequest, running: Demonstration) -> AsyncIterator[Ciba]:
    """A tester in front of both ways of delivery."""
    async with AsyncExitStack() as stack:
        yield await made(running, request.param, stack)


@pytest.fixture
async def poll(running: Demonstration) -> AsyncIterator[Ciba]:
    """A tester whose clients poll."""
    async with AsyncExitStack() as stack:
        yield await made(running, "symbolon-ciba-poll", stack)


@pytest.fixture
async def ping(running: Demonstration, notified: Notified) -> AsyncIterator[Ciba]:
    """A tester whose clients are pinged; its receiver answers 204."""
    notified.status, notified.body, notified.location = 204, b"", ""
    async with AsyncExitStack() as stack:
        yield await made(running, "symbolon-ciba-ping", stack)


def refused(response: httpx2.Response, *errors: str) -> str:
    """Judge a refusal: 400 or 401, JSON, one of the errors (CIBA §11, §13)."""
    assert response.status_code in (400, 401), response.text
    assert response.headers["content-type"].split(";")[0] == "application/json"
    told = response.json()
    assert set(told) <= {"error", "error_description", "error_uri"}
    assert told["error"] in errors, told
    return str(told["error"])


def test_every_module_has_a_test() -> None:
    named = [f"test_{name.replace('-', '_')}" for name in MODULES.split()]
    assert len(named) == len(set(named)) == 43
    assert [name for name in named if name not in globals()] == []


def test_discovery_end_point_verification(both: Ciba) -> None:
    told = both.metadata
    assert {"poll", "ping"} <= set(told["backchannel_token_delivery_modes_supported"])
    assert told["backchannel_authentication_endpoint"].startswith("https://")
    algs = set(told["backchannel_authentication_request_signing_alg_values_supported"])
    assert algs <= {"ES256", "PS256", "EdDSA"} and "ES256" in algs
    assert type(told["backchannel_user_code_parameter_supported"]) is bool
    assert GRANT in told["grant_types_supported"]
    assert told["tls_client_certificate_bound_access_tokens"] is True
    assert "private_key_jwt" in told["token_endpoint_auth_methods_supported"]


@pytest.mark.behaviour(53)
@pytest.mark.behaviour(54)
@pytest.mark.behaviour(55)
async def test_id1(both: Ciba, notified: Notified) -> None:
    token = secrets.token_urlsafe(24)
    notified.status, notified.body, notified.location = 204, b"", ""
    wish = {"client_notification_token": token} if both.pings else {}
    auth_req_id = await both.begun(**wish)
    refused(await both.poll(auth_req_id), "authorization_pending")
    await both.decide(auth_req_id)
    if both.pings:
        path, headers, body = notified.wait(auth_req_id)
        assert path == "/test/a/symbolon-ciba-ping/ciba-notification-endpoint"
        assert headers["authorization"] == f"Bearer {token}"
        assert headers["content-type"].split(";")[0] == "application/json"
        assert body == b'{"auth_req_id":"' + auth_req_id.encode() + b'"}'
    told = await both.tokens(auth_req_id)
    assert len(told["access_token"]) >= 22
    refused(await both.poll(auth_req_id), "invalid_grant")


@pytest.mark.behaviour(53)
async def test_user_rejects_authentication(both: Ciba) -> None:
    auth_req_id = await both.begun()
    await both.decide(auth_req_id, "deny")
    refused(await both.poll(auth_req_id), "access_denied")


@pytest.mark.behaviour(53)
async def test_multiple_call_to_token_endpoint(both: Ciba) -> None:
    auth_req_id = await both.begun()
    seen = [refused(await both.poll(auth_req_id), *WAITING) for _ in range(3)]
    assert seen[0] == "authorization_pending" and seen[-1] == "slow_down"


WAITING = ("authorization_pending", "slow_down")


@pytest.mark.behaviour(53)
async def test_auth_req_id_expired(both: Ciba) -> None:
    auth_req_id = await both.begun(requested_expiry=1)
    deadline = time.monotonic() + WAIT
    while (told := refused(await both.poll(auth_req_id), "expired_token", *WAITING)) in WAITING:
        assert time.monotonic() < deadline
    assert told == "expired_token"


@pytest.mark.behaviour(52)
async def test_ensure_authorization_request_with_binding_message_succeeds(both: Ciba) -> None:
    await both.begun(binding_message="1234")


@pytest.mark.behaviour(52)
async def test_ensure_other_scope_order_succeeds(both: Ciba) -> None:
    await both.begun(scope="email profile openid")


@pytest.mark.behaviour(52)
async def test_ensure_requested_expiry_as_string_succeeds(both: Ciba) -> None:
    for wish in ("30", 30):
        answer = await both.ask(requested_expiry=wish)
        assert answer.status_code == 200 and answer.json()["expires_in"] == 30


@pytest.mark.behaviour(52)
@pytest.mark.attack("A10")
async def test_ensure_authorization_request_with_potentially_bad_binding_message(
    both: Ciba,
) -> None:
    """It is shown as it was sent, or refused; nothing in between."""
    for message in (
        "1234567890 " * 40,
        "\U0001f600 \u00fc\u6f22",
        "\u202e4321",
        "a\u0000b",
        "<script>alert(1)</script>",
        "*-/\\'\"()",
    ):
        answer = await both.ask(binding_message=message)
        if answer.status_code != 200:
            refused(answer, "invalid_binding_message", "invalid_request")


async def refused_object(ciba: Ciba, **changes: Any) -> None:
    refused(await ciba.ask(**changes), *OBJECT)


@pytest.mark.behaviour(51)
async def test_ensure_request_object_missing_aud_fails(both: Ciba) -> None:
    await refused_object(both, aud=None)


@pytest.mark.behaviour(51)
async def test_ensure_request_object_bad_aud_fails(both: Ciba) -> None:
    await refused_object(both, aud="https://other.example")


@pytest.mark.behaviour(51)
async def test_ensure_request_object_missing_iss_fails(both: Ciba) -> None:
    await refused_object(both, iss=None)


@pytest.mark.behaviour(51)
async def test_ensure_request_object_bad_iss_fails(both: Ciba) -> None:
    await refused_object(both, iss="somebody-else")


@pytest.mark.behaviour(51)
async def test_ensure_request_object_missing_exp_fails(both: Ciba) -> None:
    await refused_object(both, exp=None)


@pytest.mark.behaviour(51)
async def test_ensure_request_object_expired_exp_fails(both: Ciba) -> None:
    now = int(time.time())
    await refused_object(both, exp=now - 300, nbf=now - 600, iat=now - 600)


@pytest.mark.behaviour(51)
async def test_ensure_request_object_exp_is_70_minutes_in_future_fails(both: Ciba) -> None:
    await refused_object(both, exp=int(time.time()) + 70 * 60)


@pytest.mark.behaviour(51)
async def test_ensure_request_object_missing_iat_fails(both: Ciba) -> None:
    await refused_object(both, iat=None)


@pytest.mark.behaviour(51)
async def test_ensure_request_object_missing_nbf_fails(both: Ciba) -> None:
    await refused_object(both, nbf=None)


@pytest.mark.behaviour(51)
async def test_ensure_request_object_nbf_is_10_minutes_in_future_fails(both: Ciba) -> None:
    await refused_object(both, nbf=int(time.time()) + 600, exp=int(time.time()) + 900)


@pytest.mark.behaviour(51)
async def test_ensure_request_object_nbf_is_70_minutes_in_past_fails(both: Ciba) -> None:
    await refused_object(both, nbf=int(time.time()) - 70 * 60)


@pytest.mark.behaviour(51)
async def test_ensure_request_object_missing_jti_fails(both: Ciba) -> None:
    await refused_object(both, jti=None)


@pytest.mark.behaviour(51)
@pytest.mark.attack("A1")
async def test_ensure_request_object_signature_algorithm_is_none_fails(both: Ciba) -> None:
    refused(await both.send({"request": both.one.signed(both.claims(), "none")}), *OBJECT)


@pytest.mark.behaviour(51)
@pytest.mark.attack("A1")
async def test_ensure_request_object_signature_algorithm_is_bad_fails(both: Ciba) -> None:
    """An algorithm that nobody knows, over a good signature of another one."""
    good = both.one.signed(both.claims())
    for name in ("ES999", "es256", ""):
        header = evil.b64(json.dumps({"alg": name, "kid": both.one.key.kid}).encode())
        refused(await both.send({"request": ".".join([header, *good.split(".")[1:]])}), *OBJECT)


@pytest.mark.behaviour(51)
@pytest.mark.attack("A1")
async def test_ensure_request_object_signature_algorithm_is_RS256_fails(both: Ciba) -> None:
    refused(await both.send({"request": both.one.signed(both.claims(), "RS256")}), *OBJECT)
    forged = signed({"alg": "RS256", "kid": RSA.kid}, both.claims(), RSA)
    refused(await both.send({"request": forged}), *OBJECT)


@pytest.mark.behaviour(51)
async def test_ensure_request_object_signed_by_other_client_fails(both: Ciba) -> None:
    other = both.parties[1].key
    for kid in (other.kid, both.one.key.kid):
        token = signed({"alg": "ES256", "kid": kid}, both.claims(), other)
        refused(await both.send({"request": token}), *OBJECT)


@pytest.mark.behaviour(51)
async def test_ensure_authorization_request_with_multiple_hints_fails(both: Ciba) -> None:
    await refused_object(both, id_token_hint="a.b.c")
    await refused_object(both, login_hint_token="token")
    await refused_object(both, login_hint=None)


@pytest.mark.behaviour(53)
async def test_ensure_wrong_auth_req_id_in_token_endpoint_request(both: Ciba) -> None:
    await both.begun()
    refused(await both.poll(secrets.token_urlsafe(32)), "invalid_grant", "invalid_request")


@pytest.mark.behaviour(51)
async def test_ensure_different_client_id_and_issuer_in_backchannel_authorization_request(
    both: Ciba,
) -> None:
    """The object is another client's, whole and well signed; who sends it is the first."""
    other = both.parties[1]
    token = other.signed(both.claims(iss=other.id))
    refused(await both.send({"request": token}), *OBJECT)
    refused(await both.send({"request": token, "client_id": both.one.id}), *OBJECT)


@pytest.mark.behaviour(53)
async def test_ensure_wrong_client_id_in_token_endpoint_request(both: Ciba) -> None:
    """The second client, who proves itself well, comes with the first one's auth_req_id."""
    auth_req_id = await both.begun()
    other = both.parties[1]
    http = await both.connected(other)
    refused(await both.poll(auth_req_id, http, **other.assertion()), "invalid_grant")
    refused(await both.poll(auth_req_id, client_id=other.id), *CLIENT)
    refused(await both.poll(auth_req_id), "authorization_pending")


@pytest.mark.behaviour(51)
async def test_ensure_wrong_client_id_in_backchannel_authorization_request(both: Ciba) -> None:
    form = {"request": both.one.signed(both.claims()), "client_id": both.parties[1].id}
    refused(await both.send(form), *CLIENT)


NOTHING = {"client_assertion": None, "client_assertion_type": None}


@pytest.mark.behaviour(37)
async def test_ensure_without_client_assertion_in_token_endpoint_request(both: Ciba) -> None:
    auth_req_id = await both.begun()
    refused(await both.poll(auth_req_id, **NOTHING), *CLIENT)
    refused(await both.poll(auth_req_id, **NOTHING, client_id=both.one.id), *CLIENT)


@pytest.mark.behaviour(51)
async def test_ensure_without_client_assertion_in_backchannel_authorization_request(
    both: Ciba,
) -> None:
    token = both.one.signed(both.claims())
    refused(await both.send({"request": token, **NOTHING}), *CLIENT)
    refused(await both.send({"request": token, **NOTHING, "client_id": both.one.id}), *CLIENT)


@pytest.mark.behaviour(51)
@pytest.mark.attack("A1")
async def test_ensure_client_assertion_signature_algorithm_in_backchannel_authorization_request_is_RS256_fails(  # noqa: E501
    both: Ciba,
) -> None:
    form = {"request": both.one.signed(both.claims()), **both.one.assertion("RS256")}
    refused(await both.send(form), *CLIENT)


@pytest.mark.behaviour(51)
@pytest.mark.attack("A1")
async def test_ensure_client_assertion_signature_algorithm_in_token_endpoint_request_is_RS256_fails(
    both: Ciba,
) -> None:
    auth_req_id = await both.begun()
    refused(await both.poll(auth_req_id, **both.one.assertion("RS256")), *CLIENT)


@pytest.mark.behaviour(37)
async def test_ensure_client_assertion_with_iss_aud_to_token_endpoint_succeeds(both: Ciba) -> None:
    auth_req_id = await both.begun()
    form = both.one.assertion(aud=both.one.issuer)
    refused(await both.poll(auth_req_id, **form), "authorization_pending")


async def pinged_once(ciba: Ciba, notified: Notified) -> None:
    """Whatever the receiver answers: one ping, and the tokens are there to be collected."""
    auth_req_id = await ciba.begun()
    await ciba.decide(auth_req_id)
    notified.wait(auth_req_id)
    await ciba.tokens(auth_req_id)
    notified.status, notified.body, notified.location = 204, b"", ""
    after = await ciba.begun()  # what is told later shows that nothing waits to be repeated
    await ciba.decide(after, "deny")
    notified.wait(after)
    assert len(notified.about(auth_req_id)) == 1


@pytest.mark.behaviour(54)
async def test_ping_backchannel_notification_endpoint_response_has_body(
    ping: Ciba, notified: Notified
) -> None:
    notified.status, notified.body = 200, b'{"thanks": true}'
    await pinged_once(ping, notified)


@pytest.mark.behaviour(54)
async def test_ping_backchannel_notification_endpoint_response_401(
    ping: Ciba, notified: Notified
) -> None:
    notified.status = 401
    await pinged_once(ping, notified)


@pytest.mark.behaviour(54)
async def test_ping_backchannel_notification_endpoint_response_403(
    ping: Ciba, notified: Notified
) -> None:
    notified.status = 403
    await pinged_once(ping, notified)


@pytest.mark.behaviour(54)
async def test_ping_with_mtls_ciba_notification_endpoint_response_401_and_require_server_does_not_retry(  # noqa: E501
    ping: Ciba, notified: Notified
) -> None:
    """The suite's receiver refuses every connection without a certificate; a retry is a failure."""
    notified.status, notified.body = 401, b"no certificate"
    await pinged_once(ping, notified)


@pytest.mark.behaviour(54)
@pytest.mark.attack("A24")
async def test_ping_backchannel_notification_endpoint_return_redirect_request(
    ping: Ciba, notified: Notified
) -> None:
    notified.status = 307
    notified.location = "/test/a/symbolon-ciba-ping/redirected"
    await pinged_once(ping, notified)
    assert all("redirected" not in path for path, _, _ in notified.got)


@pytest.mark.behaviour(51)
@pytest.mark.attack("A49")
async def test_ensure_unsigned_backchannel_authorization_request_fails(both: Ciba) -> None:
    plain = {name: both.claims()[name] for name in ("scope", "login_hint", "binding_message")}
    refused(await both.send(plain), *OBJECT)


@pytest.mark.behaviour(43)
async def test_refresh_token(both: Ciba) -> None:
    auth_req_id = await both.begun(scope="openid offline_access")
    await both.decide(auth_req_id)
    first = await both.tokens(auth_req_id)
    form = {
        "grant_type": "refresh_token",
        "refresh_token": first["refresh_token"],
        "auth_req_id": None,
    }
    other = both.parties[1]
    stolen = await both.poll("", await both.connected(other), **{**form, **other.assertion()})
    refused(stolen, "invalid_grant")
    again = await both.poll("", **form)
    assert again.status_code == 200, again.text
    assert again.json()["access_token"] != first["access_token"]
    assert (await both.use(again.json()["access_token"])).status_code == 200


@pytest.mark.behaviour(39)
async def test_ensure_mtls_holder_of_key_required(both: Ciba) -> None:
    auth_req_id = await both.begun()
    await both.decide(auth_req_id)
    bare = await both.connected(None)
    refused(await both.poll(auth_req_id, bare), "invalid_grant", *CLIENT)
    token = (await both.tokens(auth_req_id))["access_token"]
    assert (await both.use(token, bare)).status_code == 401
    assert (await both.use(token, await both.connected(both.parties[1]))).status_code == 401
