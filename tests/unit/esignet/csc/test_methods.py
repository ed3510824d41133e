"""Methods of the CSC API over HTTP: what is answered, and who is refused what."""

import base64
import hashlib
import subprocess
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.runtime.database.connect import open_database
from config.runtime.database.unit import DatabaseUnavailable
from config.runtime.web import Budget
from config.runtime.web.openapi import openapi
from esignet.flows.csc_approvals import Presented
from esignet.flows.csc_credentials import CscCredentials, NothingStored
from esignet.formats import cades, pades, xades
from esignet.formats.format import Item, Level, Wish
from esignet.protocol.csc import sign_doc
from esignet.protocol.csc.fields import Fields
from esignet.protocol.csc.version import V2
from keystore.door import KeyServiceUnavailable
from tests import pdf_files
from tests.csc import (
    ECDSA,
    FORMATS,
    PKI,
    SHA256,
    Token,
    World,
    approving,
    credential,
    small_database,
    text,
    told,
)
from tests.unit.web import asking

pytestmark = pytest.mark.server

CONTENT = b"A contract.\n"
DIGEST = hashlib.sha256(CONTENT).digest()
OTHER = hashlib.sha256(b"another").digest()
ENTRY = {"hashes": [text(DIGEST)], "signature_format": "C", "signAlgo": ECDSA}
SIGN = {"signatureQualifier": "tl_national_aes", "documentDigests": [ENTRY]}


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    database = await open_database(small_database(tmp_path / "answers.db"))
    web = partial(asking.web, budgets={"tokens": Budget("tokens", 100, 10)})
    made = World(database, web)
    made.bearers.tokens["good"] = Token(details=[approving(DIGEST)])
    made.bearers.tokens["service"] = Token(scope=frozenset(("service",)))
    yield made
    await made.later.drained()
    await made.pdf.close()
    await database.close()


async def call(
    world: World, method: str, body: object, token: str = "good", version: str = "v2"
) -> tuple[int, Any]:
    reply = await asking.ask(world.web, world.asked(method, body, token, version))
    return reply.status, told(reply)


def refusal(error: str, description: str) -> dict[str, str]:
    return {"error": error, "error_description": description}


def invalid(name: str) -> dict[str, str]:
    return refusal("invalid_request", f"Invalid parameter {name}")


@pytest.mark.spec("CSC API v2 §11.1")
async def test_info_tells_anybody_which_methods_there_are(world: World) -> None:
    status, said = await call(world, "info", b"", token="")
    assert (status, said["specs"], said["oauth2Issuer"]) == (200, "2.2.0.0", "https://id.example")
    assert said["signature_formats"]["formats"] == ["C", "X", "P", "J"]
    assert "Ades-B-LTA" in said["conformance_levels"]
    for name in said["methods"]:
        assert (await call(world, name, {}))[0] != 501, name
    for name in set(V2.methods) - set(said["methods"]):
        assert await call(world, name, {}) == (
            501,
            refusal("not_implemented", "The method is not implemented"),
        )
    status, said = await call(world, "info", {"lang": "de"}, token="", version="v1")
    assert (status, said["specs"], said["oauth2"]) == (200, "1.0.4.0", "https://id.example")
    assert "signatures/signDoc" not in said["methods"]


@pytest.mark.spec("CSC API v2 §10")
async def test_who_has_no_good_token_is_told_so(world: World) -> None:
    world.bearers.tokens["old"] = Token(expires_at=world.clock.now())
    world.bearers.tokens["mail"] = Token(scope=frozenset(("email",)))
    expected = {
        "": (400, "invalid_request", "Malformed authorization header"),
        "forged": (
            *(401, "invalid_token"),
            "The token provided is not a valid OAuth access or refresh token.",
        ),
        "old": (
            *(401, "expired_token"),
            "The access or refresh token is expired or has been revoked.",
        ),
        "mail": (
            *(403, "access_denied"),
            "The user, authorization server or remote service denied the request.",
        ),
    }
    for token, (status, error, description) in expected.items():
        answered = await call(world, "credentials/list", {}, token)
        assert answered == (status, refusal(error, description))


@pytest.mark.parametrize("body", [b"[]", b"{", b'{"a":1,"a":2}', b"\xff", b'"x"'])
async def test_a_body_that_is_no_object_is_refused(world: World, body: bytes) -> None:
    status, said = await call(world, "credentials/list", body)
    assert (status, said["error"]) == (400, "invalid_request")


async def test_a_document_is_signed_by_its_digest_and_openssl_agrees(
    world: World, tmp_path: Path
) -> None:
    status, said = await call(world, "signatures/signDoc", SIGN)
    assert status == 200
    (tmp_path / "s").write_bytes(base64.b64decode(said["SignatureObject"][0]))
    (tmp_path / "c").write_bytes(CONTENT)
    command = ["openssl", "cms", "-verify", "-cades", "-binary", "-inform", "DER", "-in", "s"]
    command += ["-content", "c", "-purpose", "any", "-out", "o", "-CAfile", "root.pem"]
    PKI.pem(tmp_path)
    subprocess.run(command, check=True, cwd=tmp_path, capture_output=True)


async def test_what_was_signed_stands_in_the_list_before_it_is_handed_out(world: World) -> None:
    assert (await call(world, "signatures/signDoc", SIGN))[0] == 200
    [kept] = world.list.kept
    assert (set(kept.formats), list(kept.digests)) == ({"cades"}, [DIGEST])
    assert kept.certificates == [f"{PKI.signer.certificate.serial_number:x}"]
    world.hand.used.clear()
    world.list.falls = DatabaseUnavailable("away")
    status, said = await call(world, "signatures/signDoc", SIGN)
    assert status == 503 and "SignatureObject" not in said


@pytest.mark.parametrize(
    ("kind", "level"),
    [
        *(("C", level) for level in ("B-B", "B-T", "B-LT", "B-LTA")),
        *(("X", level) for level in ("B-B", "B-T", "B-LT")),
        *(("J", level) for level in ("B-B", "B-T", "B-LT")),
        *(("P", level) for level in ("B-B", "B-T")),
    ],
)
async def test_each_format_is_made_from_a_digest_at_its_levels(
    world: World, kind: str, level: str
) -> None:
    entry = {**ENTRY, "signature_format": kind, "conformance_level": f"Ades-{level}"}
    status, said = await call(world, "signatures/signDoc", {**SIGN, "documentDigests": [entry]})
    assert status == 200
    made = base64.b64decode(said["SignatureObject"][0])
    item = Item(name="document", digest=DIGEST, content=None if kind == "P" else CONTENT)
    (found,) = FORMATS[sign_doc.FORMATS[kind]].check(made, [item])
    assert (found.problems, found.level) == ((), Level(level))


async def test_documents_are_signed_within_and_apart_at_the_level_asked(world: World) -> None:
    document = b"<a>1</a>"
    form = canonical_digest(document)
    world.bearers.tokens["two"] = Token(details=[approving(form, DIGEST)])
    body = {
        "signatureQualifier": "tl_national_aes",
        "documents": [
            {"document": text(document), "signature_format": "X", "signAlgo": ECDSA},
            {
                "document": text(CONTENT),
                "signature_format": "C",
                "signed_envelope_property": "Detached",
                "conformance_level": "AdES-B-LT",
                "signAlgo": ECDSA,
            },
        ],
        "returnValidationInfo": True,
    }
    status, said = await call(world, "signatures/signDoc", body, "two")
    assert status == 200
    inside = base64.b64decode(said["DocumentWithSignature"][0])
    item = Item(name="document", digest=hashlib.sha256(document).digest(), content=document)
    (found,) = xades.FORMAT.check(inside, [item])
    assert not found.problems
    (apart,) = said["SignatureObject"]
    (found,) = cades.FORMAT.check(
        base64.b64decode(apart), [Item(name="d", digest=DIGEST, content=CONTENT)]
    )
    assert found.level is Level.B_LT
    assert all(said["validationInfo"][name] for name in ("ocsp", "crl", "certificates"))


async def test_what_a_pdf_needs_for_years_comes_beside_its_signature(world: World) -> None:
    entry = {**ENTRY, "signature_format": "P", "conformance_level": "AdES-B-LT"}
    status, said = await call(world, "signatures/signDoc", {**SIGN, "documentDigests": [entry]})
    assert status == 200
    (message,) = said["SignatureObject"]
    (found,) = pades.FORMAT.check(base64.b64decode(message), [Item(name="d", digest=DIGEST)])
    assert (found.level, found.claimed_at, found.problems) == (Level.B_T, None, ())
    assert all(said["validationInfo"][name] for name in ("ocsp", "crl", "certificates"))


async def test_a_pdf_that_cannot_be_signed_as_it_is_is_refused_with_the_remedy(
    world: World,
) -> None:
    form = {"signature_format": "P", "signAlgo": ECDSA}
    prepared = {**form, "document": text(pdf_files.Waiting().made())}
    later = {"operationMode": "A", "validity_period": 1000}
    for entry, also, description in (
        (
            {**form, "document": text(pdf_files.document())},
            {},
            "Invalid array parameter documents (the PDF is not prepared: no signature in it waits "
            "for its contents; POST /signature-requests prepares it)",
        ),
        (
            {**prepared, "signed_envelope_property": "Certification"},
            {},
            "Invalid array parameter documents (the PDF is prepared for no certification)",
        ),
        (prepared, later, "Invalid parameter operationMode"),
    ):
        body = {"signatureQualifier": "tl_national_aes", "documents": [entry], **also}
        answered = await call(world, "signatures/signDoc", body)
        assert answered == (400, refusal("invalid_request", description))
    assert not world.hand.used


def canonical_digest(document: bytes) -> bytes:
    item = Item(name="document", digest=hashlib.sha256(document).digest(), content=document)
    (digest,) = xades.FORMAT.prepare([item], Wish(envelope="enveloped")).digests
    return digest


async def test_what_was_not_approved_is_not_signed(world: World) -> None:
    not_authorized = (
        403,
        refusal("invalid_hash", "Document or documentDigest does not match authorized hash"),
    )
    other = {**SIGN, "documentDigests": [{**ENTRY, "hashes": [text(OTHER)]}]}
    twice = {**SIGN, "documentDigests": [ENTRY, ENTRY]}
    assert await call(world, "signatures/signDoc", other) == not_authorized
    assert await call(world, "signatures/signDoc", twice) == not_authorized
    assert not world.hand.used
    named = {**SIGN, "credentialID": "somebody's"}
    assert await call(world, "signatures/signDoc", named) == (400, invalid("credentialID"))
    kind = {**SIGN, "signatureQualifier": "eu_eidas_qes"}
    assert await call(world, "signatures/signDoc", kind) == (400, invalid("signatureQualifier"))


async def test_an_approval_is_good_once(world: World) -> None:
    assert (await call(world, "signatures/signDoc", SIGN))[0] == 200
    assert await call(world, "signatures/signDoc", SIGN) == (
        400,
        refusal("invalid_request", "SAD expired"),
    )


async def test_a_sad_comes_with_a_token_of_the_service(world: World) -> None:
    without = await call(world, "signatures/signDoc", SIGN, "service")
    description = "Missing (or invalid type) string parameter SAD"
    assert without == (400, refusal("invalid_request", description))
    with_sad = await call(world, "signatures/signDoc", {**SIGN, "SAD": "good"}, "service")
    assert with_sad[0] == 200


@pytest.mark.parametrize(
    "theirs",
    [{"client_id": "thief"}, {"subject": "eve"}, {"bound_to": "a-key"}, {"details": ()}],
)
async def test_somebody_elses_sad_opens_nothing(world: World, theirs: dict[str, Any]) -> None:
    world.bearers.tokens["theirs"] = replace(world.bearers.tokens["good"], **theirs)
    answered = await call(world, "signatures/signDoc", {**SIGN, "SAD": "theirs"}, "service")
    assert answered == (400, invalid("SAD"))
    forged = await call(world, "signatures/signDoc", {**SIGN, "SAD": "forged"}, "service")
    assert forged == (400, invalid("SAD"))
    assert not world.hand.used


@pytest.mark.spec("CSC API v2 §11.6")
async def test_an_approval_becomes_a_sad_and_is_never_extended_to_more(world: World) -> None:
    body = {
        "credentialID": "",
        "numSignatures": 1,
        "hashes": [text(DIGEST)],
        "hashAlgorithmOID": SHA256,
    }
    world.bearers.tokens["stored"] = Token(details=[approving(DIGEST, credentialID="c-1")])
    body["credentialID"] = "c-1"
    answered = await call(world, "credentials/authorize", body, "stored")
    assert answered == (200, {"SAD": "stored", "expiresIn": 300})
    unapproved = await call(world, "credentials/authorize", body, "service")
    assert unapproved[1]["error"] == "invalid_authentication_data"
    again = await call(world, "credentials/extendTransaction", {**body, "SAD": "stored"}, "service")
    assert again == (200, {"SAD": "stored", "expiresIn": 300})
    more = {**body, "hashes": [text(OTHER)], "SAD": "stored"}
    assert await call(world, "credentials/extendTransaction", more, "service") == (
        400,
        refusal("invalid_request", "Hash is not authorized by the SAD"),
    )
    world.clock.at += 300
    world.bearers.tokens["service"] = replace(
        world.bearers.tokens["service"], expires_at=world.clock.now() + 9
    )
    late = await call(world, "credentials/extendTransaction", {**body, "SAD": "stored"}, "service")
    assert late == (400, refusal("invalid_request", "SAD expired"))


async def test_no_approval_is_underway_and_no_challenge_is_given(world: World) -> None:
    assert await call(world, "credentials/authorizeCheck", {"handle": "h"}) == (
        400,
        invalid("handle"),
    )
    asked = {"credentialID": "c", "authObjectID": "PIN"}
    answered = await call(world, "credentials/getChallenge", asked)
    assert answered == (400, invalid("authObjectID"))


@pytest.mark.spec("CSC API v2 §11.12")
async def test_signatures_are_fetched_later_by_who_asked_for_them(world: World) -> None:
    status, said = await call(world, "signatures/signDoc", {**SIGN, "operationMode": "A"})
    assert status == 200
    await world.later.drained()
    fetch = {"requestID": said["responseID"]}
    status, answer = await call(world, "signatures/signPolling", fetch)
    assert (status, list(answer)) == (200, ["SignatureObject"])
    world.bearers.tokens["eve"] = Token(subject="eve")
    assert await call(world, "signatures/signPolling", fetch, "eve") == (400, invalid("requestID"))
    again = await call(world, "signatures/signDoc", {**SIGN, "operationMode": "A"})
    await world.later.drained()
    refused = await call(world, "signatures/signPolling", {"requestID": again[1]["responseID"]})
    assert refused == (400, refusal("invalid_request", "SAD expired"))
    world.clock.at += 121 + 3600
    world.bearers.tokens["good"] = replace(
        world.bearers.tokens["good"], expires_at=world.clock.now() + 9
    )
    assert await call(world, "signatures/signPolling", fetch) == (400, invalid("requestID"))


@pytest.mark.spec("CSC API v2 §11.12")
async def test_what_is_underway_is_told_so_until_it_is_lost(world: World) -> None:
    world.hand.may.clear()
    _, said = await call(world, "signatures/signDoc", {**SIGN, "operationMode": "A"})
    fetch = {"requestID": said["responseID"]}
    assert await call(world, "signatures/signPolling", fetch) == (
        202,
        refusal(
            "accepted_request",
            "The previous async request has been accepted but not yet completed",
        ),
    )
    world.clock.at += 121
    lost = await call(world, "signatures/signPolling", fetch)
    assert lost == (400, refusal("invalid_request", "SAD expired"))
    world.hand.may.set()
    await world.later.drained()
    assert (await call(world, "signatures/signPolling", fetch))[0] == 200


async def test_answers_that_expired_are_forgotten(world: World) -> None:
    _, said = await call(world, "signatures/signDoc", {**SIGN, "operationMode": "A"})
    await world.later.drained()
    answers, now = world.later.answers, world.clock.now()
    fetch = {"requestID": said["responseID"]}
    await answers.database.submit(answers.prune(now, 10))
    assert (await call(world, "signatures/signPolling", fetch))[0] == 200
    await answers.database.submit(answers.prune(now + 4000, 10))
    assert (await call(world, "signatures/signPolling", fetch))[0] == 400


async def test_keys_that_are_away_are_told_now_and_later(world: World) -> None:
    world.hand.falls = KeyServiceUnavailable("away")
    reply = await asking.ask(world.web, world.asked("signatures/signDoc", SIGN, "good"))
    assert (reply.status, reply.header("retry-after")) == (503, "5")
    _, said = await call(world, "signatures/signDoc", {**SIGN, "operationMode": "A"})
    await world.later.drained()
    status, said = await call(world, "signatures/signPolling", {"requestID": said["responseID"]})
    assert (status, said["error"]) == (503, "temporarily_unavailable")


@pytest.mark.spec("RFC 3161 §2.4.2")
async def test_a_digest_is_stamped(world: World) -> None:
    body = {"hash": text(DIGEST), "hashAlgo": SHA256, "nonce": "0a"}
    for version in ("v1", "v2"):
        status, said = await call(world, "signatures/timestamp", body, version=version)
        assert status == 200
        assert base64.b64decode(said["timestamp"])[0] == 0x30
    world.stamper.away = True
    status, said = await call(world, "signatures/timestamp", body)
    assert (status, said["error"]) == (503, "temporarily_unavailable")


@pytest.mark.spec("CSC API v2 §11.4")
async def test_people_see_their_own_credentials_alone(world: World) -> None:
    now = world.clock.now()
    mine = credential("c-1", now)
    world.wallet.kept["ana"] = [mine, replace(mine, id="c-2", valid_to=now - 1)]
    listed = await call(world, "credentials/list", {"onlyValid": True})
    assert listed == (200, {"credentialIDs": ["c-1"], "onlyValid": True})
    asked = {"credentialInfo": True, "certificates": "chain", "certInfo": True}
    _, said = await call(world, "credentials/list", asked)
    first, second = said["credentialInfos"]
    assert first["cert"]["status"] == "valid"
    assert first["cert"]["validTo"] == "20270115080010Z"
    assert len(first["cert"]["certificates"]) == 3
    assert first["auth"] == {"mode": "oauth2code"}
    assert second["cert"]["status"] == "expired"
    _, said = await call(world, "credentials/info", {"credentialID": "c-1"}, version="v1")
    assert (said["authMode"], said["SCAL"], said["multisign"]) == ("oauth2code", "2", 500)
    assert said["key"]["algo"] == [ECDSA]
    world.bearers.tokens["eve"] = Token(subject="eve")
    assert await call(world, "credentials/info", {"credentialID": "c-1"}, "eve") == (
        400,
        invalid("credentialID"),
    )


async def test_every_method_that_is_served_is_described(world: World) -> None:
    document = openapi(world.web.routes, "Signatures", "1")
    for path, methods in document["paths"].items():
        name = path.split("/", 3)[3]
        # Two that are made and served only where people's keys are stored are described too.
        known = (*METHODS, "credentials/create", "credentials/delete")
        assert ("summary" in methods["post"]) == (name in known), path


async def test_without_stored_keys_no_hash_is_signed_and_no_credential_shown(
    world: World,
) -> None:
    plain = replace(world.methods(V2), hashes=None, credentials=CscCredentials(NothingStored()))
    absent = {"signatures/signHash", "credentials/create", "credentials/delete"}
    assert absent.isdisjoint(plain.served())
    presented = Presented(world.bearers.tokens["good"], "good")
    listed = plain.served()["credentials/list"]
    assert await listed.serve(Fields.of({}), presented, 0) == {"credentialIDs": []}


HASH = {"credentialID": "c-1", "signAlgo": ECDSA, "hashes": [text(DIGEST)]}


@pytest.mark.spec("CSC API v2 §11.10")
async def test_an_approved_hash_is_signed_as_it_is_with_a_stored_credential(world: World) -> None:
    now = world.clock.now()
    world.wallet.kept["ana"] = [
        credential("c-1", now),
        replace(credential("c-2", now), is_enabled=False),
        replace(credential("c-3", now), valid_to=now - 1),
    ]
    for name in ("c-1", "c-2", "c-3", "c-4"):
        detail = approving(DIGEST, credentialID=name, hashType="dtbsr")
        world.bearers.tokens[name] = Token(details=[detail])
    document = approving(DIGEST, credentialID="c-1", hashType=None)
    world.bearers.tokens["document"] = Token(details=[document])
    assert await call(world, "signatures/signHash", HASH, "document") == (
        400,
        refusal("invalid_request", "Hash is not authorized by the SAD"),
    )
    expected = {
        "c-2": "The credential identified by credentialID is disabled",
        "c-3": "Signing certificate is expired",
        "c-4": "Invalid parameter credentialID",
    }
    for name, description in expected.items():
        answered = await call(
            world, "signatures/signHash", {**HASH, "credentialID": name, "SAD": name}, "service"
        )
        assert answered == (400, refusal("invalid_request", description))
    other = {**HASH, "hashes": [text(OTHER)]}
    assert await call(world, "signatures/signHash", other, "c-1") == (
        400,
        refusal("invalid_request", "Hash is not authorized by the SAD"),
    )
    one_time = await call(world, "signatures/signHash", HASH, "good")
    assert one_time == (400, invalid("credentialID"))
    assert not world.hand.used
    status, said = await call(world, "signatures/signHash", HASH, "c-1")
    assert status == 200
    value = base64.b64decode(said["signatures"][0])
    public = PKI.signer.certificate.public_key()
    assert isinstance(public, ec.EllipticCurvePublicKey)
    public.verify(value, CONTENT, ec.ECDSA(hashes.SHA256()))
    [kept] = world.list.kept
    assert (set(kept.formats), list(kept.digests)) == ({"hash"}, [DIGEST])
    assert list(kept.certificates) == ["0a"]
    assert (await call(world, "signatures/signHash", HASH, "c-1"))[1]["error_description"] == (
        "SAD expired"
    )


METHODS = (
    *("info", "credentials/list", "credentials/info", "credentials/authorize"),
    *("credentials/extendTransaction", "credentials/authorizeCheck", "credentials/getChallenge"),
    *(
        "signatures/signHash",
        "signatures/signDoc",
        "signatures/signPolling",
        "signatures/timestamp",
    ),
)


@settings(
    max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(
    method=st.sampled_from(METHODS),
    body=st.binary(max_size=60)
    | st.dictionaries(
        st.sampled_from(["credentialID", "SAD", "hashes", "documents", "handle", "hash", "nonce"]),
        st.text(max_size=5) | st.lists(st.text(max_size=4)) | st.integers(),
    ),
)
async def test_nothing_that_is_sent_makes_an_error_of_ours(
    world: World, method: str, body: object
) -> None:
    status, _ = await call(world, method, body)
    assert status < 500
