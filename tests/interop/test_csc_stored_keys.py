"""Stored keys through the CSC API and the real key service: by script, by openssl, by pyHanko."""

import asyncio
import base64
import hashlib
import io
import socket
import subprocess
import tempfile
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import uvicorn
from asn1crypto import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import load_der_x509_certificate
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign import PdfSignatureMetadata, PdfSigner
from pyhanko.sign.signers.csc_signer import (
    CSCAuthorizationInfo,
    CSCAuthorizationManager,
    CSCServiceSessionInfo,
    CSCSigner,
    fetch_certs_in_csc_credential,
)
from pyhanko.sign.validation import async_validate_pdf_signature
from pyhanko_certvalidator import ValidationContext

from config.runtime.cache import Cache
from config.runtime.clock import SystemClock
from config.runtime.database.connect import OpenDatabase, open_database
from config.runtime.web import Budget
from esignet.evidence.timestamps.own import OwnStamps
from esignet.flows.signing import Signing
from esignet.formats import cades
from esignet.formats.format import Item
from esignet.pdf.pool import PdfPool
from esignet.protocol.csc.approval import CREATIONS, DELETIONS
from keystore.credentials.door import CredentialAct
from keystore.signing.door import AuthorityShown
from tests.csc import ECDSA, SHA256, Token, World, approving, small_database, text
from tests.interop.test_pyhanko_csc import small_pdf
from tests.keyrings import software_backend
from tests.signing_house import STORING, SigningHouse, approval, signing_house
from tests.stored_keys import KNOWN_AS, about
from tests.unit.web import asking

pytestmark = pytest.mark.server

CONTENT = b"Attributes that an application made"
DIGEST = hashlib.sha256(CONTENT).digest()


class Office:
    """A client whose person approves whatever it asks for."""

    def __init__(self, world: World, house: SigningHouse) -> None:
        self.world, self.house = world, house
        world.bearers.tokens["service"] = Token(subject=KNOWN_AS, scope=frozenset(("service",)))

    def token(self, name: str, *details: dict[str, Any]) -> str:
        until = self.world.clock.now() + 300
        made = Token(subject=KNOWN_AS, scope=frozenset(), details=details, expires_at=until)
        self.world.bearers.tokens[name] = made
        return name

    async def change(self, act: CredentialAct, credential: str = "") -> str:
        types = CREATIONS if act is CredentialAct.CREATE else DELETIONS
        activation = await self.house.idp.activate_credential(about(act, credential=credential))
        detail = {"type": min(types), "credentialID": credential, "activation": activation}
        return self.token(f"{act} {credential}", detail)

    async def approved(self, credential: str, *digests: bytes, raw: bool = True) -> str:
        activation = await self.house.idp.activate(
            approval(*digests, credential=credential, raw=raw)
        )
        changes = {"credentialID": credential, "activation": activation}
        kind = {"hashType": "dtbsr"} if raw else {}
        return self.token(f"approval {raw}", approving(*digests, **changes, **kind))

    async def call(
        self, method: str, body: object, token: str, version: str = "v2"
    ) -> tuple[int, Any]:
        address = f"{self.world.origin}/csc/{version}/{method}"
        headers = {"authorization": f"Bearer {token}"}
        async with (
            aiohttp.ClientSession() as session,
            session.post(address, json=body, headers=headers) as reply,
        ):
            return reply.status, await reply.json()

    async def created(self) -> dict[str, Any]:
        token = await self.change(CredentialAct.CREATE)
        status, said = await self.call("credentials/create", {"certificates": "chain"}, token)
        assert status == 200, said
        made: dict[str, Any] = said
        return made


@pytest.fixture(params=["sqlite"])
def database_kind(request: pytest.FixtureRequest) -> str:
    """What the rows are, test_stored_credentials holds for both."""
    return str(request.param)


@pytest.fixture
async def office(database: OpenDatabase, tmp_path: Path) -> AsyncIterator[Office]:
    answers = await open_database(small_database(tmp_path / "answers.db"))
    with tempfile.TemporaryDirectory() as sockets:
        backend = software_backend(tmp_path)
        async with signing_house(backend, database, Path(sockets), STORING) as house:
            shown: Cache[str, AuthorityShown] = Cache(SystemClock(), entries=1, seconds=60)
            hand = Signing(
                documents=house.esignet, stamps=OwnStamps(house.esignet), pdf=PdfPool(), shown=shown
            )
            listening = socket.socket()
            listening.bind(("127.0.0.1", 0))
            origin = f"http://127.0.0.1:{listening.getsockname()[1]}"
            web = partial(
                asking.web, budgets={"tokens": Budget("tokens", 100, 10)}, origins=[origin]
            )
            world = World(answers, web, origin, hand=hand, keys=house.esignet)
            world.clock.at = SystemClock().now()
            config = uvicorn.Config(world.web, log_config=None, lifespan="off", ws="none")
            server = uvicorn.Server(config)
            running = asyncio.create_task(server.serve(sockets=[listening]))
            yield Office(world, house)
            server.should_exit = True
            await running
    await answers.close()


@pytest.mark.spec("CSC API v2.2 §11.4")
async def test_a_credential_is_made_listed_told_used_and_destroyed(
    office: Office, tmp_path: Path
) -> None:
    made = await office.created()
    name = made["credentialID"]
    assert made["key"]["status"] == "enabled" and made["SCAL"] == "2"
    for version in ("v1", "v2"):
        listed = await office.call("credentials/list", {}, "service", version)
        assert listed == (200, {"credentialIDs": [name]})
        body = {"credentialID": name, "certificates": "chain", "certInfo": True}
        status, said = await office.call("credentials/info", body, "service", version)
        assert status == 200
        assert said["cert"]["certificates"] == made["cert"]["certificates"]
        assert "2.5.4.65=quiet-otter" in said["cert"]["subjectDN"]
    chain = [base64.b64decode(one) for one in made["cert"]["certificates"]]
    sad = await office.approved(name, DIGEST)
    body = {"credentialID": name, "hashes": [text(DIGEST)], "signAlgo": ECDSA}
    status, said = await office.call("signatures/signHash", {**body, "SAD": sad}, "service")
    assert status == 200
    (tmp_path / "key.der").write_bytes(public_of(chain[0]))
    (tmp_path / "signature").write_bytes(base64.b64decode(said["signatures"][0]))
    (tmp_path / "content").write_bytes(CONTENT)
    words = "dgst -sha256 -verify key.der -keyform DER -signature signature content"
    run = subprocess.run(
        ["openssl", *words.split()], cwd=tmp_path, capture_output=True, check=False
    )
    assert b"Verified OK" in run.stdout + run.stderr

    other = {**body, "hashes": [text(hashlib.sha256(b"other").digest())], "SAD": sad}
    refusal = (await office.call("signatures/signHash", other, "service"))[1]
    assert refusal["error_description"] == "Hash is not authorized by the SAD"

    end = await office.change(CredentialAct.DELETE, name)
    wrong = await office.call("credentials/delete", {"credentialID": "c-2"}, end)
    assert wrong[1]["error_description"] == "Invalid parameter credentialID"
    assert await office.call("credentials/delete", {"credentialID": name}, end) == (200, {})
    assert await office.call("credentials/list", {}, "service") == (200, {"credentialIDs": []})
    late = await office.call("credentials/delete", {"credentialID": name}, end)
    assert late[1]["error_description"] == "Invalid parameter credentialID"
    gone = await office.call("signatures/signHash", {**body, "SAD": sad}, "service")
    assert gone[1]["error_description"] == "Invalid parameter credentialID"


def public_of(certificate: bytes) -> bytes:
    key = load_der_x509_certificate(certificate).public_key()
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


async def test_the_same_approval_makes_one_credential(office: Office) -> None:
    token = await office.change(CredentialAct.CREATE)
    assert (await office.call("credentials/create", {}, token))[0] == 200
    status, said = await office.call("credentials/create", {}, token)
    assert (status, said["error"]) == (401, "invalid_token")
    status, said = await office.call("credentials/create", {}, "service")
    assert (status, said["error"]) == (403, "access_denied")


async def test_a_document_is_signed_with_a_stored_credential(office: Office) -> None:
    name = (await office.created())["credentialID"]
    entry = {
        "hashes": [text(DIGEST)],
        "hashAlgorithmOID": SHA256,
        "signature_format": "C",
        "conformance_level": "Ades-B-LT",
        "signAlgo": ECDSA,
    }
    body = {"credentialID": name, "documentDigests": [entry]}
    hashed = await office.approved(name, DIGEST)
    status, said = await office.call("signatures/signDoc", body, hashed)
    assert (status, said["error"]) == (403, "invalid_hash"), "a hash is no document"
    document = await office.approved(name, DIGEST, raw=False)
    status, said = await office.call("signatures/signDoc", body, document)
    assert status == 200
    signature = base64.b64decode(said["SignatureObject"][0])
    item = Item(name="document", digest=DIGEST, content=CONTENT)
    [found] = cades.FORMAT.check(signature, [item])
    assert found.problems == ()


async def test_kinds_that_are_not_offered_are_refused(office: Office) -> None:
    name = (await office.created())["credentialID"]
    entry = {
        "hashes": [text(DIGEST)],
        "hashAlgorithmOID": SHA256,
        "signature_format": "C",
        "conformance_level": "Ades-B-B",
        "signAlgo": ECDSA,
    }
    token = await office.approved(name, DIGEST, raw=False)
    honest = office.world.bearers.tokens[token]
    said = {**honest.details[0], "signatureQualifier": "eu_eidas_qes"}
    office.world.bearers.tokens[token] = replace(honest, details=[said])
    body = {"credentialID": name, "documentDigests": [entry]}
    status, refusal = await office.call("signatures/signDoc", body, token)
    assert (status, refusal["error_description"]) == (400, "Invalid parameter signatureQualifier")


class Person(CSCAuthorizationManager):  # type: ignore[misc]
    """Asks the person, who approves the hash."""

    office: Office

    async def authorize_signature(self, hash_b64s: list[str]) -> CSCAuthorizationInfo:
        digest = base64.b64decode(hash_b64s[0])
        sad = await self.office.approved(self.csc_session_info.credential_id, digest)
        return CSCAuthorizationInfo(sad=sad)


@pytest.mark.spec("CSC API v1.0.4.0 §11.9")
async def test_pyhanko_signs_a_pdf_with_a_key_that_the_key_service_keeps(office: Office) -> None:
    name = (await office.created())["credentialID"]
    service = CSCServiceSessionInfo(office.world.origin, name, oauth_token="service")
    async with aiohttp.ClientSession() as session:
        person = Person(service, await fetch_certs_in_csc_credential(session, service))
        person.office = office
        wish = PdfSignatureMetadata(field_name="Signature", md_algorithm="sha256")
        made = await PdfSigner(wish, CSCSigner(session, person)).async_sign_pdf(small_pdf())
    [signature] = PdfFileReader(io.BytesIO(bytes(made.getbuffer()))).embedded_signatures
    [chain] = (await office.house.esignet.authority()).chains
    trust = ValidationContext(trust_roots=[x509.Certificate.load(chain[-1])], allow_fetching=False)
    judged = await async_validate_pdf_signature(signature, trust)
    assert judged.bottom_line, judged.pretty_print_details()
