"""The key service signs what was approved, once, and nothing else, whoever holds its sockets."""

import asyncio
import hashlib
import json
import subprocess
import tempfile
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import func, select

from config.runtime.audit.inclusion import NotIncluded
from config.runtime.audit.records import entries
from config.runtime.clock import SystemClock
from config.runtime.database.connect import OpenDatabase
from config.runtime.database.unit import Statement
from esignet.formats import cades
from esignet.formats.format import Evidence, Item, Level, Wish
from esignet.protocol.indications import Indication
from esignet.validation.engine import Trust
from esignet.validation.reading import validate
from keystore.der.cms_reading import read_message
from keystore.door import NotPermitted, Order, TokenKind
from keystore.jose import reader
from keystore.purposes import OwnRing, Role
from keystore.service.client import KeyServiceClient
from keystore.service.run import socket_path
from keystore.signing.door import CertificateSubject, Imprint, NotActivated, Signed, SigningOrder
from keystore.signing.log import check_proof
from keystore.signing.plans import (
    CmsPlan,
    CosePlan,
    DataFile,
    JadesPlan,
    JwsPlan,
    Plan,
    XmlPlan,
    XmlReference,
)
from tests.keyrings import ISSUER, software_backend
from tests.signing_house import SHA256, SigningHouse, approval, signing_house

pytestmark = pytest.mark.server

CONTENT = b"I owe you nothing."
DIGEST = hashlib.sha256(CONTENT).digest()
OTHER = hashlib.sha256(b"I owe you everything.").digest()


@pytest.fixture
async def house(database: OpenDatabase, tmp_path: Path) -> AsyncIterator[SigningHouse]:
    backend = software_backend(tmp_path)
    with tempfile.TemporaryDirectory() as sockets:
        async with signing_house(backend, database, Path(sockets)) as made:
            yield made
            assert backend.live == 0, "every one-time key is gone"


async def signed(house: SigningHouse, *plans: Plan, **changes: Any) -> list[Signed]:
    digests = changes.pop("approved", (DIGEST,))
    token = changes.pop("activation", None) or await house.idp.activate(approval(*digests))
    usual = SigningOrder(
        activation=token, hash_algorithm=SHA256, digests=digests, plans=plans or (CmsPlan(0),)
    )
    return await house.esignet.sign_documents(replace(usual, **changes))


async def recorded(house: SigningHouse) -> int:
    row = await house.database.row(Statement(select(func.count()).select_from(entries)))
    assert row is not None
    return int(row[0])


def openssl(*words: str, cwd: Path) -> str:
    run = subprocess.run(["openssl", *words], cwd=cwd, capture_output=True, text=True, check=False)
    return run.stdout + run.stderr


def root_of(one: Signed) -> bytes:
    return one.chain[-1]


async def test_a_document_is_signed_up_to_b_lta_and_openssl_agrees(
    house: SigningHouse, tmp_path: Path
) -> None:
    form, item = cades.FORMAT, Item(name="note.txt", digest=DIGEST)
    prepared = form.prepare([item], Wish())
    [one] = await signed(house, prepared.plan, digests=prepared.digests)
    signature = form.embed(prepared, one)
    [token] = await house.esignet.timestamps([Imprint(SHA256, SHA256.of(form.to_stamp(signature)))])
    signature = form.augment(signature, Level.B_T, Evidence(timestamp=token))
    shown = await house.esignet.authority()
    stamper = next(
        certificate
        for certificate in read_message(token).certificates
        if b"Time-Stamping" in certificate
    )
    statuses = await house.esignet.statuses([one.certificate, stamper])
    material = Evidence(
        certificates=(one.certificate, stamper, *shown.chains[0]),
        ocsp=tuple(statuses),
        crls=shown.crls,
    )
    signature = form.augment(signature, Level.B_LT, material)
    covered = form.to_archive(signature, [item])
    [token] = await house.esignet.timestamps([Imprint(SHA256, SHA256.of(covered))])
    signature = form.augment(signature, Level.B_LTA, Evidence(timestamp=token))
    trust = Trust(anchors=(root_of(one),), stamp_anchors=(root_of(one),))
    later = SystemClock().now() + 3 * 366 * 86400
    [judged] = validate(signature, [item], {"cades": form}, trust, later).signatures
    assert judged.conclusion.indication is Indication.TOTAL_PASSED, judged.conclusion
    assert judged.level is Level.B_LTA
    root = x509.load_der_x509_certificate(root_of(one)).public_bytes(Encoding.PEM)
    (tmp_path / "root.pem").write_bytes(root)
    (tmp_path / "content").write_bytes(CONTENT)
    (tmp_path / "s.p7s").write_bytes(signature)
    words = "cms -verify -cades -binary -inform DER -purpose any -in s.p7s -content content"
    told = openssl(*words.split(), "-CAfile", "root.pem", "-out", "out", cwd=tmp_path)
    assert "CAdES Verification successful" in told
    for place, answer in enumerate(statuses):
        (tmp_path / f"o{place}").write_bytes(answer)
    (tmp_path / "ee.pem").write_bytes(
        x509.load_der_x509_certificate(one.certificate).public_bytes(Encoding.PEM)
    )
    (tmp_path / "ca.pem").write_bytes(
        x509.load_der_x509_certificate(one.chain[0]).public_bytes(Encoding.PEM)
    )
    words = "ocsp -respin o0 -sha256 -issuer ca.pem -cert ee.pem -CAfile root.pem -no_nonce"
    assert "ee.pem: good" in openssl(*words.split(), "-verify_other", "ca.pem", cwd=tmp_path)


async def test_every_structure_is_signed_from_its_digest(house: SigningHouse) -> None:
    plans: list[Plan] = [
        CmsPlan(0),
        XmlPlan("S-1", [XmlReference(1, "note.txt")]),
        JadesPlan([DataFile(2, "note.txt")]),
        JwsPlan(3, b"three"),
        CosePlan(4),
    ]
    approved = tuple(hashlib.sha256(text).digest() for text in (b"0", b"1", b"2", b"three", b"4"))
    made = await signed(house, *plans, approved=approved, one_key=False)
    assert len({one.certificate for one in made}) == len(plans), "nobody can link two of them"
    made = await signed(house, *plans, approved=approved)
    assert len({one.certificate for one in made}) == 1


async def test_a_certificate_says_what_was_approved_and_lives_five_minutes(
    house: SigningHouse,
) -> None:
    [one] = await signed(house)
    certificate = x509.load_der_x509_certificate(one.certificate)
    said = {name.oid._name: name.value for name in certificate.subject}
    assert said == {
        "countryName": "UT",
        "pseudonym": "quiet-otter",
        "commonName": "quiet-otter",
        "serialNumber": "p-7Hq2",
    }
    length = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    assert length.total_seconds() == 360
    usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    assert usage.content_commitment and not usage.digital_signature


@pytest.mark.parametrize(
    "change",
    [
        {"digests": (OTHER,)},
        {"digests": (DIGEST, OTHER), "plans": (CmsPlan(1),)},
        {"digests": ()},
        {"hash_algorithm": "sha512", "digests": (bytes(64),)},
        {"activation": "eyJhbGciOiJub25lIiwidHlwIjoiYWN0aXZhdGlvbitqd3QifQ.e30."},
        {"activation": "x" * 20_000},
        {"activation": "."},
    ],
)
async def test_a_compromised_esignet_gets_nothing_that_was_not_approved(
    house: SigningHouse, change: dict[str, Any]
) -> None:
    token = await house.idp.activate(approval(DIGEST))
    with pytest.raises(NotActivated):
        await signed(house, **{"activation": token, **change})
    assert await recorded(house) == 0
    assert await signed(house, activation=token), "what was tried in vain used nothing up"


@pytest.mark.parametrize(
    "plans",
    [
        (CmsPlan(1),),
        (CmsPlan(-1),),
        (CmsPlan(0), CmsPlan(0)),
        (JwsPlan(0, b"I owe you everything."),),
        (CosePlan(0, b"I owe you everything."),),
        (XmlPlan("S", [XmlReference(0, "a"), XmlReference(0, "b")]),),
        (XmlPlan('S"/><evil', [XmlReference(0, "a")]),),
        (JadesPlan([]),),
    ],
)
async def test_no_plan_signs_anything_else(house: SigningHouse, plans: tuple[Plan, ...]) -> None:
    token = await house.idp.activate(approval(DIGEST))
    with pytest.raises(NotPermitted):
        await signed(house, *plans, activation=token)
    assert await recorded(house) == 0
    assert await signed(house, activation=token)


async def test_esignet_makes_no_activation_and_idp_no_signature(house: SigningHouse) -> None:
    with pytest.raises(NotPermitted):
        await house.esignet.activate(approval(DIGEST))
    with pytest.raises(NotPermitted):
        await signed(replace(house, esignet=house.idp))
    with pytest.raises(NotPermitted):
        await house.idp.timestamps([Imprint(SHA256, DIGEST)])
    door = KeyServiceClient(socket_path(house.sockets, Role.ESIGNET), SystemClock())
    claims = b'{"iss":"' + ISSUER.encode() + b'"}'
    for issuer in (ISSUER, "activation", "ca:issuing"):
        with pytest.raises(NotPermitted):
            await door.sign(issuer, [Order(TokenKind.ACCESS_TOKEN, "ES256", claims)])
    await door.close()


async def test_an_approval_that_no_certificate_can_name_is_refused(house: SigningHouse) -> None:
    bad = CertificateSubject(serial="x", country="Utopia", pseudonym="p")
    for change in (
        {"holder": bad},
        {"count": 0},
        {"count": 501},
        {"consent": b""},
        {"subject": ""},
        {"transaction": "x" * 300},
        {"auth_time": SystemClock().now() + 1000},
        {"credential": "c-1"},
    ):
        with pytest.raises(NotPermitted):
            await house.idp.activate(approval(DIGEST, **change))


async def test_what_was_promised_is_proved_after_the_next_checkpoint(house: SigningHouse) -> None:
    [one] = await signed(house)
    about = reader.parse(one.promise.decode()).claims["about"]
    async with asyncio.timeout(20):
        while (proof := await house.esignet.proof(about)) is None:
            await asyncio.sleep(0.05)
    await house.keys.ring.refresh()
    keys = house.keys.ring.own_keys(OwnRing.AUDIT)
    assert check_proof(one.promise.decode(), proof, keys).entry[3] == "document.signed"
    forged = json.dumps({**json.loads(proof), "place": 7}).encode()
    with pytest.raises(NotIncluded):
        check_proof(one.promise.decode(), forged, keys)
