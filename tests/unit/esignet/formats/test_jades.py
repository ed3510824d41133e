"""JAdES and detached JWS are accepted by other engines, and changed ones are refused by name."""

import hashlib
import json
import subprocess
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st
from jwcrypto import jwk
from jwcrypto import jws as jwcrypto_jws
from jwcrypto.common import JWSEHeaderParameter

from esignet.formats import jades, jws
from esignet.formats.format import Evidence, Format, FormatError, Found, Item, Level, Wish
from tests.format_signing import answered
from tests.small_pki import AT, Holder, SmallPki

pytestmark = pytest.mark.server

PKI = SmallPki()
INTEROP = Path(__file__).parents[3] / "interop"
CONTENT = json.dumps({"amount": 12, "näme": "§"}).encode()
ITEM = Item(
    name="the order.json",
    digest=hashlib.sha256(CONTENT).digest(),
    media_type="application/json",
    content=CONTENT,
)
BARE = replace(ITEM, content=None)
FORMATS: Mapping[str, Format] = {"jades": jades.FORMAT, "jws": jws.FORMAT}


def sign(*items: Item, name: str = "jades", holder: Holder = PKI.signer, alg: str = "") -> bytes:
    form = FORMATS[name]
    wish = Wish(commitment="1.2.840.113549.1.9.16.6.1" if name == "jades" else "")
    prepared = form.prepare(items, wish)
    return form.embed(prepared, answered(prepared, holder, alg=alg))


def raised(signature: bytes, level: Level, *items: Item) -> bytes:
    form = jades.FORMAT
    if level is Level.B_B:
        return signature
    stamp = Evidence(timestamp=PKI.token(form.to_stamp(signature)))
    signature = form.augment(signature, Level.B_T, stamp)
    if level is Level.B_T:
        return signature
    signature = form.augment(signature, Level.B_LT, PKI.material(PKI.signer))
    if level is Level.B_LT:
        return signature
    stamp = Evidence(timestamp=PKI.token(form.to_archive(signature, items)))
    return form.augment(signature, Level.B_LTA, stamp)


def only(signature: bytes, *items: Item, name: str = "jades") -> Found:
    (found,) = FORMATS[name].check(signature, items)
    return found


def names(found: Found) -> set[str]:
    return {name for name, _ in found.problems}


def compact(signature: bytes) -> str:
    """The protected header and signature of any serialisation."""
    if not signature.startswith(b"{"):
        return signature.decode()
    members = json.loads(signature)
    return f"{members['protected']}..{members['signature']}"


def jose_says(signature: bytes, payload: bytes, holder: Holder = PKI.signer) -> str:
    pem = holder.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    asked = {
        "jws": compact(signature),
        "payload": urlsafe_b64encode(payload).decode(),
        "key": pem.decode(),
    }
    run = subprocess.run(
        ["node", str(INTEROP / "jws_verify.mjs")],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        check=True,
    )
    return run.stdout.strip()


def jwcrypto_accepts(signature: bytes, payload: bytes, holder: Holder = PKI.signer) -> bool:
    pem = holder.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    known = {
        name: JWSEHeaderParameter(name, True, True, lambda _: True)
        for name in ("sigD", "srCms", "iat")
    }
    message = jwcrypto_jws.JWS(header_registry=known)
    try:
        message.deserialize(compact(signature))
        message.verify(jwk.JWK.from_pem(pem), detached_payload=payload)
    except jwcrypto_jws.InvalidJWSSignature:
        return False
    return True


@pytest.mark.parametrize("level", list(Level))
@pytest.mark.spec("ETSI TS 119 182-1 §6")
@pytest.mark.server
def test_every_level_of_jades_keeps_a_core_that_others_accept(level: Level) -> None:
    signature = raised(sign(ITEM), level, ITEM)
    assert jose_says(signature, b"") == "true"
    assert jwcrypto_accepts(signature, b"")
    assert jose_says(signature, b"x") != "true"
    found = only(signature, ITEM)
    assert (found.level, found.problems, found.claimed_at) == (level, (), AT)
    assert (found.certificate, found.covers) == (PKI.signer.der, (ITEM.name,))


@pytest.mark.spec("RFC 7797 §4")
@pytest.mark.server
def test_a_detached_jws_is_accepted_by_others() -> None:
    signature = sign(ITEM, name="jws")
    assert jose_says(signature, CONTENT) == "true"
    assert jwcrypto_accepts(signature, CONTENT)
    assert jose_says(signature, CONTENT + b" ") == "ERR_JWS_SIGNATURE_VERIFICATION_FAILED"
    found = only(signature, ITEM, name="jws")
    assert (found.level, found.problems, found.claimed_at) == (Level.B_B, (), AT)
    assert only(signature, ITEM).problems == (), "it is a JAdES signature too, at B-B"
    assert names(only(signature, replace(ITEM, content=b"x"), name="jws")) == {"SIG_CRYPTO_FAILURE"}
    assert names(only(signature, BARE, name="jws")) == {"SIGNED_DATA_NOT_FOUND"}


@pytest.mark.server
def test_rsa_is_accepted_and_a_short_key_is_not() -> None:
    key = rsa.generate_private_key(65537, 2048)
    holder = PKI.holder("RSA", key)
    signature = sign(ITEM, holder=holder)
    assert jose_says(signature, b"", holder) == "true"
    assert not only(signature, ITEM).problems
    short = PKI.holder("Short", rsa.generate_private_key(65537, 1024))
    assert names(only(sign(ITEM, holder=short), ITEM)) == {"SIG_CRYPTO_FAILURE"}


def test_five_hundred_files_are_signed_by_their_digests_alone() -> None:
    files = [
        Item(name=f"folder/{n}.txt", digest=hashlib.sha256(str(n).encode()).digest())
        for n in range(500)
    ]
    signature = raised(sign(*files), Level.B_LT)
    found = only(signature, *reversed(files))
    assert (found.problems, len(found.covers), found.level) == ((), 500, Level.B_LT)
    files[250] = replace(files[250], digest=bytes(32))
    assert names(only(signature, *files)) == {"HASH_FAILURE"}


def test_an_archive_needs_the_documents_themselves() -> None:
    signature = raised(sign(ITEM), Level.B_LT)
    with pytest.raises(FormatError, match="documents themselves"):
        jades.FORMAT.to_archive(signature, [BARE])
    archived = raised(sign(ITEM), Level.B_LTA, ITEM)
    assert only(archived, BARE).level is Level.B_LT
    token = PKI.token(jades.FORMAT.to_archive(archived, [ITEM]))
    more = replace(PKI.material(PKI.holder("Later")), timestamp=token)
    renewed = only(jades.FORMAT.augment(archived, Level.B_LTA, more), ITEM)
    assert (len(renewed.archive), renewed.problems) == (2, ())
    assert set(more.ocsp) <= set(renewed.evidence.ocsp)


def with_header(change: Mapping[str, Any], *, remove: tuple[str, ...] = ()) -> bytes:
    """A signature by the signer's own key whose protected header was made otherwise."""
    header = read_header(sign(ITEM)) | change
    for name in remove:
        del header[name]
    return with_text(json.dumps(header))


def with_text(text: str) -> bytes:
    protected = urlsafe_b64encode(text.encode()).rstrip(b"=")
    value = urlsafe_b64encode(PKI.signer.sign(protected + b".")).rstrip(b"=")
    return protected + b".." + value


def read_header(signature: bytes) -> dict[str, Any]:
    protected = signature.split(b".")[0]
    return json.loads(urlsafe_b64decode(protected + b"=="))  # type: ignore[no-any-return]


HEADER = read_header(sign(ITEM))
SIG_D = HEADER["sigD"]
ATTACKS: dict[str, tuple[Mapping[str, Any], tuple[str, ...], str]] = {
    "none": ({"alg": "none"}, (), "CRYPTO_CONSTRAINTS_FAILURE"),
    "a code of a public key": ({"alg": "HS256"}, (), "CRYPTO_CONSTRAINTS_FAILURE"),
    "sha-1": ({"sigD": SIG_D | {"hashM": "S1"}}, (), "CRYPTO_CONSTRAINTS_FAILURE"),
    "another algorithm": ({"alg": "ES512"}, (), "SIG_CRYPTO_FAILURE"),
    "missing crit": ({}, ("crit",), "FORMAT_FAILURE"),
    "empty crit": ({"crit": []}, (), "FORMAT_FAILURE"),
    "crit without sigD": ({"crit": ["b64", "srCms"]}, (), "FORMAT_FAILURE"),
    "unknown crit": ({"crit": [*HEADER["crit"], "x"], "x": 1}, (), "FORMAT_FAILURE"),
    "crit of a registered name": ({"crit": [*HEADER["crit"], "alg"]}, (), "FORMAT_FAILURE"),
    "crit of what is not there": ({"crit": [*HEADER["crit"], "sigPl"]}, (), "FORMAT_FAILURE"),
    "crit that names twice": ({"crit": [*HEADER["crit"], "b64"]}, (), "FORMAT_FAILURE"),
    "crit that is no list": ({"crit": "b64"}, (), "FORMAT_FAILURE"),
    "both times": (
        {"sigT": "2026-06-01T12:00:00Z", "crit": [*HEADER["crit"], "sigT"]},
        (),
        "FORMAT_FAILURE",
    ),
    "a time that is no number": ({"iat": True}, (), "FORMAT_FAILURE"),
    "no time": ({}, ("iat",), "SIG_CONSTRAINTS_FAILURE"),
    "no certificate": ({}, ("x5c",), "NO_SIGNING_CERTIFICATE_FOUND"),
    "a certificate that is not named": ({}, ("x5t#S256",), "SIG_CONSTRAINTS_FAILURE"),
    "another certificate": ({"x5t#S256": "AAAA"}, (), "NO_SIGNING_CERTIFICATE_FOUND"),
    "a policy": (
        {"sigPId": {}, "crit": [*HEADER["crit"], "sigPId"]},
        (),
        "SIGNATURE_POLICY_NOT_AVAILABLE",
    ),
    "headers of a message": (
        {"sigD": {"mId": "http://uri.etsi.org/19182/HttpHeaders", "pars": ["digest"]}},
        (),
        "SIG_CONSTRAINTS_FAILURE",
    ),
    "one file twice": ({"sigD": SIG_D | {"pars": ["a", "a"]}}, (), "FORMAT_FAILURE"),
    "lists of two lengths": ({"sigD": SIG_D | {"ctys": []}}, (), "FORMAT_FAILURE"),
    "an unknown member": ({"sigD": SIG_D | {"x": 1}}, (), "FORMAT_FAILURE"),
    "digests of the encoded file": (
        {"crit": ["sigD", "srCms"]},
        ("b64",),
        "HASH_FAILURE",
    ),
}


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.spec("ETSI EN 319 102-1 §5.1.3")
def test_an_attack_is_refused_by_name(attack: str) -> None:
    change, remove, expected = ATTACKS[attack]
    assert expected in names(only(with_header(change, remove=remove), ITEM))


def test_what_was_changed_in_what_nobody_signed_is_told() -> None:
    members = json.loads(raised(sign(ITEM), Level.B_LTA, ITEM))
    elements = members["header"]["etsiU"]
    for changed in (
        elements[:1] + elements[2:],
        [elements[1], elements[0], *elements[2:]],
        [*elements[:3], PKI.token(b"x").hex()],
        [*elements, "eyJhIjoxLCJiIjoxfQ"],
        {"sigTst": 1},
    ):
        other = members | {"header": {"etsiU": changed}}
        assert names(only(json.dumps(other).encode(), ITEM)) & {
            "SIG_CONSTRAINTS_FAILURE",
            "FORMAT_FAILURE",
        }
    foreign = members | {"header": {"alg2": "x"}}
    assert "FORMAT_FAILURE" in names(only(json.dumps(foreign).encode(), ITEM))


def test_a_header_parameter_outside_cannot_replace_one_inside() -> None:
    protected, _, value = sign(ITEM).decode().split(".")
    members = {"protected": protected, "signature": value, "header": {"alg": "none"}}
    with pytest.raises(FormatError, match="both headers"):
        jades.FORMAT.check(json.dumps(members).encode(), [ITEM])


def test_a_name_that_stands_twice_is_refused() -> None:
    text = json.dumps(HEADER)[:-1] + ', "alg": "ES256"}'
    with pytest.raises(FormatError, match="twice"):
        jades.FORMAT.check(with_text(text), [ITEM])
    protected, _, value = sign(ITEM).decode().split(".")
    twice = f'{{"protected": "{protected}", "signature": "{value}", "signature": "{value}"}}'
    with pytest.raises(FormatError, match="twice"):
        jades.FORMAT.check(twice.encode(), [ITEM])


def test_several_signatures_in_one_file_are_each_judged() -> None:
    members = []
    for holder in (PKI.signer, PKI.holder("Other", ec.generate_private_key(ec.SECP384R1()))):
        protected, _, value = sign(ITEM, holder=holder).decode().split(".")
        members.append({"protected": protected, "signature": value})
    whole = json.dumps({"signatures": members}).encode()
    assert [found.problems for found in jades.FORMAT.check(whole, [ITEM])] == [(), ()]
    members[1]["signature"] = members[0]["signature"]
    whole = json.dumps({"signatures": members}).encode()
    right, wrong = jades.FORMAT.check(whole, [ITEM])
    assert not right.problems
    assert names(wrong) == {"SIG_CRYPTO_FAILURE"}


def test_what_cannot_be_met_is_refused() -> None:
    for form, items in (
        (jades.FORMAT, []),
        (jades.FORMAT, [ITEM, ITEM]),
        (jws.FORMAT, [BARE]),
        (jws.FORMAT, [ITEM, ITEM]),
    ):
        with pytest.raises(FormatError):
            form.prepare(items, Wish())  # type: ignore[attr-defined]
    with pytest.raises(FormatError):
        jws.FORMAT.prepare([replace(ITEM, content=b"x")], Wish())
    large = b"x" * (jws.LARGEST + 1)
    with pytest.raises(FormatError, match="too large"):
        digest = hashlib.sha256(large).digest()
        jws.FORMAT.prepare([replace(ITEM, content=large, digest=digest)], Wish())
    for level in Level:
        with pytest.raises(FormatError):
            jws.FORMAT.augment(sign(ITEM, name="jws"), level, PKI.material(PKI.signer))
    for level in (Level.B_B, Level.B_LT, Level.B_LTA):
        with pytest.raises(FormatError):
            jades.FORMAT.augment(sign(ITEM), level, PKI.material(PKI.signer))
    with pytest.raises(FormatError, match="something else"):
        jades.FORMAT.augment(sign(ITEM), Level.B_T, Evidence(timestamp=PKI.token(b"x")))


SIGNED = raised(sign(ITEM), Level.B_T)


@given(st.integers(0, len(SIGNED) - 1), st.integers(1, 255))
@settings(max_examples=300, deadline=None)
def test_a_flipped_bit_is_refused_or_told(place: int, change: int) -> None:
    octets = bytearray(SIGNED)
    octets[place] ^= change
    try:
        (found,) = jades.FORMAT.check(bytes(octets), [ITEM])
    except FormatError:
        return
    assert found.problems or (found.certificate, found.claimed_at) == (PKI.signer.der, AT)


@given(st.binary(max_size=100) | st.text(max_size=100).map(lambda text: text.encode()))
def test_anything_else_is_refused_with_its_type(octets: bytes) -> None:
    for judged in (octets, b'{"protected":"' + octets, b"e30." + octets + b"."):
        for form in FORMATS.values():
            with pytest.raises(FormatError):
                form.to_stamp(judged)
            with suppress(FormatError):
                assert all(found.problems for found in form.check(judged, [ITEM]))
