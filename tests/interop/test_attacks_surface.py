"""Every address that the program has, in this process: methods, bodies, headers and texts (A26).

The addresses come from the routes themselves, so that a new endpoint is attacked the day it is
mounted; the fields are all that any endpoint reads.
"""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from config.runtime.database.connect import OpenDatabase
from config.settings import Features
from idp.protocol.attestation import METHODS as METHODS_OF_ATTESTATION
from idp.protocol.jwt_bearer import GRANT_TYPE as JWT_BEARER
from idp.protocol.token_exchange import GRANT_TYPE as TOKEN_EXCHANGE
from idp.stores.clients import Clients
from tests.backchannel import BANK, SECRET
from tests.interop import evil
from tests.journeys.devices import TELEVISION
from tests.journeys.login_world import Site, site

pytestmark = [pytest.mark.attack("A26"), pytest.mark.attack("A28")]

PLACEHOLDER = re.compile(r"\{[a-z_]+\}")
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND")
FAULT = re.compile(r"Traceback|File \"|sqlalchemy|sqlite3|asyncpg|site-packages")
B64 = "eyJhbGciOiJub25lIn0"
HEADERS = (
    ("dpop", ""),
    ("dpop", "."),
    ("dpop", "a.b.c"),
    ("dpop", f"{B64}.{B64}."),
    ("dpop", "x" * 9000),
    ("dpop", f"{B64}.e30.{B64}, {B64}.e30.{B64}"),
    ("oauth-client-attestation", f"{B64}.{B64}.{B64}"),
    ("oauth-client-attestation", "." * 2000),
    ("oauth-client-attestation-pop", f"{B64}.{B64}.{B64}"),
    ("client-cert", ":" + "A" * 3000 + ":"),
    ("client-cert", ":MIIB:"),
    ("client-cert", "MIIB;a=b"),
    ("client-cert-chain", ":MIIB:, :MIIC:"),
    ("x-forwarded-client-cert", 'Hash=00;Cert="x"'),
    ("ssl-client-cert", "-----BEGIN%20CERTIFICATE-----"),
    ("accept", "application/token-introspection+jwt;q=" + "9" * 500),
    ("accept", ("application/token-introspection+jwt;" * 100)),
    ("authorization", "DPoP " + "a" * 9000),
    ("authorization", "GNAP x"),
    ("signature-input", "sig=()"),
)
"""What is read beside the form, and what careless servers believe."""

FIELDS = (
    *("client_id", "client_secret", "client_assertion", "client_assertion_type", "grant_type"),
    *("request", "request_uri", "response_type", "redirect_uri", "scope", "resource", "audience"),
    *("authorization_details", "claims", "dpop_jkt", "grant_id", "grant_management_action"),
    *("code", "code_verifier", "device_code", "auth_req_id", "refresh_token", "assertion"),
    *("subject_token", "subject_token_type", "actor_token", "actor_token_type"),
    *("requested_token_type", "login_hint", "id_token_hint", "login_hint_token", "user_code"),
    *("binding_message", "client_notification_token", "requested_expiry", "acr_values", "max_age"),
    *("token", "auth_session", "individual_id", "otp", "factor", "number", "decision", "csrf"),
)


@pytest.fixture
def database_kind() -> str:
    return "sqlite"


@pytest.fixture
async def here(database: OpenDatabase, tmp_path: Path) -> AsyncIterator[Site]:
    everything: dict[str, Any] = {
        "grant_types": (*Features().grant_types, JWT_BEARER, TOKEN_EXCHANGE, "client_credentials"),
        "auth_methods": (*Features().auth_methods, *METHODS_OF_ATTESTATION),
        "attestation_challenge": True,
        "dpop_nonce": True,
        "response_types": ("code", "id_token", "code id_token", "code token"),
        "request_uris": True,
        "client_id_documents": True,
        "grant_management": True,
        "global_token_revocation": True,
        "sample_resource": True,
    }
    async with site(database, tmp_path, **everything) as running:
        clients = Clients(running.world.database)
        await running.world.database.submit(clients.insert(BANK), clients.insert(TELEVISION))
        yield running


def paths(here: Site) -> list[str]:
    found = {PLACEHOLDER.sub("x" * 43, route.path) for route in here.web.routes}
    assert {"/par", "/bc-authorize", "/device_authorization", "/authorize-challenge"} <= found
    return sorted(found)


def sound(name: object, answer: httpx2.Response) -> None:
    assert answer.status_code < 500 or answer.status_code == 503, (name, answer.text)
    if answer.status_code == 503:
        assert "temporarily" in answer.text or "<html" in answer.text, (name, answer.text)
    assert not FAULT.search(answer.text), (name, answer.text)


async def test_every_method_and_body_at_every_address(here: Site) -> None:
    http = here.browser().client
    for path in paths(here):
        for method in METHODS:
            sound((method, path), await http.request(method, path))
        for kind, body in evil.BODIES:
            sent = {"content-type": kind}
            sound((path, kind, body[:40]), await http.post(path, content=body, headers=sent))


async def test_every_header_at_every_address(here: Site) -> None:
    http = here.browser().client
    for path in paths(here):
        for name, value in (*HEADERS, *evil.HEADERS):
            headers = {name: value.encode("latin-1")}
            for method in ("GET", "POST"):
                answer = await http.request(method, path, headers=headers)
                sound((method, path, name, value[:40]), answer)


@pytest.mark.parametrize("client_id", ["clinic", "bank", "television"])
async def test_every_text_in_every_field(here: Site, client_id: str) -> None:
    http = here.browser().client
    usual = {"client_id": client_id}
    if client_id == "bank":
        usual["client_secret"] = SECRET
    machines = [path for path in paths(here) if not path.startswith(("/login", "/me", "/assets"))]
    for path in machines:
        for number, text in enumerate(evil.TEXTS):
            fields = FIELDS[number % 6 :: 6]  # each text in a sixth of the fields, at each address
            for name in fields:
                body = {**usual, name: text.replace("\x00", "")}
                sound((path, name, text[:40]), await http.post(path, data=body))
                here.world.limits._full_at.clear()


@pytest.mark.parametrize(
    "grant",
    [
        "authorization_code",
        "client_credentials",
        "urn:ietf:params:oauth:grant-type:device_code",
        "urn:openid:params:grant-type:ciba",
        "urn:ietf:params:oauth:grant-type:token-exchange",
        "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "refresh_token",
    ],
)
async def test_every_text_in_every_field_of_every_grant(here: Site, grant: str) -> None:
    http = here.browser().client
    secrets = ("code", "device_code", "auth_req_id", "refresh_token", "assertion")
    for name in ("resource", "scope", "authorization_details", "audience", *secrets):
        for text in evil.TEXTS:
            for client_id in ("clinic", "bank", "television"):
                body = {"client_id": client_id, "grant_type": grant, "subject_token": text}
                body |= dict.fromkeys(secrets, "x") | {name: text}
                if client_id == "bank":
                    body["client_secret"] = SECRET
                sound((grant, name, text[:40]), await http.post("/token", data=body))
