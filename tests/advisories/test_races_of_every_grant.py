"""What may be used once, used by 32 in the same instant, on both kinds of database.

The class of test_single_use_races.py (better-auth CVE-2026-53518, NocoDB CVE-2026-47386) for pushed
requests, device codes, backchannel requests, approvals, proofs, attestations and assertions.
"""

import asyncio
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
from idp.protocol.decoupled import Status
from idp.protocol.grant import digest_of
from idp.stores.clients import Clients
from idp.stores.decoupled import DecoupledRequests
from tests.backchannel import BANK, SECRET, ask, known, poll, signed
from tests.conftest import BOTH
from tests.dpop import Holder
from tests.journeys.devices import TELEVISION, Device, approve, to_question
from tests.journeys.login_world import Site
from tests.journeys.machine import test_attestation as attested
from tests.journeys.machine import test_jwt_bearer as bearer
from tests.journeys.machine.test_token_exchange import gateway_of
from tests.journeys.test_ciba import APPROVE, REJECT, agreed, signed_in
from tests.keyrings import HandClock
from tests.machines import OTHER, resource_server
from tests.oauth import CALLBACK, CHALLENGE, ISSUER, Ground, Provider, provider
from tests.signing import FAPI, opening, push
from tests.signing import known as pushing

pytestmark = [pytest.mark.attack("A14"), pytest.mark.attack("A50")]

MANY = 32


@pytest.fixture(params=BOTH)
def database_kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def op(database: OpenDatabase, tmp_path: Path) -> AsyncIterator[Provider]:
    """Every grant, and attestation of clients."""
    (tmp_path / "attesters.json").write_bytes(attested.jwks(attested.TRUSTED))
    features = Features(
        auth_methods=(*METHODS, "client_secret_basic", "private_key_jwt"),
        attesters=str(tmp_path / "attesters.json"),
        grant_types=(*Features().grant_types, jwt_bearer.GRANT_TYPE),
        grant_management=True,
    )
    trusted = (bearer.MACHINES, bearer.PEOPLE)
    issuer = msgspec.structs.replace(ISSUER, features=features, trusted_issuers=trusted)
    ground = Ground(database=database, directory=tmp_path, clock=HandClock(), issuer=issuer)
    made = await provider(ground)
    yield made
    await made.http.aclose()


async def at_once(act: Callable[[], Awaitable[Any]]) -> list[Any]:
    return await asyncio.gather(*(act() for _ in range(MANY)))


def won(answers: list[httpx2.Response], status: int = 200) -> list[httpx2.Response]:
    """Return those who got through; everybody else was refused in good order."""
    assert {answer.status_code for answer in answers} <= {status, 400, 401, 503}
    return [answer for answer in answers if answer.status_code == status]


@pytest.mark.behaviour(36)
@pytest.mark.attack("A17")
async def test_one_pushed_request_is_answered_once(here: Site) -> None:
    client = await pushing(here, FAPI)
    browser = here.browser()
    first = await browser.get(opening(await push(here, client), client))
    page = await browser.press(first, "/identify", individual_id="4821009637")
    page = await browser.press(page, "/prove", otp=await here.code())
    if "code" not in page.answer:
        page = await browser.press(page, "/consent", ("decision", "accept"))
    assert "code" in page.answer
    address = opening(await push(here, client), client)  # answered silently from now on
    pages = await at_once(lambda: browser.get(address))
    codes = [one.answer["code"] for one in pages if "code" in one.answer]
    assert len(codes) == 1
    others = [one for one in pages if "code" not in one.answer]
    assert all(one.status < 500 or one.status == 503 for one in others)


async def test_one_code_with_details_is_redeemed_once(op: Provider) -> None:
    client = await op.register()
    payment = {"type": "payment_initiation", "instructedAmount": {"amount": "1", "currency": "EUR"}}
    code = await op.code(client.client, details=(payment,))
    assert len(won(await at_once(lambda: op.redeem(client, code)))) == 1


async def test_one_device_code_is_collected_once(here: Site) -> None:
    await here.world.database.submit(Clients(here.world.database).insert(TELEVISION))
    device, browser = Device(here), here.browser()
    codes = await device.asks()
    await approve(here, browser, await to_question(browser, codes["user_code"]))
    told = await at_once(device.polls)
    assert sum("access_token" in one for one in told) == 1
    assert {one["error"] for one in told if "error" in one} == {"invalid_grant"}


async def test_one_backchannel_request_is_collected_once(here: Site) -> None:
    await known(here)
    auth_req_id = (await ask(here)).json()["auth_req_id"]
    browser = here.browser()
    page = await signed_in(here, browser)
    await agreed(browser, await browser.press(page, "/me/approvals", APPROVE))
    assert len(won(await at_once(lambda: poll(here, auth_req_id)))) == 1


async def test_a_person_decides_once(here: Site) -> None:
    """Approved in one window and refused in others: the client is told one of both, for good."""
    await known(here)
    auth_req_id = (await ask(here)).json()["auth_req_id"]
    browser = here.browser()
    listed = await signed_in(here, browser)
    consent = await browser.press(listed, "/me/approvals", APPROVE)
    buttons = iter([("/consent", ("decision", "accept")), ("/me/approvals", REJECT)] * MANY)

    async def decide() -> int:
        ending, button = next(buttons)
        page = consent if ending == "/consent" else listed
        return (await browser.press(page, ending, button)).status

    statuses = await at_once(decide)
    assert all(status < 500 or status == 503 for status in statuses)
    found = await DecoupledRequests(here.world.database).find(digest_of(auth_req_id))
    assert found is not None and found.revision == 1
    told = (await poll(here, auth_req_id)).json()
    assert ("access_token" in told) is (found.status is Status.APPROVED)


async def test_one_signed_backchannel_request_is_taken_once(here: Site) -> None:
    await known(here, backchannel_authentication_request_signing_alg="ES256")
    form = {"client_id": BANK.client_id, "client_secret": SECRET}
    form |= {"request": signed(here.clock.now())}
    client = here.browser().client
    assert len(won(await at_once(lambda: client.post("/bc-authorize", data=form)))) == 1


@pytest.mark.attack("A18")
@pytest.mark.parametrize("path", ["/userinfo", "/token", "/par"])
async def test_one_proof_of_a_key_is_good_once(op: Provider, path: str) -> None:
    client = await op.register(dpop_bound_access_tokens=True)
    holder = Holder(op=op)
    tokens = await holder.tokens(client, scope=("openid", "offline_access"))
    method = "GET" if path == "/userinfo" else "POST"
    token = tokens["access_token"]
    proof = holder.proof(method, path, token if path == "/userinfo" else None)
    asked = {"response_type": "code", "redirect_uri": CALLBACK, "scope": "openid"}
    asked |= {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}
    refresh = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}

    async def use() -> httpx2.Response:
        if path == "/userinfo":
            return await holder.userinfo(token, proof)
        return await holder.post(path, client, asked if path == "/par" else refresh, proof)

    assert len(won(await at_once(use), 201 if path == "/par" else 200)) == 1


@pytest.mark.attack("A19")
@pytest.mark.parametrize("method", METHODS)
async def test_one_proof_of_an_instance_is_good_once(op: Provider, method: str) -> None:
    registered = await op.register(method)
    wallet = attested.Wallet(op, registered.client.client_id)
    headers = {"OAuth-Client-Attestation": wallet.attestation(attested.TRUSTED)}
    if method == METHODS[0]:
        headers["OAuth-Client-Attestation-PoP"] = wallet.proof()
    else:
        headers["DPoP"] = wallet.dpop()
    answers = await at_once(lambda: wallet.redeem(registered, headers))
    assert len(won(answers)) == 1


@pytest.mark.attack("A19")
async def test_one_assertion_of_a_trusted_issuer_is_good_once(op: Provider) -> None:
    client = await bearer.payroll(op)
    text = bearer.assertion(op)
    assert len(won(await at_once(lambda: bearer.ask(op, client, text)))) == 1


@pytest.mark.attack("A19")
async def test_one_assertion_of_a_client_pushes_once(op: Provider) -> None:
    client = await op.register("private_key_jwt")
    form = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": op.assertion(client)}
    form |= {"response_type": "code", "redirect_uri": CALLBACK, "scope": "openid"}
    form |= {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}
    assert len(won(await at_once(lambda: op.http.post("/par", data=form)), 201)) == 1


@pytest.mark.attack("A39")
async def test_what_is_merged_at_once_is_all_there_or_refused(op: Provider) -> None:
    """No amendment of a grant overwrites another one that succeeded."""
    client = await op.register()
    first = await op.redeem(client, await op.code(client.client, grant_action="create"))
    grant_id = first.json()["grant_id"]
    scopes = [(*("openid", "offline_access"), f"word{number}") for number in range(MANY)]
    codes = [
        await op.code(client.client, grant_action="merge", grant_id=grant_id, scope=scope)
        for scope in scopes
    ]
    answers = await asyncio.gather(*(op.redeem(client, code) for code in codes))
    assert won(list(answers))
    agreed_to = {
        word
        for answer, scope in zip(answers, scopes, strict=True)
        if answer.status_code == 200
        for word in scope
    }
    grant = await op.grants.find(grant_id)
    assert grant is not None and agreed_to <= set(grant.authorization.scope)


@pytest.mark.attack("A20")
async def test_nothing_that_is_exchanged_at_once_outlives_its_grant(op: Provider) -> None:
    ledger = await resource_server(op, OTHER, audience_scope=frozenset())
    app = await op.register(resources=(OTHER,))
    gateway = await gateway_of(op, app)
    token = (await op.tokens(app))["access_token"]
    form = {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "subject_token": token,
        "subject_token_type": "urn:ietf:params:oauth:token-type:access_token",
    }
    turns = iter(range(MANY))

    async def act() -> httpx2.Response:
        if next(turns) == MANY // 2:
            return await op.post("/revoke", app, token=token)
        return await op.post("/token", gateway, **form)

    for answer in won(await at_once(act)):
        made = answer.json().get("access_token") if answer.content else None
        if made is not None:
            told = await op.post("/introspect", ledger, token=made)
            assert told.json() == {"active": False}
