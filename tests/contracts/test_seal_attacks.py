"""A seal takes two parties: the service alone gets none, and the organisation alone neither."""

import asyncio
import hashlib
import hmac
import json
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID
from sqlalchemy import func, select

from config.runtime.audit.records import entries
from config.runtime.clock import SystemClock
from config.runtime.database.connect import OpenDatabase
from config.runtime.database.unit import Statement
from keystore.authority.revoking import Reason
from keystore.backends.backend import Algorithm
from keystore.checking.paths import find
from keystore.door import KeyServiceUnavailable, NotPermitted, Order, TokenKind
from keystore.jose import base64url, reader
from keystore.purposes import Role
from keystore.rings import organization_ring
from keystore.seals.organization import OrganizationChange
from keystore.service.client import KeyOperator, KeyServiceClient
from keystore.service.document_client import DocumentClient
from keystore.service.run import socket_path
from keystore.signing.door import NotActivated, Signed, SigningOrder
from keystore.signing.plans import (
    CmsPlan,
    CosePlan,
    DataFile,
    JadesPlan,
    JwsPlan,
    ManifestPlan,
    Plan,
    RawPlan,
    XmlPlan,
    XmlReference,
)
from tests.keyrings import software_backend
from tests.sealing import REGISTRY, Office, digest, disabled, enrolled, new_key
from tests.signing_house import SHA256, SigningHouse, approval, signing_house

pytestmark = pytest.mark.server

DIGEST, OTHER = digest(b"a deed"), digest(b"another deed")
ORIGIN, APPROVAL = "1.2.840.113549.1.9.16.6.1", "1.2.840.113549.1.9.16.6.5"
Claims = dict[str, Any]


@pytest.fixture
async def house(database: OpenDatabase, tmp_path: Path) -> AsyncIterator[SigningHouse]:
    with tempfile.TemporaryDirectory() as sockets:
        async with signing_house(software_backend(tmp_path), database, Path(sockets)) as made:
            yield made


@pytest.fixture
async def office(house: SigningHouse) -> Office:
    made = Office()
    await enrolled(house, made)
    return made


async def sealed(house: SigningHouse, word: str, *plans: Plan, **changes: Any) -> list[Signed]:
    usual = SigningOrder(
        activation=word, hash_algorithm=SHA256, digests=[DIGEST], plans=plans or [CmsPlan(0)]
    )
    return await house.esignet.seal_documents(replace(usual, **changes))


async def recorded(house: SigningHouse) -> int:
    asked = select(func.count()).where(entries.c.action == "document.sealed")
    row = await house.database.row(Statement(asked))
    assert row is not None
    return int(row[0])


async def test_both_together_seal_and_the_certificate_names_the_organisation(
    house: SigningHouse, office: Office
) -> None:
    [one] = await sealed(house, office.authorizes(DIGEST))
    certificate = x509.load_der_x509_certificate(one.certificate)
    said = {name.oid: name.value for name in certificate.subject}
    assert said[NameOID.ORGANIZATION_NAME] == "Land Registry"
    assert said[NameOID.ORGANIZATION_IDENTIFIER] == "NTRUT-12345"
    find(one.certificate, one.chain, [one.chain[-1]]).check_times(SystemClock().now())
    signature = reader.parse(one.promise.decode()).claims
    assert signature["approval"]["organization"] == REGISTRY
    [again] = await sealed(house, office.authorizes(DIGEST))
    assert again.certificate == one.certificate, "it has one key"
    assert await recorded(house) == 2


async def test_the_log_says_which_word_it_was(house: SigningHouse, office: Office) -> None:
    word = office.authorizes(DIGEST)
    await sealed(house, word)
    row = await house.database.row(
        Statement(select(entries.c.details).where(entries.c.action == "document.sealed"))
    )
    assert row is not None
    assert hashlib.sha256(word.encode()).hexdigest() in row["details"]


@pytest.mark.attack("A34")
async def test_a_word_that_is_not_exactly_for_this_seals_nothing(
    house: SigningHouse, office: Office
) -> None:
    now = SystemClock().now()
    wrong: dict[str, Claims] = {
        "for another service": {"aud": "https://another.example"},
        "for several services": {"aud": ["https://sign.example"]},
        "of another organisation": {"iss": "another"},
        "good for a day": {"iat": now, "exp": now + 100_000},
        "expired": {"iat": now - 1000, "exp": now - 700},
        "of the future": {"iat": now + 1000, "exp": now + 1300},
        "without an end": {"exp": None},
        "without a name": {"jti": None},
        "with a short name": {"jti": "short"},
        "with a name that is none": {"jti": "with:colon:and/more"},
        "of two documents": {"count": 2},
        "of another hash": {"hash_algorithm": "sha384"},
        "of a weak hash": {"hash_algorithm": "sha1"},
        "without digests": {"list_hash": None},
        "of other digests": {"list_hash": "AAAA"},
        "without plans": {"plan_hash": None},
        "of other plans": {"plan_hash": "AAAA"},
        "with a restriction": {"only": "on Sundays"},
    }
    for name, change in wrong.items():
        with pytest.raises(NotActivated):
            await sealed(house, office.authorizes(DIGEST, **change))
            pytest.fail(name)
    assert await recorded(house) == 0


@pytest.mark.attack("A34")
async def test_whoever_holds_esignet_alone_seals_nothing(
    house: SigningHouse, office: Office
) -> None:
    thief = Office(key=new_key())
    words = [
        thief.authorizes(DIGEST),
        office.signed(office.claims(DIGEST), typ="JWT"),
        office.signed(office.claims(DIGEST), typ="activation+jwt"),
        await house.idp.activate(approval(DIGEST)),
        "",
        "a.b.c",
        "x" * 20_000,
    ]
    head, _, tail = office.authorizes(DIGEST).split(".")
    other = base64url.encode(json.dumps(office.claims(OTHER)).encode()).decode()
    words.append(f"{head}.{other}.{tail}")
    for word in words:
        with pytest.raises(NotActivated):
            await sealed(house, word)
    word = office.authorizes(DIGEST)
    for digests in ([OTHER], [DIGEST, OTHER], list[bytes]()):
        with pytest.raises(NotActivated):
            await sealed(house, word, digests=digests)
    assert await recorded(house) == 0
    assert await sealed(house, word), "what was tried in vain used nothing up"


@pytest.mark.attack("A34")
async def test_a_word_that_nobody_signed_or_anybody_could_have_seals_nothing(
    house: SigningHouse, office: Office
) -> None:
    claims = base64url.encode(json.dumps(office.claims(DIGEST)).encode()).decode()
    public = office.key.as_pem(private=False)
    for alg in ("none", "None", "HS256"):
        header = {"alg": alg, "typ": "seal-authorization+jwt", "kid": office.key.kid}
        signed = f"{base64url.encode(json.dumps(header).encode()).decode()}.{claims}"
        code = hmac.digest(public, signed.encode(), "sha256")
        for signature in ("", base64url.encode(code).decode()):
            with pytest.raises(NotActivated):
                await sealed(house, f"{signed}.{signature}")
    assert await recorded(house) == 0


@pytest.mark.attack("A34")
async def test_what_is_written_around_a_digest_is_what_was_authorized(
    house: SigningHouse, office: Office
) -> None:
    swapped: dict[str, tuple[Plan, Plan]] = {
        "commitment added": (CmsPlan(0), CmsPlan(0, commitment=APPROVAL)),
        "commitment swapped": (CmsPlan(0, commitment=ORIGIN), CmsPlan(0, commitment=APPROVAL)),
        "commitment dropped": (CmsPlan(0, commitment=APPROVAL), CmsPlan(0)),
        "media type": (CmsPlan(0), CmsPlan(0, media_type="application/pdf")),
        "signing time": (CmsPlan(0), CmsPlan(0, signing_time=False)),
        "structure": (CmsPlan(0), JadesPlan([DataFile(0, "deed")])),
        "name": (JadesPlan([DataFile(0, "deed")]), JadesPlan([DataFile(0, "draft")])),
        "reference": (
            XmlPlan("id-a", [XmlReference(0, "a")]),
            XmlPlan("id-a", [XmlReference(0, "b")]),
        ),
        "type of a content": (JwsPlan(0, b"a deed"), JwsPlan(0, b"a deed", "text/plain")),
        "content left out": (CosePlan(0, b"a deed"), CosePlan(0)),
        "name in a container": (
            ManifestPlan("s.p7s", [DataFile(0, "a")]),
            ManifestPlan("s.p7s", [DataFile(0, "b")]),
        ),
    }
    for name, (said, asked) in swapped.items():
        word, before = office.authorizes(DIGEST, plans=[said]), await recorded(house)
        with pytest.raises(NotActivated, match="around"):
            await sealed(house, word, asked)
            pytest.fail(name)
        assert await recorded(house) == before, name
        assert await sealed(house, word, said), "what was tried in vain used nothing up"


@pytest.mark.attack("A34")
async def test_two_documents_whose_places_are_swapped_are_not_what_was_authorized(
    house: SigningHouse, office: Office
) -> None:
    plans = [JadesPlan([DataFile(0, "deed")]), JadesPlan([DataFile(1, "annex")])]
    word = office.authorizes(DIGEST, OTHER, plans=plans)
    with pytest.raises(NotActivated, match="digests"):
        await sealed(house, word, *plans, digests=[OTHER, DIGEST])
    crossed = [JadesPlan([DataFile(1, "deed")]), JadesPlan([DataFile(0, "annex")])]
    with pytest.raises(NotActivated, match="around"):
        await sealed(house, word, *crossed, digests=[DIGEST, OTHER])
    assert await recorded(house) == 0


@pytest.mark.attack("A34")
async def test_a_seal_is_over_a_structure_that_is_written_here(
    house: SigningHouse, office: Office
) -> None:
    bad: list[tuple[Plan, ...]] = [
        (RawPlan(0),),
        (CmsPlan(0), CmsPlan(0)),
        (CmsPlan(1),),
        (CmsPlan(-1),),
        (CmsPlan(0, commitment="approval"),),
        (JwsPlan(0, b"another deed"),),
    ]
    for plans in bad:
        with pytest.raises(NotPermitted):
            await sealed(house, office.authorizes(DIGEST, plans=plans), *plans)
    assert await recorded(house) == 0


@pytest.mark.attack("A34")
async def test_a_word_of_an_organisation_signs_for_nobody_else(
    house: SigningHouse, office: Office
) -> None:
    word = office.authorizes(DIGEST)
    with pytest.raises(NotActivated):
        order = SigningOrder(
            activation=word, hash_algorithm=SHA256, digests=[DIGEST], plans=[CmsPlan(0)]
        )
        await house.esignet.sign_documents(order)
    other = Office("tax-office")
    await enrolled(house, other, name="Tax Office", identifier="NTRUT-9")
    with pytest.raises(NotActivated):
        await sealed(house, office.authorizes(DIGEST, iss="tax-office"))
    mine, theirs = [
        (await sealed(house, one.authorizes(DIGEST)))[0].certificate for one in (office, other)
    ]
    assert mine != theirs


@pytest.mark.attack("A34")
async def test_only_the_roles_that_may_can_ask(house: SigningHouse, office: Office) -> None:
    order = SigningOrder(
        activation=office.authorizes(DIGEST),
        hash_algorithm=SHA256,
        digests=[DIGEST],
        plans=[CmsPlan(0)],
    )
    for role in set(Role) - {Role.ESIGNET}:
        client = DocumentClient(socket_path(house.sockets, role))
        with pytest.raises(NotPermitted):
            await client.seal_documents(order)
        await client.close()
    for role in set(Role) - {Role.OPERATOR}:
        operator = KeyOperator(socket_path(house.sockets, role))
        with pytest.raises(NotPermitted):
            await operator.add_organization(Office("thief").asked())
        with pytest.raises(NotPermitted):
            await operator.change_organization(OrganizationChange(id=REGISTRY, per_day=0))
        with pytest.raises(NotPermitted):
            await operator.disable_organization(REGISTRY)
        await operator.close()


@pytest.mark.attack("A34")
async def test_the_key_of_an_organisation_signs_no_token(
    house: SigningHouse, office: Office
) -> None:
    door = KeyServiceClient(socket_path(house.sockets, Role.IDP), SystemClock(), deadline=20)
    for issuer in (organization_ring(REGISTRY), REGISTRY):
        claims = json.dumps({"iss": issuer}).encode()
        with pytest.raises(NotPermitted):
            await door.sign(issuer, [Order(TokenKind.ID_TOKEN, "ES256", claims)])
        with pytest.raises(NotPermitted):
            await door.published(issuer)
    await door.close()


async def test_a_word_is_used_once_and_the_same_order_is_answered_again(
    house: SigningHouse, office: Office
) -> None:
    word = office.authorizes(DIGEST)
    made = await asyncio.gather(*(sealed(house, word) for _ in range(4)))
    assert len({one.value for [one] in made}) == 1, "it was sealed once"
    with pytest.raises(NotActivated, match="around"):
        await sealed(house, word, CmsPlan(0, signing_time=False))
    assert await recorded(house) == 1


@pytest.mark.attack("A34")
async def test_a_name_that_was_used_is_used_for_every_other_word(
    house: SigningHouse, office: Office
) -> None:
    await sealed(house, office.authorizes(DIGEST, jti="a-name-used-once"))
    with pytest.raises(NotActivated, match="used"):
        await sealed(house, office.authorizes(OTHER, jti="a-name-used-once"), digests=[OTHER])
    assert await recorded(house) == 1


async def test_a_limit_per_day_is_held_whole(house: SigningHouse) -> None:
    office = Office("small")
    await enrolled(house, office, per_day=3)
    both = {"digests": [DIGEST, OTHER]}
    word = office.authorizes(DIGEST, OTHER)
    assert len(await sealed(house, word, CmsPlan(0), CmsPlan(1), **both)) == 2
    with pytest.raises(NotActivated, match="today"):
        await sealed(house, office.authorizes(DIGEST, OTHER), CmsPlan(0), CmsPlan(1), **both)
    assert await sealed(house, office.authorizes(DIGEST))
    with pytest.raises(NotActivated, match="today"):
        await sealed(house, office.authorizes(DIGEST))
    assert await recorded(house) == 3


async def test_keys_and_limits_of_an_organisation_change(
    house: SigningHouse, office: Office
) -> None:
    [before] = await sealed(house, office.authorizes(DIGEST))
    new = Office(key=new_key("office-2"))
    operator = KeyOperator(socket_path(house.sockets, Role.OPERATOR))
    change = OrganizationChange(id=REGISTRY, jwks=new.asked().jwks)
    shown = await operator.change_organization(change)
    assert (shown.said.jwks, shown.said.per_day) == (new.asked().jwks, 0)
    with pytest.raises(NotActivated):
        await sealed(house, office.authorizes(DIGEST))
    [after] = await sealed(house, new.authorizes(DIGEST))
    assert after.certificate == before.certificate, "who it is did not change"
    await operator.change_organization(OrganizationChange(id=REGISTRY, per_day=2))
    with pytest.raises(NotActivated, match="today"):
        await sealed(house, new.authorizes(DIGEST))
    wrong = [
        OrganizationChange(id=REGISTRY),
        OrganizationChange(id=REGISTRY, jwks=b"{}"),
        OrganizationChange(id=REGISTRY, per_day=-1),
        OrganizationChange(id="nobody", per_day=1),
    ]
    for one in wrong:
        with pytest.raises(NotPermitted):
            await operator.change_organization(one)
    await operator.disable_organization(REGISTRY)
    with pytest.raises(NotPermitted):
        await operator.change_organization(OrganizationChange(id=REGISTRY, per_day=0))
    await operator.close()
    told = select(func.count()).where(entries.c.action == "organization.changed")
    row = await house.database.row(Statement(told))
    assert row is not None and row[0] == 2


async def test_who_is_disabled_seals_no_more(house: SigningHouse, office: Office) -> None:
    await disabled(house, office)
    with pytest.raises(NotActivated):
        await sealed(house, office.authorizes(DIGEST))
    with pytest.raises(NotPermitted):
        await disabled(house, office)
    with pytest.raises(NotPermitted, match="already"):
        await enrolled(house, Office(key=new_key()))


async def test_who_could_not_seal_is_not_enrolled(house: SigningHouse) -> None:
    wrong: list[Claims] = [
        {"id": "Land Registry"},
        {"id": "a:b"},
        {"id": ""},
        {"name": ""},
        {"name": "Land\nRegistry"},
        {"name": "Land \u202eyrtsigeR"},
        {"identifier": ""},
        {"identifier": "12345"},
        {"country": "Utopia"},
        {"country": "ut"},
        {"jwks": b"{}"},
        {"jwks": b'{"keys":[]}'},
        {"jwks": b'{"keys":[{"kty":"oct","k":"AAAA"}]}'},
        {"jwks": b" " * (64 * 1024 + 1)},
        {"per_day": -1},
    ]
    for change in wrong:
        with pytest.raises(NotPermitted):
            await enrolled(house, Office(), **change)
            pytest.fail(str(change))


async def test_a_private_key_is_never_enrolled(house: SigningHouse) -> None:
    office = Office()
    leaked = json.dumps({"keys": [office.key.as_dict(private=True)]}).encode()
    with pytest.raises(NotPermitted, match="private"):
        await enrolled(house, office, jwks=leaked)


async def test_a_new_key_is_certified_and_the_old_one_seals_no_more(
    house: SigningHouse, office: Office
) -> None:
    [before] = await sealed(house, office.authorizes(DIGEST))
    await rotated(house, organization_ring(REGISTRY))
    [after] = await sealed_soon(house, office, lambda one: one.certificate != before.certificate)
    assert after.chain == before.chain


async def test_a_certificate_that_was_revoked_seals_no_more_until_there_is_a_new_key(
    house: SigningHouse, office: Office
) -> None:
    [before] = await sealed(house, office.authorizes(DIGEST))
    serial = x509.load_der_x509_certificate(before.certificate).serial_number
    operator = KeyOperator(socket_path(house.sockets, Role.OPERATOR))
    await operator.revoke_certificate(f"{serial:x}", Reason.KEY_COMPROMISE)
    await operator.close()
    with pytest.raises(NotActivated, match="revoked"):
        await sealed(house, office.authorizes(DIGEST))
    await rotated(house, organization_ring(REGISTRY))
    await sealed_soon(house, office, lambda one: one.certificate != before.certificate)


async def test_the_key_of_who_is_disabled_is_destroyed(house: SigningHouse, office: Office) -> None:
    await sealed(house, office.authorizes(DIGEST))
    assert await keys_of(house, office) == 1
    await disabled(house, office)
    assert await keys_of(house, office) == 0


async def keys_of(house: SigningHouse, office: Office) -> int:
    operator = KeyOperator(socket_path(house.sockets, Role.OPERATOR))
    found = [one for one in await operator.keys() if one.ring == organization_ring(office.name)]
    await operator.close()
    return len(found)


async def rotated(house: SigningHouse, ring: str) -> None:
    operator = KeyOperator(socket_path(house.sockets, Role.OPERATOR))
    await operator.rotate(ring, Algorithm.ES256, emergency=True)
    await operator.close()


async def sealed_soon(
    house: SigningHouse, office: Office, is_new: Callable[[Signed], bool]
) -> list[Signed]:
    """Return a seal that is new: what certifies its key happens in a moment."""
    async with asyncio.timeout(60):
        while True:
            with suppress(KeyServiceUnavailable, NotActivated):
                made = await sealed(house, office.authorizes(DIGEST))
                if is_new(made[0]):
                    return made
            await asyncio.sleep(0.1)
