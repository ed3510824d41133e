"""Stored keys: a person agrees to one, approves each signature with it, and has it destroyed."""

from base64 import b64encode
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import select

from config.runtime.clock import SystemClock
from config.runtime.database.connect import OpenDatabase
from config.runtime.database.unit import Statement
from config.runtime.web import Web
from config.wiring.esignet import build_esignet
from idp.protocol.signing import CREATION, CREDENTIAL, DELETION
from idp.stores.clients import Clients
from idp.stores.login_tables import history
from keystore.credentials.door import StoredCredential
from keystore.signing.door import NotActivated, SigningOrder
from keystore.signing.plans import CmsPlan, RawPlan
from tests.csc import ECDSA
from tests.journeys.browsers import Browser
from tests.journeys.login_world import site
from tests.journeys.signing_site import SERVICE, offered, signing_keys, signing_world
from tests.journeys.test_signing import (
    AGREE,
    LEASE,
    NOTARY,
    Office,
    document,
    inside,
    read,
    wish,
)
from tests.signing_house import SHA256, STORING

DIGEST = sha256(LEASE).digest()
APPROVES = "1.2.840.113549.1.9.16.6.5"


@dataclass(frozen=True)
class SigningOffice(Office):
    """The same, and the signing service, with which the client speaks the CSC API."""

    sign: Web

    async def call(self, method: str, token: str, **body: object) -> httpx2.Response:
        client = Browser(self.sign, SERVICE).client
        headers = {"authorization": f"Bearer {token}"}
        return await client.post(f"/csc/v2/{method}", json=body, headers=headers)

    async def own_list(self) -> list[dict[str, Any]]:
        """What the person finds that they signed, if they let the client look."""
        token = await self.service_token("signing_history")
        headers = {"authorization": f"Bearer {token}"}
        answer = await Browser(self.sign, SERVICE).client.get("/signatures", headers=headers)
        found: list[dict[str, Any]] = answer.json()["signatures"]
        return found

    async def service_token(self, scope: str = "service") -> str:
        """What the client calls the API with between approvals."""
        browser = self.here.browser()
        asked = {"scope": f"openid {scope}", "resource": SERVICE}
        page = await browser.get(self.here.address(NOTARY, **asked))
        page = await self.here.proved(browser, page)
        page = await browser.press(page, "/consent", AGREE) if not page.answer else page
        got = await self.redeemed(page)
        return str(got["access_token"])


@pytest.fixture(params=["sqlite"])
def database_kind(request: pytest.FixtureRequest) -> str:
    """What the rows are, test_stored_credentials holds for both."""
    return str(request.param)


@pytest.fixture
async def office(database: OpenDatabase, tmp_path: Path) -> AsyncIterator[SigningOffice]:
    """A key service that stores people's keys, and an issuer that offers them."""
    async with signing_keys(tmp_path, STORING) as house:
        told = offered(
            house,
            signing_stored_keys=True,
            signing_hashes=True,
            signing_qualifiers=("ut_national_aes",),
        )
        async with site(database, tmp_path, **told) as here:
            here.clock.time = int(SystemClock().now())
            types = (CREDENTIAL, CREATION, DELETION)
            notary = replace(
                NOTARY,
                authorization_details_types=types,
                scope=frozenset({"openid", "service", "signing_history"}),
                resources=(SERVICE,),
            )
            await here.world.database.submit(Clients(here.world.database).insert(notary))
            sign = build_esignet(signing_world(here, tmp_path, STORING)).web
            yield SigningOffice(here, house, sign)


async def approved(office: Office, **detail: object) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the token carries for a detail that the person agreed to, and the ID token's claims."""
    page = await office.signed(office.here.browser(), detail)
    token = await office.redeemed(page)
    [found] = inside(token["access_token"])["authorization_details"]
    return found, inside(token["id_token"])


async def kept(office: Office) -> StoredCredential:
    detail, _ = await approved(office, type=CREATION)
    return await office.house.esignet.create_credential(detail["activation"])


def hashed(one: StoredCredential, **changes: object) -> dict[str, Any]:
    told = document(hashType="dtbsr")
    del told["pages"]
    return wish(told, credentialID=one.id, **changes)


async def signed(office: Office, activation: str, plan: CmsPlan | RawPlan) -> bytes:
    order = SigningOrder(
        activation=activation, hash_algorithm=SHA256, digests=[DIGEST], plans=[plan]
    )
    [made] = await office.house.esignet.sign_documents(order)
    return made.certificate


async def test_a_person_agrees_to_a_key_signs_with_it_and_ends_it(office: Office) -> None:
    browser = office.here.browser()
    page = await office.asked(browser, {"type": CREATION})
    for shown in ("Create a key for your signatures", "You approve each signature with it"):
        assert shown in read(page)
    token = await office.redeemed(await browser.press(page, "/consent", AGREE))
    [detail] = inside(token["access_token"])["authorization_details"]
    one = await office.house.esignet.create_credential(detail["activation"])
    known_as = inside(token["id_token"])["sub"]
    assert [one] == await office.house.esignet.credentials("notary", known_as)

    page = await office.asked(office.here.browser(), wish(document(), credentialID=one.id))
    assert one.id in read(page) and "the application made" not in read(page)
    detail, _ = await approved(office, **wish(document(), credentialID=one.id))
    assert await signed(office, detail["activation"], CmsPlan(0)) == one.chain[0]

    detail, _ = await approved(office, **hashed(one))
    assert detail["hashType"] == "dtbsr"
    assert await signed(office, detail["activation"], RawPlan(0)) == one.chain[0]

    detail, _ = await approved(office, type=DELETION, credentialID=one.id)
    await office.house.esignet.delete_credential(detail["activation"])
    assert await office.house.esignet.credentials("notary", known_as) == []
    page = await office.signed(office.here.browser(), wish(document(), credentialID=one.id))
    assert (await office.redeemed(page))["error"] == "invalid_grant"
    rows = await office.here.world.database.rows(Statement(select(history.c.outcome)))
    told = [row[0] for row in rows]
    assert (told.count("key_made"), told.count("key_ended")) == (1, 1)


@pytest.mark.spec("CSC API v2.2 §11.4")
async def test_a_client_speaks_the_csc_api_with_what_the_person_approved(
    office: SigningOffice,
) -> None:
    async def token(*details: dict[str, Any], **asked: str) -> str:
        page = await office.signed(office.here.browser(), *details, **asked)
        return str((await office.redeemed(page))["access_token"])

    made = await office.call("credentials/create", await token({"type": CREATION}))
    assert made.status_code == 200, made.text
    name = made.json()["credentialID"]
    service = await office.service_token()
    listed = await office.call("credentials/list", service)
    assert listed.json() == {"credentialIDs": [name]}
    told = await office.call("info", service)
    assert {"credentials/create", "signatures/signHash"} <= set(told.json()["methods"])

    sad = await token(hashed(made_of(made)))
    asked = {"credentialID": name, "hashes": [b64encode(DIGEST).decode()], "signAlgo": ECDSA}
    answered = await office.call("signatures/signHash", service, **asked, SAD=sad)
    assert answered.status_code == 200, answered.text
    assert len(answered.json()["signatures"]) == 1
    [entry] = await office.own_list()
    assert (entry["client_id"], entry["format"], entry["count"]) == ("notary", "hash", 1)
    assert entry["digests"] == asked["hashes"] and entry["certificates"]

    end = await token({"type": DELETION, "credentialID": name})
    gone = await office.call("credentials/delete", end, credentialID=name)
    assert (gone.status_code, gone.json()) == (200, {})
    assert (await office.call("credentials/list", service)).json() == {"credentialIDs": []}


def made_of(answer: httpx2.Response) -> StoredCredential:
    """The credential of an answer, as far as an approval names it."""
    return StoredCredential(
        id=answer.json()["credentialID"],
        serial="",
        chain=(),
        attributes={},
        created_at=0,
        expires_at=0,
    )


@pytest.mark.attack("A34")
async def test_an_approval_is_for_one_thing_alone(office: Office) -> None:
    one = await kept(office)
    creation, _ = await approved(office, type=CREATION)
    deletion, _ = await approved(office, type=DELETION, credentialID=one.id)
    signature, _ = await approved(office, **wish(document(), credentialID=one.id))
    esignet = office.house.esignet
    for other in (deletion, signature):
        with pytest.raises(NotActivated):
            await esignet.create_credential(other["activation"])
    for other in (creation, signature):
        with pytest.raises(NotActivated):
            await esignet.delete_credential(other["activation"])
    for other in (creation, deletion):
        with pytest.raises(NotActivated):
            await signed(office, other["activation"], CmsPlan(0))
    with pytest.raises(NotActivated):
        await signed(office, signature["activation"], RawPlan(0))
    assert await signed(office, signature["activation"], CmsPlan(0))


async def test_a_hash_is_told_as_a_hash_and_signed_as_nothing_else(office: Office) -> None:
    one = await kept(office)
    page = await office.asked(office.here.browser(), hashed(one))
    assert "Nobody but the application can tell of which document" in read(page)
    detail, _ = await approved(office, **hashed(one))
    with pytest.raises(NotActivated):
        await signed(office, detail["activation"], CmsPlan(0))


async def test_what_a_signature_says_is_what_the_person_read(office: Office) -> None:
    page = await office.asked(office.here.browser(), wish(document(), commitment=APPROVES))
    assert "You approve the content" in read(page)
    detail, _ = await approved(office, **wish(document(), commitment=APPROVES))
    assert detail["commitment"] == APPROVES
    made_it = APPROVES[:-1] + "6"
    for said in ("", made_it):
        with pytest.raises(NotActivated, match="commits"):
            await signed(office, detail["activation"], CmsPlan(0, commitment=said))
    assert await signed(office, detail["activation"], CmsPlan(0, commitment=APPROVES))
    detail, _ = await approved(office, **wish(document()))
    with pytest.raises(NotActivated, match="commits"):
        await signed(office, detail["activation"], CmsPlan(0, commitment=APPROVES))


async def test_what_is_not_offered_is_refused_before_anybody_is_asked(office: Office) -> None:
    told = {name: value for name, value in wish(document()).items() if name != "numSignatures"}
    mixed = [document(), document(hashType="dtbsr")]
    for wrong in (
        {**told, "signatureQualifier": "eu_eidas_qes"},
        {**told, "commitment": "1.2.840.113549.1.9.16.6.3"},
        {**told, "commitment": 5},
        {**told, "credentialID": "c-1", "documentDigests": mixed},
        {"type": CREATION, "certificateSubject": "nobody"},
        {"type": CREATION, "credentialID": "c-1"},
        {"type": CREATION, "locations": ["https://elsewhere.example"]},
        {"type": DELETION},
        {"type": DELETION, "credentialID": "<b>"},
    ):
        answer = await office.pushed(wrong)
        assert answer["error"] == "invalid_authorization_details", wrong
    offered = {**told, "signatureQualifier": "ut_national_aes"}
    assert "request_uri" in await office.pushed(offered)


async def test_one_approval_is_for_one_thing_and_never_silent(office: Office) -> None:
    both = await office.pushed({"type": CREATION}, wish(document()))
    assert both["error"] == "invalid_authorization_details"
    await kept(office)
    browser = office.here.browser()
    request = (await office.pushed({"type": CREATION}, prompt="none"))["request_uri"]
    silent = await browser.get(f"/authorize?client_id=notary&request_uri={request}")
    assert "error" in silent.answer
