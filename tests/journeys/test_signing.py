"""Signing: a person reads what they sign, agrees once, and one signature comes of it."""

import gzip
import json
from base64 import b64encode, urlsafe_b64decode
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from config.runtime.clock import SystemClock
from config.runtime.database.connect import OpenDatabase
from idp.protocol.signing import CREDENTIAL
from idp.stores.clients import Clients
from keystore.signing.digests import list_hash
from keystore.signing.door import NotActivated, SigningOrder
from keystore.signing.plans import CmsPlan
from tests.factor_world import AMINA
from tests.journeys.browsers import Browser, Page
from tests.journeys.login_world import CLINIC, VERIFIER, Site, site
from tests.journeys.signing_site import SERVICE, offered, signing_keys
from tests.signing_house import SHA256, SigningHouse

NOTARY = replace(
    CLINIC,
    client_id="notary",
    names={"": "Notary"},
    redirect_uris=("https://notary.example/cb",),
    post_logout_redirect_uris=(),
    sector="notary.example",
    authorization_details_types=(CREDENTIAL,),
)
AGREE, REFUSE = ("decision", "accept"), ("decision", "deny")
LEASE = b"The lease of the house"


def document(content: bytes = LEASE, **changes: object) -> dict[str, Any]:
    digest = b64encode(sha256(content).digest()).decode()
    usual = {"hash": digest, "label": "Lease", "hashType": "sodr", "pages": 3}
    return {**usual, **changes}


def wish(*documents: dict[str, Any], **changes: object) -> dict[str, Any]:
    usual = {
        "type": CREDENTIAL,
        "numSignatures": len(documents),
        "documentDigests": list(documents),
        "hashAlgorithmOID": SHA256.oid,
    }
    return {**usual, **changes}


@dataclass(frozen=True)
class Office:
    """The issuer, and the key service that signs what residents approve there."""

    here: Site
    house: SigningHouse

    async def pushed(self, *details: dict[str, Any], **asked: str) -> dict[str, Any]:
        """What the PAR endpoint answers."""
        usual = {"scope": "openid", "authorization_details": json.dumps(details)}
        query = self.here.address(NOTARY, **{**usual, **asked}).partition("?")[2]
        headers = {"content-type": "application/x-www-form-urlencoded"}
        answer = await self.here.browser().client.post("/par", content=query, headers=headers)
        told: dict[str, Any] = answer.json()
        return told

    async def asked(self, browser: Browser, *details: dict[str, Any], **asked: str) -> Page:
        """Come to the page on which the person signs."""
        request = (await self.pushed(*details, **asked))["request_uri"]
        first = await browser.get(f"/authorize?client_id=notary&request_uri={request}")
        return await self.here.proved(browser, first, pin=AMINA["pin"])

    async def signed(self, browser: Browser, *details: dict[str, Any], **asked: str) -> Page:
        """Agree, and come back to the client."""
        return await browser.press(await self.asked(browser, *details, **asked), "/consent", AGREE)

    async def redeemed(self, page: Page, **more: str) -> dict[str, Any]:
        """What the token endpoint answers to the code."""
        form = {
            "grant_type": "authorization_code",
            "code": page.answer["code"],
            "redirect_uri": NOTARY.redirect_uris[0],
            "client_id": "notary",
            "code_verifier": VERIFIER,
        }
        answer = await self.here.browser().client.post("/token", data={**form, **more})
        told: dict[str, Any] = answer.json()
        return told


def read(page: Page) -> str:
    """The words of the page, without the isolates that hold what is foreign apart."""
    return page.text.replace("\u2068", "").replace("\u2069", "")


def inside(token: str) -> dict[str, Any]:
    """The claims of a JWS, unread otherwise."""
    claims: dict[str, Any] = json.loads(urlsafe_b64decode(token.split(".")[1] + "=="))
    return claims


def order(activation: str, *contents: bytes) -> SigningOrder:
    return SigningOrder(
        activation=activation,
        hash_algorithm=SHA256,
        digests=[sha256(content).digest() for content in contents],
        plans=[CmsPlan(place) for place in range(len(contents))],
    )


@pytest.fixture
async def office(database: OpenDatabase, tmp_path: Path) -> AsyncIterator[Office]:
    """An issuer at which people sign."""
    async with (
        signing_keys(tmp_path) as house,
        site(database, tmp_path, **offered(house)) as here,
    ):
        here.clock.time = int(SystemClock().now())
        await here.world.database.submit(Clients(here.world.database).insert(NOTARY))
        yield Office(here, house)


async def test_a_person_reads_what_they_sign_and_one_signature_comes_of_it(office: Office) -> None:
    browser = office.here.browser()
    page = await office.asked(browser, wish(document()))
    for shown in ("Lease", "Pages: 3", sha256(LEASE).hexdigest(), "Notary"):
        assert shown in read(page)
    token = await office.redeemed(await browser.press(page, "/consent", AGREE))
    claims = inside(token["access_token"])
    [detail] = claims["authorization_details"]
    assert claims["aud"] == SERVICE and claims["exp"] - claims["iat"] <= 300
    expected = list_hash(SHA256, [sha256(LEASE).digest()])
    assert urlsafe_b64decode(detail["digests"] + "=") == expected
    assert "Lease" not in json.dumps(claims) and "documentDigests" not in detail
    [signature] = await office.house.esignet.sign_documents(order(detail["activation"], LEASE))
    assert signature.value
    again = await office.house.esignet.sign_documents(order(detail["activation"], LEASE))
    assert again == [signature], "a lost answer is given again, and no second signature is made"


async def test_the_activation_is_for_what_was_shown_and_nothing_else(office: Office) -> None:
    token = await office.redeemed(await office.signed(office.here.browser(), wish(document())))
    [detail] = inside(token["access_token"])["authorization_details"]
    with pytest.raises(NotActivated):
        await office.house.esignet.sign_documents(order(detail["activation"], b"The deed"))
    approved = inside(detail["activation"])
    assert approved["client_id"] == "notary" and approved["count"] == 1
    assert approved["subject"] != inside(token["id_token"])["sub"], "esignet has its own sector"


@pytest.mark.attack("A2")
async def test_a_replayed_code_activates_nothing(office: Office) -> None:
    page = await office.signed(office.here.browser(), wish(document()))
    first, second = await office.redeemed(page), await office.redeemed(page)
    assert "access_token" in first
    assert second["error"] == "invalid_grant" and "access_token" not in second


async def test_a_refresh_brings_no_second_approval(office: Office) -> None:
    page = await office.signed(
        office.here.browser(), wish(document()), scope="openid offline_access", prompt="consent"
    )
    first = await office.redeemed(page)
    form = {"grant_type": "refresh_token", "client_id": "notary"}
    form["refresh_token"] = first["refresh_token"]
    again = (await office.here.browser().client.post("/token", data=form)).json()
    claims = inside(again["access_token"])
    assert "authorization_details" not in again and "authorization_details" not in claims
    assert claims["aud"] != SERVICE


async def test_a_token_with_signatures_is_for_the_signing_service_alone(office: Office) -> None:
    page = await office.signed(office.here.browser(), wish(document()))
    answer = await office.redeemed(page, resource="https://records.example")
    assert answer["error"] == "invalid_target"


async def test_it_is_asked_each_time_and_never_in_silence(office: Office) -> None:
    browser = office.here.browser()
    await office.signed(browser, wish(document()))
    request = (await office.pushed(wish(document()), prompt="none"))["request_uri"]
    silent = await browser.get(f"/authorize?client_id=notary&request_uri={request}")
    assert silent.answer["error"] in ("consent_required", "login_required", "interaction_required")
    request = (await office.pushed(wish(document())))["request_uri"]
    page = await browser.get(f"/authorize?client_id=notary&request_uri={request}")
    assert "Sign this document" in page.text


async def test_whoever_refuses_signs_nothing(office: Office) -> None:
    browser = office.here.browser()
    page = await browser.press(await office.asked(browser, wish(document())), "/consent", REFUSE)
    assert page.answer["error"] == "access_denied" and "code" not in page.answer


@pytest.mark.attack("A5")
async def test_nobody_signs_another_page_than_the_one_they_read(office: Office) -> None:
    browser = office.here.browser()
    page = await office.asked(browser, wish(document()))
    form = page.form("/consent", AGREE)
    fields = [(name, "A" * 43 if name == "page" else value) for name, value in form.fields]
    again = await browser.request("POST", form.action, [*fields, AGREE])
    assert "This page has changed" in again.text and "Lease" in again.text


@pytest.mark.parametrize(
    "label",
    ["Lease\u202efdp.exe", "Lease\u3164", "\u115f\u1160", "Lease\u200b", "", "A\u2066B\u2069"],
    ids=["bidi", "filler", "jamo", "zero width", "empty", "isolate"],
)
async def test_a_name_that_a_page_would_not_show_as_it_is_is_refused(
    office: Office, label: str
) -> None:
    answer = await office.pushed(wish(document(label=label)))
    assert answer["error"] == "invalid_authorization_details"


@pytest.mark.parametrize(
    "detail",
    [
        wish(document(), numSignatures=2),
        wish(),
        wish(*[document()] * 501),
        wish(document(hash="AAAA")),
        wish(document(), hashAlgorithmOID="1.3.14.3.2.26"),
        wish(document(), certificateSubject=[]),
        wish(document(), certificateSubject={}),
        wish(document(), hashAlgorithmOID=[]),
        wish(document(hashType=[])),
        wish(document(href="javascript:alert(1)")),
        wish(document(href="https://a@evil.example/")),
        wish(document(checksum=sha256(b"another").hexdigest())),
        wish(document(pages=0)),
        wish(document(), locations=["https://other.example"]),
        wish("no object"),  # type: ignore[arg-type]
    ],
)
async def test_a_list_that_says_two_things_is_refused(
    office: Office, detail: dict[str, Any]
) -> None:
    assert (await office.pushed(detail))["error"] == "invalid_authorization_details"


async def test_two_approvals_or_none_for_a_code_are_refused(office: Office) -> None:
    both = await office.pushed(wish(document()), wish(document(b"another")))
    assert both["error"] == "invalid_authorization_details"


async def test_a_long_list_is_not_sent_in_an_address(office: Office) -> None:
    text = json.dumps([wish(*(document(b"%d" % number) for number in range(200)))])
    page = await office.here.browser().get(office.here.address(NOTARY, authorization_details=text))
    assert page.status >= 400 or "error" in page.answer


async def test_five_hundred_documents_are_read_on_light_sheets(office: Office) -> None:
    contents = [b"document %d" % number for number in range(500)]
    documents = [
        document(one, label=f"Flat {number}, {sha256(one).hexdigest()}")
        for number, one in enumerate(contents, 1)
    ]
    browser = office.here.browser()
    page = first = await office.asked(browser, wish(*documents))
    seen = 0
    while True:
        assert len(gzip.compress(page.html.encode())) < 14_000
        text = page.text
        seen += sum(f"Flat {number}," in text for number in range(1, 501))
        onward = [link for link in page.reader.links if link.endswith(f"?page={seen // 20 + 1}")]
        if not onward:
            break
        page = await browser.get(onward[0])
    assert seen == 500
    assert "Sign all 500 documents" in read(first)
    token = await office.redeemed(await browser.press(page, "/consent", AGREE))
    [detail] = inside(token["access_token"])["authorization_details"]
    assert len(token["access_token"]) < 8_192, "it fits into a header"
    signed = await office.house.esignet.sign_documents(order(detail["activation"], *contents))
    assert len(signed) == 500
