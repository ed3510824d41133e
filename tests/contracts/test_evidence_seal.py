"""The seal on evidence is the service's own: over manifests of evidence alone, and recorded."""

import hashlib
import tempfile
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import msgspec
import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID
from sqlalchemy import select

from config.runtime.audit.records import entries
from config.runtime.database.connect import OpenDatabase
from config.runtime.database.unit import Statement
from keystore.door import NotPermitted
from keystore.jose.jwk import parse_set
from keystore.jose.reader import Rules, parse, verify
from keystore.purposes import Role
from keystore.service.document_client import DocumentClient
from keystore.service.run import socket_path
from keystore.signing.door import EvidenceFile, SigningOrder
from keystore.signing.evidence import plan_of
from keystore.signing.log import PROMISE
from keystore.signing.plans import CmsPlan
from tests.keyrings import software_backend
from tests.signing_house import SHA256, SigningHouse, approval, signing_house

DIGEST = hashlib.sha256(b"{}").digest()
FILES = (
    EvidenceFile("evidence.json", "application/json", DIGEST),
    EvidenceFile("receipt.en.txt", "text/plain", DIGEST),
)


@pytest.fixture
async def house(database: OpenDatabase, tmp_path: Path) -> AsyncIterator[SigningHouse]:
    with tempfile.TemporaryDirectory() as sockets:
        async with signing_house(software_backend(tmp_path), database, Path(sockets)) as made:
            yield made


async def test_a_manifest_is_sealed_in_the_name_of_the_service(house: SigningHouse) -> None:
    sealed = await house.esignet.seal_evidence(FILES)
    certificate = x509.load_der_x509_certificate(sealed.certificate)
    names = {one.oid: one.value for one in certificate.subject}
    assert names[NameOID.ORGANIZATION_NAME] == "Utopia Trust"
    assert NameOID.PSEUDONYM not in names and NameOID.GIVEN_NAME not in names
    certificate.verify_directly_issued_by(x509.load_der_x509_certificate(sealed.chain[0]))
    manifest = sealed.parts[1].decode()
    assert [f'URI="{one.name}"' in manifest for one in FILES] == [True, True]
    assert plan_of(FILES).uri in manifest
    rows = await house.database.rows(Statement(select(entries)))
    [entry] = [row for row in rows if row["action"] == "evidence.sealed"]
    written = msgspec.json.decode(entry["details"])["manifest"]
    assert written == hashlib.sha256(sealed.parts[1]).hexdigest()


@pytest.mark.attack("A5")
@pytest.mark.parametrize(
    "files",
    [
        (),
        (FILES[1], FILES[0]),
        (FILES[0], EvidenceFile("contract.pdf", "application/pdf", DIGEST)),
        (FILES[0], EvidenceFile("receipt/../contract", "text/plain", DIGEST)),
        (FILES[0], EvidenceFile("receipt\n.txt", "text/plain", DIGEST)),
        (FILES[0], FILES[0]),
        (EvidenceFile("evidence.json", "application/json", DIGEST[:-1]),),
        (EvidenceFile("evidence.json", 'x" URI="contract.pdf', DIGEST),),
    ],
)
async def test_nothing_else_is_sealed(house: SigningHouse, files: Sequence[EvidenceFile]) -> None:
    with pytest.raises(NotPermitted):
        await house.esignet.seal_evidence(files)
    rows = await house.database.rows(Statement(select(entries)))
    assert "evidence.sealed" not in {row["action"] for row in rows}


@pytest.mark.attack("A5")
@pytest.mark.parametrize("role", [Role.IDP, Role.WORKER, Role.OPERATOR, Role.WALLET_BRIDGE])
async def test_no_other_role_has_it(house: SigningHouse, role: Role) -> None:
    client = DocumentClient(socket_path(house.sockets, role))
    with pytest.raises(NotPermitted):
        await client.seal_evidence(FILES)
    await client.close()


async def test_a_promise_tells_on_whose_word_was_signed(house: SigningHouse) -> None:
    approved = approval(DIGEST)
    activation = await house.idp.activate(approved)
    order = SigningOrder(
        activation=activation, hash_algorithm=SHA256, digests=[DIGEST], plans=[CmsPlan(0)]
    )
    [signed] = await house.esignet.sign_documents(order)
    keys = parse_set((await house.esignet.authority()).audit_keys)
    rules = Rules(algs=frozenset(["ES256"]), typs=frozenset([PROMISE]))
    told = verify(parse(signed.promise.decode()), keys, rules).claims["approval"]
    assert (told["client_id"], told["subject"], told["acr"]) == (
        "office",
        "ana-at-esignet",
        "level2",
    )
    assert (told["amr"], told["auth_time"]) == (["otp", "pin"], approved.auth_time)
    assert (told["transaction"], told["count"], told["hash_algorithm"]) == ("t-1", 1, "sha256")
    assert "holder" not in told, "names stand in the certificate, if anywhere"
