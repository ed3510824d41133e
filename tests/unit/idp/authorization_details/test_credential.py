"""Lists of documents to be signed: strictly read, and one digest is written in one way only."""

import json
from base64 import b64encode, urlsafe_b64encode
from hashlib import sha256, sha384, sha512
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from config.settings import Features, Issuer
from config.wiring.details import detail_types
from idp.authorization_details.credential import approved, documents
from idp.protocol.details import LONGEST, parse
from idp.protocol.errors import InvalidAuthorizationDetails
from idp.protocol.signing import CREDENTIAL, CREDENTIAL_V2, LONGEST_PUSHED, check_asked
from keystore.signing.digests import HashAlgorithm, list_hash
from tests.unit.idp.authorization_details.test_details import RECORDS

SERVICE = "https://sign.example"
FEATURES = Features(signing_service=SERVICE)
TYPES = detail_types(Issuer(address="https://id.example", features=FEATURES))
CONTENT = b"The lease"
DIGEST = sha256(CONTENT).digest()
SHA256 = HashAlgorithm.SHA256


def document(**changes: object) -> dict[str, Any]:
    return {"hash": b64encode(DIGEST).decode(), "label": "Lease", "hashType": "sodr"} | changes


def wish(*listed: object, **changes: object) -> dict[str, Any]:
    found = listed or (document(),)
    usual = {"type": CREDENTIAL, "documentDigests": list(found), "hashAlgorithmOID": SHA256.oid}
    return usual | changes


def read(*details: object, longest: int = LONGEST) -> tuple[dict[str, Any], ...]:
    return parse(json.dumps(list(details)), TYPES, tuple(TYPES), longest)


def test_without_a_signing_service_the_types_are_unknown() -> None:
    types = detail_types(Issuer(address="https://id.example"))
    with pytest.raises(InvalidAuthorizationDetails):
        parse(json.dumps([wish()]), types, (CREDENTIAL,))


@pytest.mark.parametrize("name", [CREDENTIAL, CREDENTIAL_V2])
@pytest.mark.parametrize(
    ("algorithm", "digest"),
    [
        (HashAlgorithm.SHA256, sha256(CONTENT).digest()),
        (HashAlgorithm.SHA384, sha384(CONTENT).digest()),
        (HashAlgorithm.SHA512, sha512(CONTENT).digest()),
    ],
)
def test_what_is_approved_is_the_hash_of_the_list_and_no_name_of_a_document(
    name: str, algorithm: HashAlgorithm, digest: bytes
) -> None:
    one = document(hash=urlsafe_b64encode(digest).decode())
    [detail] = read(wish(one, one, type=name, hashAlgorithmOID=algorithm.oid))
    given_ = approved(detail, "t", b"p" * 32)
    assert given_.digests == list_hash(algorithm, [digest, digest]) and given_.count == 2
    told = given_.told("a.b.c")
    assert told["type"] == name and "Lease" not in json.dumps(told)


@given(st.binary(min_size=32, max_size=32))
def test_every_usual_way_to_write_a_digest_is_the_same_digest(digest: bytes) -> None:
    padded, safe = b64encode(digest).decode(), urlsafe_b64encode(digest).decode()
    for text in (padded, safe, padded.rstrip("="), safe.rstrip("=")):
        [detail] = read(wish(document(hash=text)))
        assert documents(detail)[0].digest == digest


@pytest.mark.parametrize(
    "text",
    [
        "",
        "A" * 42,
        "A" * 43 + "==",
        "A" * 42 + "B",  # bits beyond the octets
        "+" * 20 + "-" * 22 + "A",  # two alphabets
        "A" * 43 + "=\n",
        " " + "A" * 43,
        b64encode(sha512(b"").digest()).decode(),
        DIGEST.hex(),
        None,
        7,
        ["A" * 43],
    ],
)
def test_another_way_is_refused(text: object) -> None:
    with pytest.raises(InvalidAuthorizationDetails):
        read(wish(document(hash=text)))


@pytest.mark.attack("A10")
@pytest.mark.parametrize(
    "label",
    [
        "Lease\u202etxt.fdp",
        "Lease\u3164",
        "Lea\u115fse",
        "Lease\uffa0",
        "\u2800",
        "Lease\ufe0f",
        "Lease\U000e0101",
        "Lease\u034f",
        "Lease\u00a0",
        "Lease  of the house",
        " Lease",
        "Lease\nDigest: 00",
        "\u0301Lease",
        "Le" + "\u0301" * 5 + "ase",
        "x" * 141,
        "",
    ],
    ids=ascii,
)
def test_a_name_that_would_look_like_another_is_refused(label: str) -> None:
    with pytest.raises(InvalidAuthorizationDetails):
        read(wish(document(label=label)))


@pytest.mark.parametrize(
    "label", ["عقد الإيجار.pdf", "किराया अनुबंध", "Mkataba (2).pdf", "Vertra\u0308ge", "ﷺ", "📄 1"]
)
def test_names_of_every_language_are_taken(label: str) -> None:
    assert read(wish(document(label=label)))


def test_a_checksum_says_the_digest_of_the_file_where_something_else_is_signed() -> None:
    other = b64encode(sha384(CONTENT).digest()).decode()
    [detail] = read(wish(document(hashType="sdr", checksum=f"sha384-{other}")))
    assert documents(detail)[0].file_digest == (HashAlgorithm.SHA384, sha384(CONTENT).digest())
    [detail] = read(wish(document(hashType="sdr")))
    assert documents(detail)[0].file_digest is None
    [detail] = read(wish(document()))
    assert documents(detail)[0].file_digest == (SHA256, DIGEST)
    with pytest.raises(InvalidAuthorizationDetails):
        read(wish(document(checksum="sha256-" + b64encode(bytes(32)).decode())))


@pytest.mark.parametrize(
    "changes",
    [
        {"href": "http://docs.example/a.pdf"},
        {"href": "javascript:alert(1)"},
        {"href": "https://docs.example@evil.example/"},
        {"href": 'https://docs.example/"onclick='},
        {"href": "https://docs.example:0/"},
        {"href": "https://docs.example/" + "a" * 3000},
        {"access": {"type": "OTP", "oneTimePassword": "1"}},
        {"hashType": "text"},
        {"pages": True},
        {"pages": 10**9},
        {"hidden": "member"},
    ],
)
def test_a_document_that_cannot_be_shown_as_it_is_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(InvalidAuthorizationDetails):
        read(wish(document(**changes)))


def test_only_a_list_of_documents_alone_may_be_long_and_only_pushed() -> None:
    many = [document(label=f"Document {number}") for number in range(500)]
    assert read(wish(*many), longest=LONGEST_PUSHED)
    for details, longest in (((wish(*many),), LONGEST), ((wish(*many), RECORDS), LONGEST_PUSHED)):
        with pytest.raises(InvalidAuthorizationDetails, match="characters at most"):
            read(*details, longest=longest)
    with pytest.raises(InvalidAuthorizationDetails, match="characters at most"):
        read(wish(*[document(label="x" * 140)] * 500, pad="x" * 20_000), longest=LONGEST_PUSHED)


def test_one_approval_is_for_one_list_at_this_service_and_for_a_code() -> None:
    check_asked([wish(), RECORDS], FEATURES, coded=True)
    check_asked([wish(locations=[SERVICE])], FEATURES, coded=True)
    for details, coded in (
        ([wish(), wish()], True),
        ([wish(locations=["https://other.example"])], True),
        ([wish()], False),
    ):
        with pytest.raises(InvalidAuthorizationDetails):
            check_asked(details, FEATURES, coded=coded)


def test_kinds_and_keys_are_refused_unless_they_are_offered() -> None:
    named = wish(credentialID="c-1")
    hashed = wish(document(hashType="dtbsr"), credentialID="c-1")
    qualified = wish(signatureQualifier="ut_national_aes")
    stores = structs.replace(FEATURES, signing_stored_keys=True)
    hashes = structs.replace(stores, signing_hashes=True)
    offers = structs.replace(FEATURES, signing_qualifiers=("ut_national_aes",))
    for detail, features, allowed in (
        (named, FEATURES, False),
        (named, stores, True),
        (hashed, stores, False),
        (hashed, hashes, True),
        (wish(document(hashType="dtbsr")), FEATURES, True),  # a builder writes around it
        (qualified, FEATURES, False),
        (qualified, offers, True),
        (wish(signatureQualifier="eu_eidas_qes"), offers, False),
    ):
        [read_back] = read(detail)
        if allowed:
            check_asked([read_back], features, coded=True)
        else:
            with pytest.raises(InvalidAuthorizationDetails):
                check_asked([read_back], features, coded=True)


def test_a_hash_says_nothing_of_its_own() -> None:
    approves = "1.2.840.113549.1.9.16.6.5"
    assert read(wish(commitment=approves))
    with pytest.raises(InvalidAuthorizationDetails, match="who made it"):
        read(wish(document(hashType="dtbsr"), credentialID="c-1", commitment=approves))
    with pytest.raises(InvalidAuthorizationDetails, match="all digests, or for none"):
        read(wish(document(), document(hashType="dtbsr"), credentialID="c-1"))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
members = st.sampled_from(
    [*wish(), "credentialID", "signatureQualifier", "numSignatures", "commitment", "x"]
)
of_documents = st.sampled_from([*document(), "href", "checksum", "access", "pages", "x"])


@pytest.mark.long
@given(st.dictionaries(members, json_values), st.dictionaries(of_documents, json_values))
def test_whatever_comes_is_read_whole_or_refused(
    changes: dict[str, Any], of_document: dict[str, Any]
) -> None:
    try:
        [detail] = read(wish(document(**of_document), **changes))
    except InvalidAuthorizationDetails:
        return
    if detail["type"] == CREDENTIAL:
        assert all(one.label.isprintable() for one in documents(detail))
        assert approved(detail, "t", bytes(32)).count == len(detail["documentDigests"])
