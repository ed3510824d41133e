"""The signing service as a client of the issuer: on behalf of a relying party, and nobody as it."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from cryptography import x509
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.x509.oid import NameOID

from idp.stores.subjects import Subjects
from keystore.door import NotPermitted, Order, TokenKind
from keystore.purposes import Role
from tests.factor_world import BARAKA
from tests.journeys.hosted_world import NOTARY, SECRET, SERVICE, House, hosted
from tests.journeys.login_world import CHALLENGE, ORIGIN

pytestmark = pytest.mark.asyncio(loop_scope="module")
LEASE = ("Lease.txt", "text/plain", b"The lease of the house\n")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with hosted(tmp_path_factory.mktemp("hosted")) as made:
        yield made


async def certificate(house: House, **wish: object) -> x509.Certificate:
    """Sign with a new link, and return the certificate of who signed."""
    identifier, _ = await house.link(LEASE)
    browser = house.browser()
    page = await house.opened(browser, await house.another(identifier, **wish))
    page = await house.signed(browser, await browser.press(page, "/start"))
    [saved] = [one for one in page.reader.links if "/signed/" in one]
    signature = (await browser.get(saved)).response.content
    found = pkcs7.load_der_pkcs7_certificates(signature)
    issuers = {one.issuer for one in found}
    return next(one for one in found if one.subject not in issuers)


def told(made: x509.Certificate, name: x509.ObjectIdentifier) -> list[str]:
    return [str(one.value) for one in made.subject.get_attributes_for_oid(name)]


async def test_the_certificate_tells_the_pseudonym_that_the_relying_party_knows(
    house: House,
) -> None:
    first, second = await certificate(house), await certificate(house)
    subjects = Subjects(house.here.world.database)
    known = await subjects.find(ORIGIN, NOTARY.sector, house.here.world.amina.id)
    assert known is not None
    assert told(first, NameOID.PSEUDONYM) == told(second, NameOID.PSEUDONYM) == [known]
    assert told(first, NameOID.SERIAL_NUMBER) == told(second, NameOID.SERIAL_NUMBER)
    assert not told(first, NameOID.SURNAME)


async def test_the_certificate_tells_the_name_where_the_link_asks_for_it(house: House) -> None:
    made = await certificate(house, certificateSubject="name")
    assert told(made, NameOID.GIVEN_NAME) == ["Amina"]
    assert told(made, NameOID.SURNAME) == ["Odhiambo"]
    assert not told(made, NameOID.PSEUDONYM)


async def test_who_has_no_name_is_told_so(house: House) -> None:
    identifier, _ = await house.link(LEASE)
    browser = house.browser()
    page = await house.opened(browser, await house.another(identifier, certificateSubject="name"))
    page = await browser.press(page, "/start")
    person = str(BARAKA["national_id"])
    page = await house.signed(browser, page, person=person)
    assert page.status == 422 and "Nothing was signed" in page.text
    assert await house.state(identifier) == "open"


async def pushed(house: House, **form: Any) -> tuple[int, str]:
    """Push a request as the signing service would, proven in another way."""
    usual = {
        "client_id": "signing:notary",
        "redirect_uri": f"{SERVICE}/sign/callback",
        "response_type": "code",
        "scope": "openid",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }
    answer = await house.here.browser().client.post("/par", data={**usual, **form})
    return answer.status_code, answer.json().get("error", "")


async def assertion(house: House, role: Role, kind: TokenKind, **changes: object) -> dict[str, str]:
    """A proof of the client, as a role of the key service's can have it signed."""
    now = house.here.clock.now()
    claims = {
        "iss": "signing:notary",
        "sub": "signing:notary",
        "aud": ORIGIN,
        "jti": "j-1",
        "iat": now,
        "exp": now + 60,
        **changes,
    }
    order = Order(kind, "ES256", json.dumps(claims).encode())
    [signed] = await house.here.world.keys.door(role).sign(ORIGIN, [order])
    kind_of = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    return {"client_assertion_type": kind_of, "client_assertion": signed}


@pytest.mark.attack("A4")
@pytest.mark.attack("A19")
async def test_nobody_else_proves_to_be_the_signing_service(house: House) -> None:
    id_token = await assertion(house, Role.IDP, TokenKind.ID_TOKEN, iss=ORIGIN)
    for proof in ({}, {"client_secret": SECRET}, id_token):
        assert await pushed(house, **proof) == (401, "invalid_client"), proof
    good = await assertion(house, Role.ESIGNET, TokenKind.CLIENT_ASSERTION)
    assert await pushed(house, **good) == (201, "")
    assert (await pushed(house, **good))[1] == "invalid_client", "it is used once"
    for changes in ({"aud": SERVICE}, {"sub": "signing:shop"}, {"exp": 1}):
        made = {"jti": str(changes), **changes}
        proof = await assertion(house, Role.ESIGNET, TokenKind.CLIENT_ASSERTION, **made)
        assert (await pushed(house, **proof))[1] == "invalid_client", changes
    with pytest.raises(NotPermitted):
        await assertion(house, Role.IDP, TokenKind.CLIENT_ASSERTION)


async def test_it_gets_codes_at_its_own_address_and_nothing_more(house: House) -> None:
    for number, changes in enumerate(
        (
            {"redirect_uri": NOTARY.redirect_uris[0]},
            {"scope": "openid offline_access signatures"},
            {"response_type": "code id_token", "nonce": "n"},
            {"response_mode": "fragment"},
        )
    ):
        proof = await assertion(
            house, Role.ESIGNET, TokenKind.CLIENT_ASSERTION, jti=f"more-{number}"
        )
        status, error = await pushed(house, **{**proof, **changes})
        if changes.get("scope"):  # what a client may not ask for is left out
            assert status == 201
        else:
            assert status == 400 and error, changes
    for client_id in ("signing:shop", "signing:nobody", "signing:", "signing:signing:notary"):
        assert (await pushed(house, client_id=client_id))[0] == 401
    front = await house.here.browser().get(
        f"/authorize?client_id=signing:notary&redirect_uri={SERVICE}/sign/callback"
        "&response_type=code&scope=openid&code_challenge=x&code_challenge_method=S256"
    )
    assert "error=invalid_request" in front.url
