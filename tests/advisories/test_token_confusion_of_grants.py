"""One kind of token for another, where grants and attestation take them (attack A4).

The class of test_token_confusion.py (Auth0, Keycloak) at token exchange, JWT bearer, attestation,
hints and proofs: each kind that the issuer signs, and each type that clients and attesters sign.
"""

from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import msgspec
import pytest

from config.runtime.database.connect import OpenDatabase
from config.settings import Features
from idp.protocol import jwt_bearer
from idp.protocol.attestation import ATTESTATION_TYP, METHODS, PROOF_TYP
from idp.protocol.token_exchange import ACCESS_TOKEN, GRANT_TYPE, ID_TOKEN
from keystore.door import TokenKind
from tests.advisories.test_token_confusion import ASKED, OURS, said, signed
from tests.journeys.machine import test_attestation as attested
from tests.journeys.machine import test_jwt_bearer as bearer
from tests.journeys.machine.test_token_exchange import gateway_of
from tests.keyrings import HandClock
from tests.machines import API, OTHER, resource_server
from tests.oauth import ISSUER, Ground, Provider, provider

pytestmark = pytest.mark.attack("A4")

TYPS = (
    *("JWT", "client-authentication+jwt", "oauth-authz-req+jwt", "dpop+jwt", "at+jwt"),
    *("logout+jwt", "token-introspection+jwt", ATTESTATION_TYP, PROOF_TYP, "entity-statement+jwt"),
)

NEVER_SAID = {TokenKind.USERINFO: ("exp", "iat"), TokenKind.AUTHORIZATION_RESPONSE: ("sub",)}
"""Claims of an ID token that these never have (OpenID Connect Core 1.0 §5.3.2, JARM §2.1)."""


@pytest.fixture
async def wide(database: OpenDatabase, tmp_path: Path) -> AsyncIterator[Provider]:
    (tmp_path / "attesters.json").write_bytes(attested.jwks(attested.TRUSTED))
    features = Features(
        auth_methods=(*METHODS, "client_secret_basic"),
        attesters=str(tmp_path / "attesters.json"),
        grant_types=(*Features().grant_types, jwt_bearer.GRANT_TYPE),
    )
    trusted = (bearer.MACHINES, bearer.PEOPLE)
    issuer = msgspec.structs.replace(ISSUER, features=features, trusted_issuers=trusted)
    ground = Ground(database=database, directory=tmp_path, clock=HandClock(), issuer=issuer)
    made = await provider(ground)
    yield made
    await made.http.aclose()


@pytest.mark.parametrize("kind", OURS)
@pytest.mark.parametrize("named", [ACCESS_TOKEN, ID_TOKEN])
async def test_what_is_exchanged_is_what_it_is_called(
    op: Provider, kind: TokenKind, named: str
) -> None:
    """An ID token is exchanged by the client it was issued to: none of these claims is one's."""
    await resource_server(op, OTHER, audience_scope=frozenset())
    app = await op.register(resources=(OTHER,))
    gateway = await gateway_of(op, app)
    name, both = app.client.client_id, (API, OTHER)
    change = partial(replace, resources=both)
    await op.registrar.change(name, change, op.clock.now())
    client = (await op.clients.find(name)) or app.client
    answer = await op.redeem(app, await op.code(client, resources=both), resource=API)
    token = await signed(op, kind, said(answer.json()["access_token"]))
    form = {"grant_type": GRANT_TYPE, "subject_token": token, "subject_token_type": named}
    answer = await op.post("/token", gateway, **form)
    good = kind is TokenKind.ACCESS_TOKEN and named == ACCESS_TOKEN
    assert (answer.status_code == 200) is good, answer.text


@pytest.mark.parametrize("kind", OURS)
async def test_nothing_that_the_issuer_signs_is_a_request_or_a_hint_but_an_id_token(
    op: Provider, kind: TokenKind
) -> None:
    client = await op.register("private_key_jwt")
    claims = said((await op.tokens(client))["id_token"])
    for name in NEVER_SAID.get(kind, ()):  # their typ is JWT, too: the claims are what differs
        del claims[name]
    token = await signed(op, kind, claims)
    hinted = await op.post("/par", client, **ASKED, id_token_hint=token)
    assert (hinted.status_code == 201) is (kind is TokenKind.ID_TOKEN), hinted.text
    asked = await op.post("/par", client, request=await signed(op, kind, claims | ASKED))
    assert asked.status_code == 400


@pytest.mark.parametrize("kind", OURS)
async def test_nothing_that_the_issuer_signs_is_an_assertion_or_an_attestation(
    wide: Provider, kind: TokenKind
) -> None:
    bot = await bearer.payroll(wide)
    now = wide.clock.now()
    claims = {"sub": "payroll", "aud": wide.issuer.address, "jti": "j", "iat": now, "exp": now + 60}
    token = await signed(wide, kind, claims | {"iss": wide.issuer.address})
    assert (await bearer.ask(wide, bot, token)).json()["error"] == "invalid_grant"
    registered = await wide.register(METHODS[0])
    wallet = attested.Wallet(wide, registered.client.client_id)
    shown = {"cnf": {"jwk": wallet.key.as_dict(private=False)}, "iss": wide.issuer.address}
    forged = await signed(wide, kind, claims | shown | {"sub": wallet.client_id})
    answer = await wallet.redeem(registered, wallet.headers(forged))
    assert answer.status_code in (400, 401)


@pytest.mark.parametrize("typ", TYPS)
async def test_each_type_has_its_reader(wide: Provider, typ: str) -> None:
    """All are signed with the right key and say the right things; the type alone is another."""
    bot = await bearer.payroll(wide)
    text = bearer.assertion(wide, header={"typ": typ})
    answer = await bearer.ask(wide, bot, text)
    assert (answer.status_code == 200) is (typ == "JWT"), typ
    registered = await wide.register(METHODS[0])
    wallet = attested.Wallet(wide, registered.client.client_id)
    vouched = wallet.attestation(attested.TRUSTED, typ)
    answer = await wallet.redeem(registered, wallet.headers(vouched))
    assert (answer.status_code == 200) is (typ == ATTESTATION_TYP), typ
    good = wallet.attestation(attested.TRUSTED)
    answer = await wallet.redeem(registered, wallet.headers(good, wallet.proof(typ=typ)))
    assert (answer.status_code == 200) is (typ == PROOF_TYP), typ
