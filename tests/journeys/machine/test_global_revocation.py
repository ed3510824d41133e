"""Global Token Revocation: everything of one person at one issuer, at once."""

import json
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.runtime.database.connect import OpenDatabase
from config.settings import Features
from idp.flows.registration import Registered
from idp.protocol.errors import InvalidClientMetadata, OAuthError
from idp.protocol.global_revocation import SCOPE, Named, named
from idp.protocol.session import Proof, Session
from idp.stores.sessions import Sessions
from idp.stores.subjects import Subjects
from tests.dpop import Holder
from tests.keyrings import HandClock
from tests.machines import machine
from tests.oauth import ISSUER, Ground, Provider, provider

PATH = "/global-token-revocation"
SUB_ID = {"format": "iss_sub", "iss": ISSUER.address, "sub": "a-pairwise-subject"}


@pytest.fixture
async def revoking(database: OpenDatabase, tmp_path: Path) -> AsyncIterator[Provider]:
    """A provider that offers it."""
    features = Features(global_token_revocation=True)
    issuer = msgspec.structs.replace(ISSUER, features=features)
    made = await provider(
        Ground(database=database, directory=tmp_path, issuer=issuer, clock=HandClock())
    )
    yield made
    await made.http.aclose()


async def alarm(op: Provider, **changes: Any) -> Registered:
    wish: dict[str, Any] = {
        "scope": frozenset({SCOPE}),
        "resources": (),
        "dpop_bound_access_tokens": True,
    }
    return await machine(op, **(wish | changes))


async def revoke(op: Provider, client: Registered, body: object, token: str | None = None) -> Any:
    holder = Holder(op=op)
    if token is None:
        credentials = op.credentials(client)
        form = credentials.pop("form") | {"grant_type": "client_credentials"}
        proof = {"dpop": holder.proof("POST", "/token")}
        answer = await op.http.post("/token", data=form, headers=proof, **credentials)
        token = answer.json()["access_token"]
    headers = {
        "authorization": f"DPoP {token}",
        "dpop": holder.proof("POST", PATH, token),
        "content-type": "application/json",
    }
    return await op.http.post(PATH, content=json.dumps(body), headers=headers)


@pytest.mark.attack("A21")
async def test_everything_of_a_person_ends_at_once(revoking: Provider) -> None:
    op = revoking
    client, app = await alarm(op), await op.register()
    subjects, sessions = Subjects(op.database), Sessions(op.database, op.issuer.address)
    now = op.clock.now()
    await op.database.submit(
        subjects.keep(
            op.issuer.address, client.client.sector, op.resident_id, "a-pairwise-subject"
        ),
        sessions.add(session(op, now)),
    )
    tokens = await op.tokens(app, scope=("openid", "offline_access"))
    bearer = {"authorization": f"Bearer {tokens['access_token']}"}
    assert (await op.http.get("/userinfo", headers=bearer)).status_code == 200
    answer = await revoke(op, client, {"sub_id": SUB_ID})
    assert (answer.status_code, answer.content) == (204, b"")
    assert (await op.http.get("/userinfo", headers=bearer)).status_code == 401
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    assert (await op.post("/token", app, **form)).json()["error"] == "invalid_grant"
    assert await sessions.of(op.resident_id, now) == []
    assert (await revoke(op, client, {"sub_id": SUB_ID})).status_code == 204
    nobody = {"sub_id": {"format": "opaque", "id": "nobody"}}
    assert (await revoke(op, client, nobody)).status_code == 204  # alike


def session(op: Provider, now: int) -> Session:
    return Session(
        id="s1",
        issuer=op.issuer.address,
        digest=b"d",
        browser=b"b",
        resident_id=op.resident_id,
        proofs=(Proof("otp", now),),
        begun_at=now,
        expires_at=now + 3600,
        csrf="c",
    )


async def test_it_is_a_permission_of_clients_that_prove_a_key(revoking: Provider) -> None:
    op = revoking
    with pytest.raises(InvalidClientMetadata):
        await alarm(op, dpop_bound_access_tokens=False)
    other = await machine(op, scope=frozenset(), resources=(), dpop_bound_access_tokens=True)
    assert (await revoke(op, other, {"sub_id": SUB_ID})).status_code == 403
    assert (await op.http.post(PATH, json={"sub_id": SUB_ID})).status_code == 401
    app = await op.register()
    tokens = await op.tokens(app)
    assert (await revoke(op, app, {"sub_id": SUB_ID}, tokens["access_token"])).status_code == 401


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        None,
        {"sub_id": "x"},
        {"sub_id": {}},
        {"sub_id": {"format": "email", "email": "amina@example.org"}},
        {"sub_id": {"format": "phone_number", "phone_number": "+447700900101"}},
        {"sub_id": {"format": "iss_sub", "iss": "https://other.example", "sub": "x"}},
        {"sub_id": {"format": "iss_sub", "iss": ISSUER.address}},
        {"sub_id": {"format": "opaque", "id": 7}},
        {"sub_id": {"format": "opaque", "id": ""}},
    ],
)
async def test_who_names_nobody_is_told(revoking: Provider, body: object) -> None:
    answer = await revoke(revoking, await alarm(revoking), body)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


async def test_it_is_off_by_default(op: Provider) -> None:
    assert (await op.http.post(PATH, json={})).status_code == 404


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text()),
    lambda inner: st.dictionaries(st.sampled_from(["sub_id", "format", "iss", "sub", "id"]), inner),
)


@given(JSON)
def test_no_body_is_a_fault(body: object) -> None:
    with suppress(OAuthError):
        assert isinstance(named(body, ISSUER.address), Named)
