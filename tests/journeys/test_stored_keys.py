"""Stored keys: a person agrees to one, approves each signature with it, and has it destroyed."""

from collections.abc import AsyncIterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from config.runtime.clock import SystemClock
from config.runtime.database.connect import OpenDatabase, open_database
from idp.protocol.signing import CREATION, CREDENTIAL, DELETION
from idp.stores.clients import Clients
from keystore.credentials.door import StoredCredential
from keystore.signing.door import NotActivated, SigningOrder
from keystore.signing.plans import CmsPlan, RawPlan
from keystore.stores.tables import key_version
from tests import servers
from tests.journeys.login_world import site
from tests.journeys.test_signing import (
    AGREE,
    LEASE,
    NOTARY,
    SERVICE,
    Office,
    document,
    inside,
    read,
    wish,
)
from tests.keyrings import software_backend
from tests.signing_house import SHA256, STORING, signing_house

DIGEST = sha256(LEASE).digest()
APPROVES = "1.2.840.113549.1.9.16.6.5"


@pytest.fixture
async def office(database: OpenDatabase, tmp_path: Path) -> AsyncIterator[Office]:
    """A key service that stores people's keys, and an issuer that offers them."""
    url = f"sqlite:///{tmp_path / 'keys.db'}"
    servers.create_tables(url, key_version.metadata)
    keys = await open_database(url)
    (tmp_path / "keys").mkdir()
    backend = software_backend(tmp_path / "keys")
    async with signing_house(backend, keys, tmp_path, STORING) as house:
        told: dict[str, Any] = {
            "activations": house.idp,
            "signing_service": SERVICE,
            "signing_country": "UT",
            "signing_stored_keys": True,
            "signing_hashes": True,
            "signing_qualifiers": ("ut_national_aes",),
        }
        async with site(database, tmp_path, **told) as here:
            here.clock.time = int(SystemClock().now())
            types = (CREDENTIAL, CREATION, DELETION)
            notary = replace(NOTARY, authorization_details_types=types)
            await here.world.database.submit(Clients(here.world.database).insert(notary))
            yield Office(here, house)
    await keys.close()


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


@pytest.mark.parametrize(
    "changes",
    [
        {"signatureQualifier": "eu_eidas_qes"},
        {"commitment": "1.2.840.113549.1.9.16.6.3"},
        {"commitment": 5},
        {"credentialID": "c-1", "documentDigests": [document(), document(hashType="dtbsr")]},
    ],
)
async def test_what_is_not_offered_is_refused_before_anybody_is_asked(
    office: Office, changes: dict[str, Any]
) -> None:
    told = {name: value for name, value in wish(document()).items() if name != "numSignatures"}
    assert (await office.pushed({**told, **changes}))["error"] == "invalid_authorization_details"
    offered = {**told, "signatureQualifier": "ut_national_aes"}
    assert "request_uri" in await office.pushed(offered)


@pytest.mark.parametrize(
    "detail",
    [
        {"type": CREATION, "certificateSubject": "nobody"},
        {"type": CREATION, "credentialID": "c-1"},
        {"type": CREATION, "locations": ["https://elsewhere.example"]},
        {"type": DELETION},
        {"type": DELETION, "credentialID": "<b>"},
    ],
)
async def test_malformed_changes_are_refused(office: Office, detail: dict[str, Any]) -> None:
    assert (await office.pushed(detail))["error"] == "invalid_authorization_details"


async def test_one_approval_is_for_one_thing_and_never_silent(office: Office) -> None:
    both = await office.pushed({"type": CREATION}, wish(document()))
    assert both["error"] == "invalid_authorization_details"
    await kept(office)
    browser = office.here.browser()
    request = (await office.pushed({"type": CREATION}, prompt="none"))["request_uri"]
    silent = await browser.get(f"/authorize?client_id=notary&request_uri={request}")
    assert "error" in silent.answer
