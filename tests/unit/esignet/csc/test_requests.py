"""Requests of the CSC API: what is accepted, and each refusal as the specification's tables say."""

import base64
import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from esignet.protocol.csc import (
    approval,
    asynchronous,
    authorizing,
    credentials,
    sign_doc,
    sign_hash,
    timestamp,
)
from esignet.protocol.csc.faults import CscError
from esignet.protocol.csc.fields import Fields
from esignet.protocol.csc.version import V1, V2
from keystore.der.reader import read
from keystore.signing.digests import HashAlgorithm, list_hash

DIGEST = hashlib.sha256(b"a contract").digest()
TEXT = base64.b64encode(DIGEST).decode()
SHA256, SHA384, ECDSA = (
    *("2.16.840.1.101.3.4.2.1", "2.16.840.1.101.3.4.2.2"),
    "1.2.840.10045.4.3.2",
)
HASH = {"credentialID": "c", "SAD": "s", "hashes": [TEXT], "signAlgo": ECDSA}
ENTRY = {"hashes": [TEXT], "signature_format": "C", "signAlgo": ECDSA}
DOCUMENT = {
    "document": base64.b64encode(b"a contract").decode(),
    "signature_format": "C",
    "signAlgo": ECDSA,
}
AUTHORIZE = {
    "credentialID": "c",
    "numSignatures": 1,
    "hashes": [TEXT],
    "hashAlgorithmOID": SHA256,
}
STAMP = {"hash": TEXT, "hashAlgo": SHA256}
READERS: dict[str, Callable[[Fields], object]] = {
    "signHash": lambda fields: sign_hash.sign_hash(fields, V2),
    "signHash v1": lambda fields: sign_hash.sign_hash(fields, V1),
    "signDoc": sign_doc.sign_doc,
    "timestamp": timestamp.stamp,
    "signPolling": asynchronous.polled,
    "list": lambda fields: credentials.listing(fields, V2),
    "list v1": lambda fields: credentials.listing(fields, V1),
    "info": credentials.named,
    "authorize": lambda fields: authorizing.authorize(fields, V2),
    "authorize v1": lambda fields: authorizing.authorize(fields, V1),
    "extendTransaction": lambda fields: authorizing.extend(fields, V2),
}


def refused(method: str, body: dict[str, Any]) -> tuple[int, str, str]:
    with pytest.raises(CscError) as caught:
        READERS[method](Fields.of(body))
    fault = caught.value.fault
    return fault.status, fault.error, fault.description


def with_entry(**changes: object) -> dict[str, Any]:
    return {"credentialID": "c", "documentDigests": [{**ENTRY, **changes}]}


def with_document(**changes: object) -> dict[str, Any]:
    return {"credentialID": "c", "documents": [{**DOCUMENT, **changes}]}


MISSING = "Missing (or invalid type) {} parameter {}"


@pytest.mark.spec("CSC API v2 §11.10")
@pytest.mark.parametrize(
    ("changes", "description"),
    [
        ({"credentialID": None}, MISSING.format("string", "credentialID")),
        ({"credentialID": 7}, MISSING.format("string", "credentialID")),
        ({"credentialID": "c" * 5000}, "Invalid parameter credentialID"),
        ({"SAD": 7}, "Invalid parameter SAD"),
        ({"hashes": TEXT}, MISSING.format("array", "hashes")),
        ({"hashes": []}, "Empty hash array"),
        ({"hashes": [TEXT] * 501}, MISSING.format("array", "hashes")),
        ({"hashes": ["ü"]}, "Invalid Base64 hash string parameter"),
        ({"hashes": [TEXT.rstrip("=")]}, "Invalid Base64 hash string parameter"),
        ({"hashes": [TEXT[:-2] + "9="]}, "Invalid Base64 hash string parameter"),
        ({"hashes": ["YQ=="]}, "Invalid digest value length"),
        ({"signAlgo": None}, MISSING.format("string", "signAlgo")),
        ({"signAlgo": "1.2.840.113549.1.1.11"}, "Invalid parameter signAlgo"),
        ({"signAlgoParams": "MAA="}, "Invalid parameter signAlgoParams"),
        ({"hashAlgorithmOID": "1.3.14.3.2.26"}, "Invalid parameter hashAlgorithmOID"),
        ({"hashAlgorithmOID": SHA384}, "Invalid parameter hashAlgorithmOID"),
        ({"operationMode": "X"}, "Invalid parameter operationMode"),
        ({"operationMode": "A", "validity_period": "1"}, "Invalid parameter validity_period"),
        ({"operationMode": "A", "validity_period": 0}, "Out of bounds parameter validity_period"),
        (
            {"operationMode": "A", "validity_period": 3_600_001},
            "Out of bounds parameter validity_period",
        ),
        ({"operationMode": "A", "response_uri": "https://a"}, "Invalid parameter response_uri"),
    ],
)
def test_a_request_for_signatures_of_hashes_is_refused_by_the_table(
    changes: dict[str, Any], description: str
) -> None:
    assert refused("signHash", {**HASH, **changes}) == (400, "invalid_request", description)


def test_hashes_are_read_in_both_versions() -> None:
    asked = sign_hash.sign_hash(Fields.of({**HASH, "operationMode": "A"}), V2)
    assert (asked.digests, asked.keep, asked.sad) == ((DIGEST,), 3600, "s")
    older = {"credentialID": "c", "SAD": "s", "hash": [TEXT], "hashAlgo": SHA256, "signAlgo": ECDSA}
    assert sign_hash.sign_hash(Fields.of(older), V1).digests == (DIGEST,)
    assert refused("signHash v1", HASH)[2] == MISSING.format("array", "hash")


@pytest.mark.spec("CSC API v2 §11.11")
@pytest.mark.parametrize(
    ("body", "description"),
    [
        ({}, MISSING.format("string", "credentialID")),
        ({"credentialID": "c"}, "Empty documentDigests and documents objects"),
        (
            {"credentialID": "c", "documentDigests": [ENTRY], "documents": [DOCUMENT]},
            "Both documentDigests and documents parameters passed",
        ),
        (
            {"credentialID": "c", "documentDigests": ENTRY},
            "Invalid object parameter documentDigests",
        ),
        (
            {"credentialID": "c", "documentDigests": [7]},
            "Invalid object parameter documentDigests",
        ),
        ({"credentialID": "c", "documents": [7]}, "Invalid array parameter documents"),
        (with_entry(hashes=[]), "Invalid object parameter documentDigests"),
        (with_entry(hashes=["?"]), "Invalid Base64 hashes string parameter"),
        (with_entry(hashes=["YQ=="]), "Invalid digest value length"),
        (with_document(document="?"), "Invalid Base64 documents string parameter"),
        (with_document(document=None), "Invalid Base64 documents string parameter"),
        (with_entry(signAlgo=None), MISSING.format("string", "signAlgo")),
        (with_entry(signAlgo="1.2"), "Invalid parameter signAlgo"),
        (
            with_entry(hashAlgorithmOID=SHA384),
            "String parameter hashAlgorithmOID contradicts with signAlgo parameter",
        ),
        (with_entry(hashAlgorithmOID="1.2"), "Invalid parameter hashAlgorithmOID"),
        (with_entry(signature_format="Z"), "Invalid parameter signature_format"),
        (with_document(signature_format=None), MISSING.format("string", "signature_format")),
        (
            with_document(signature_format="P", signed_envelope_property="Attached"),
            "Invalid parameter signed_envelope_property",
        ),
        (with_entry(conformance_level="Ades-B-X"), "Invalid parameter conformance_level"),
        (
            with_entry(signature_format="J", conformance_level="Ades-B-LTA"),
            "Invalid parameter conformance_level",
        ),
        (
            with_entry(signed_envelope_property="Attached"),
            "Invalid parameter signed_envelope_property",
        ),
        (
            with_document(signed_envelope_property="Revision"),
            "Invalid parameter signed_envelope_property",
        ),
        (
            with_entry(signed_props=[{"attribute_name": "Reason"}, {"attribute_name": "<b>"}]),
            "Invalid parameter signed_props (Reason)",
        ),
        (
            with_entry(signed_props=[7, {"attribute_name": ["x"]}]),
            "Invalid parameter signed_props",
        ),
        ({**with_entry(), "returnValidationInfo": 1}, "Invalid parameter returnValidationInfo"),
    ],
)
def test_a_request_for_signatures_of_documents_is_refused_by_the_table(
    body: dict[str, Any], description: str
) -> None:
    assert refused("signDoc", body) == (400, "invalid_request", description)


@pytest.mark.parametrize(
    ("name", "level"),
    [
        (None, "B-B"),
        ("Ades-B-B", "B-B"),
        ("AdES-B-T", "B-T"),
        ("Ades-LT", "B-LT"),
        ("Ades-B-LTA", "B-LTA"),
        ("Ades-B", "B-B"),
    ],
)
def test_a_level_is_read_as_the_specification_writes_it(name: str | None, level: str) -> None:
    asked = sign_doc.sign_doc(Fields.of(with_entry(conformance_level=name)))
    assert [wanted.level for wanted in asked.wanted] == [level]


def test_an_envelope_is_that_of_the_format_where_nothing_is_said() -> None:
    by_digest = sign_doc.sign_doc(Fields.of(with_entry(signature_format="P", hashes=TEXT)))
    assert by_digest.wanted[0].envelope == "detached"
    given = sign_doc.sign_doc(Fields.of(with_document(signature_format="X")))
    assert given.wanted[0].envelope == "enveloped"
    assert given.wanted[0].digest == DIGEST
    assert given.wanted[0].is_within


@pytest.mark.spec("CSC API v2 §11.6")
@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"credentialID": None}, ("invalid_request", MISSING.format("string", "credentialID"))),
        ({"numSignatures": None}, ("invalid_request", MISSING.format("integer", "numSignatures"))),
        ({"numSignatures": True}, ("invalid_request", MISSING.format("integer", "numSignatures"))),
        ({"numSignatures": 0}, ("invalid_request", "Invalid value for parameter numSignatures")),
        ({"numSignatures": 501}, ("invalid_request", "Numbers of signatures is too high")),
        (
            {"authData": [{"id": "PIN", "value": "1"}]},
            ("invalid_authentication_data", "The authentication data is invalid"),
        ),
        ({"hashes": None}, ("invalid_request", MISSING.format("array", "hashes"))),
        ({"hashAlgorithmOID": "1"}, ("invalid_request", "Invalid parameter hashAlgorithmOID")),
    ],
)
def test_a_request_for_a_sad_is_refused_by_the_table(
    changes: dict[str, Any], refusal: tuple[str, str]
) -> None:
    assert refused("authorize", {**AUTHORIZE, **changes}) == (400, *refusal)


def test_a_pin_is_never_right_in_the_older_version() -> None:
    older = {"credentialID": "c", "numSignatures": "1", "hash": [TEXT]}
    assert authorizing.authorize(Fields.of(older), V1).digests == (DIGEST,)
    assert refused("authorize v1", {**older, "PIN": "1234"})[1] == "invalid_authentication_data"


@pytest.mark.spec("CSC API v2 §11.13")
@pytest.mark.parametrize(
    ("changes", "description"),
    [
        ({"hash": None}, MISSING.format("string", "hash")),
        ({"hash": ""}, "Empty hash parameter"),
        ({"hash": "YQ=="}, "Invalid digest value length"),
        ({"hash": "?"}, "Invalid Base64 hash string parameter"),
        ({"hashAlgo": "1.3.14.3.2.26"}, "Invalid parameter hashAlgo"),
        ({"nonce": "xyz"}, "Invalid parameter nonce"),
        ({"nonce": 7}, "Invalid parameter nonce"),
    ],
)
def test_a_request_for_a_stamp_is_refused_by_the_table(
    changes: dict[str, Any], description: str
) -> None:
    assert refused("timestamp", {**STAMP, **changes}) == (400, "invalid_request", description)


@pytest.mark.spec("RFC 3161 §2.4.1")
def test_a_stamp_is_asked_for_with_its_nonce() -> None:
    asked = timestamp.stamp(Fields.of({**STAMP, "nonce": "0x80"}))
    version, imprint, nonce, certificates = read(asked.request()).children()
    assert (version.content, nonce.content, certificates.content) == (b"\1", b"\0\x80", b"\xff")
    assert imprint.children()[1].content == DIGEST
    assert len(read(timestamp.stamp(Fields.of(STAMP)).request()).children()) == 3


@pytest.mark.parametrize(
    ("method", "body", "description"),
    [
        ("list", {"userID": "somebody"}, "userID parameter MUST be null"),
        ("list", {"certificates": "all"}, "Invalid parameter certificates"),
        ("list", {"onlyValid": "yes"}, "Invalid parameter onlyValid"),
        ("list v1", {"pageToken": "x"}, "Invalid parameter pageToken"),
        ("info", {}, MISSING.format("string", "credentialID")),
        ("info", {"credentialID": "c", "certificates": 1}, "Invalid parameter certificates"),
        ("signPolling", {}, MISSING.format("string", "requestID")),
        ("signPolling", {"requestID": "r", "userID": "u"}, "userID parameter SHALL be null"),
        ("signPolling", {"requestID": "r", "clientData": 1}, "Invalid parameter clientData"),
    ],
)
def test_what_is_asked_about_credentials_and_answers_is_refused_by_the_table(
    method: str, body: dict[str, Any], description: str
) -> None:
    assert refused(method, body) == (400, "invalid_request", description)


def test_an_approval_covers_its_list_and_no_other() -> None:
    digests = [DIGEST, hashlib.sha256(b"another").digest()]
    hashed = base64.urlsafe_b64encode(list_hash(HashAlgorithm.SHA256, digests)).decode()
    detail = {
        "type": approval.CREDENTIAL,
        "numSignatures": 2,
        "hashAlgorithmOID": SHA256,
        "digests": hashed.rstrip("="),
        "activation": "a.b.c",
    }
    found = approval.approved([detail])
    assert found is not None
    assert found.covers(HashAlgorithm.SHA256, digests)
    assert not found.covers(HashAlgorithm.SHA256, digests[::-1])
    assert not found.covers(HashAlgorithm.SHA256, digests[:1])
    assert not found.covers(HashAlgorithm.SHA384, digests)
    assert approval.approved([detail, detail]) is None
    assert approval.approved([{**detail, "activation": None}]) is None
    assert approval.approved([{**detail, "digests": None}]) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
NAMES = st.sampled_from(
    [
        *HASH,
        *ENTRY,
        *DOCUMENT,
        *AUTHORIZE,
        *STAMP,
        *("documents", "documentDigests", "operationMode", "validity_period", "nonce", "userID"),
        *("requestID", "clientData", "certificates", "SAD", "hash", "authData", "signed_props"),
    ]
)


@given(
    method=st.sampled_from(sorted(READERS)),
    base=st.sampled_from([{}, HASH, AUTHORIZE, STAMP, with_entry(), with_document()]),
    changes=st.dictionaries(NAMES, JSON, max_size=5),
)
def test_whatever_is_sent_is_read_or_refused(
    method: str, base: dict[str, Any], changes: dict[str, Any]
) -> None:
    try:
        READERS[method](Fields.of({**base, **changes}))
    except CscError as refusal:
        assert refusal.fault.status in {400, 403}


@given(st.lists(st.dictionaries(NAMES, JSON, max_size=5), max_size=3))
def test_whatever_details_say_is_an_approval_or_none(details: list[dict[str, Any]]) -> None:
    for detail in details:
        detail["type"] = approval.CREDENTIAL
    found = approval.approved(details)
    assert found is None or not found.covers(HashAlgorithm.SHA256, [DIGEST])
