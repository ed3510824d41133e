"""COSE_Sign1 is accepted by other engines, and changed ones are refused by name."""

import hashlib
import json
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cbor2
import cwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from esignet.formats import cbor_reading
from esignet.formats.cose import FORMAT
from esignet.formats.format import Evidence, FormatError, Found, Item, Level, Wish
from keystore.signing.digests import HashAlgorithm
from keystore.signing.structures.cose import build, to_be_signed
from keystore.signing.structures.structure import BadPlan, Ground
from tests.format_signing import signed
from tests.small_pki import AT, SmallPki

pytestmark = pytest.mark.server

PKI = SmallPki()
INTEROP = Path(__file__).parents[3] / "interop"
CONTENT = b"A contract.\n" * 10
ITEM = Item(
    name="contract.txt",
    digest=hashlib.sha256(CONTENT).digest(),
    media_type="text/plain",
    content=CONTENT,
)
BARE = replace(ITEM, content=None)
GROUND = Ground(
    hash_algorithm=HashAlgorithm.SHA256,
    digests=(ITEM.digest,),
    certificate=PKI.signer.der,
    chain=PKI.signer.chain[:-1],
    alg="ES256",
    now=AT,
)


def sign(item: Item = ITEM, envelope: str = "detached") -> bytes:
    return signed(FORMAT, [item], Wish(envelope=envelope), PKI.signer)


def only(signature: bytes, *items: Item) -> Found:
    (found,) = FORMAT.check(signature, items)
    return found


def names(found: Found) -> set[str]:
    return {name for name, _ in found.problems}


def cwt_accepts(signature: bytes, payload: bytes | None) -> bytes | None:
    pem = PKI.signer.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    key = cwt.COSEKey.from_pem(pem, alg="ES256")
    try:
        return cwt.COSE.new().decode(signature, key, detached_payload=payload)  # type: ignore[no-any-return]
    except cwt.VerifyError:
        return None


def with_payload(signature: bytes, payload: bytes) -> bytes:
    """The signature with its payload in it: what is signed is the same."""
    protected, unprotected, _, value = cbor2.loads(signature).value
    return cbor2.dumps(cbor2.CBORTag(18, [protected, unprotected, payload, value]))


def cose_js_says(signature: bytes) -> str:
    assert isinstance(PKI.signer.key, ec.EllipticCurvePrivateKey)
    numbers = PKI.signer.key.public_key().public_numbers()
    asked = {"cose": signature.hex(), "x": f"{numbers.x:064x}", "y": f"{numbers.y:064x}"}
    run = subprocess.run(
        ["node", str(INTEROP / "cose_verify.mjs")],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        check=True,
    )
    return run.stdout.strip()


@pytest.mark.parametrize("level", [Level.B_B, Level.B_T])
@pytest.mark.parametrize("envelope", ["detached", "attached", "hashed"])
@pytest.mark.spec("RFC 9052 §4.4")
@pytest.mark.server
def test_others_accept_every_envelope(envelope: str, level: Level) -> None:
    signature = sign(ITEM if envelope != "hashed" else BARE, envelope)
    if level is Level.B_T:
        stamp = Evidence(timestamp=PKI.token(FORMAT.to_stamp(signature)))
        signature = FORMAT.augment(signature, level, stamp)
    payload = ITEM.digest if envelope == "hashed" else CONTENT
    assert cwt_accepts(signature, CONTENT if envelope == "detached" else None) == payload
    if envelope == "detached":
        assert cwt_accepts(signature, CONTENT + b"!") is None
    whole = with_payload(signature, payload)
    assert cose_js_says(whole) == payload.hex()
    assert "refused" in cose_js_says(whole.replace(payload, payload[:-1] + b"!"))
    found = only(signature, ITEM)
    assert (found.level, found.problems, found.claimed_at) == (level, (), AT)
    assert (found.certificate, found.covers) == (PKI.signer.der, (ITEM.name,))
    assert only(signature, BARE).problems == () or envelope == "detached"


@pytest.mark.spec("RFC 8949 §4.2")
def test_what_is_written_is_deterministic() -> None:
    for envelope in ("detached", "attached", "hashed"):
        signature = sign(ITEM, envelope)
        assert cbor2.dumps(cbor2.loads(signature), canonical=True) == signature
        protected = cbor2.loads(signature).value[0]
        assert cbor2.dumps(cbor2.loads(protected), canonical=True) == protected


def test_content_that_is_another_is_told() -> None:
    other = replace(ITEM, content=b"x", digest=hashlib.sha256(b"x").digest())
    assert names(only(sign(), other)) == {"SIG_CRYPTO_FAILURE"}
    for envelope in ("attached", "hashed"):
        assert names(only(sign(ITEM, envelope), other)) == {"HASH_FAILURE"}
        assert names(only(sign(ITEM, envelope), replace(other, content=None))) == {"HASH_FAILURE"}
    for envelope in ("detached", "hashed"):
        assert names(only(sign(ITEM, envelope))) == {"SIGNED_DATA_NOT_FOUND"}


def made(
    change: Callable[[dict[Any, Any]], object], unprotected: dict[Any, Any] | None = None
) -> bytes:
    """A signature by the signer's own key whose protected header was made otherwise."""
    header = cbor2.loads(cbor2.loads(sign()).value[0])
    change(header)
    protected = cbor2.dumps(header)
    value = PKI.signer.sign(to_be_signed(protected, CONTENT))
    return cbor2.dumps(cbor2.CBORTag(18, [protected, unprotected or {}, None, value]))


ATTACKS: dict[str, tuple[Callable[[], bytes], str]] = {
    "a code of a secret key": (
        lambda: made(lambda h: h.update({1: 5})),
        "CRYPTO_CONSTRAINTS_FAILURE",
    ),
    "sha-1": (lambda: made(lambda h: h.update({1: -65535})), "CRYPTO_CONSTRAINTS_FAILURE"),
    "no algorithm": (lambda: made(lambda h: h.pop(1)), "CRYPTO_CONSTRAINTS_FAILURE"),
    "another algorithm": (lambda: made(lambda h: h.update({1: -36})), "SIG_CRYPTO_FAILURE"),
    "algorithm unprotected": (lambda: made(lambda h: h.pop(1), {1: -7}), "FORMAT_FAILURE"),
    "certificate unprotected": (
        lambda: made(lambda h: h.pop(33), {33: PKI.signer.der}),
        "NO_SIGNING_CERTIFICATE_FOUND",
    ),
    "unknown crit": (lambda: made(lambda h: h.update({2: [99], 99: 1})), "FORMAT_FAILURE"),
    "crit of what is not there": (lambda: made(lambda h: h.update({2: [4]})), "FORMAT_FAILURE"),
    "empty crit": (lambda: made(lambda h: h.update({2: []})), "FORMAT_FAILURE"),
    "another certificate": (
        lambda: made(lambda h: h.update({34: [-16, bytes(32)]})),
        "NO_SIGNING_CERTIFICATE_FOUND",
    ),
    "a certificate named by sha-1": (
        lambda: made(lambda h: h.update({34: [-14, bytes(20)]})),
        "CRYPTO_CONSTRAINTS_FAILURE",
    ),
    "a time that is none": (lambda: made(lambda h: h.update({15: {6: "now"}})), "FORMAT_FAILURE"),
    "a hash envelope with a content type": (
        lambda: made(lambda h: h.update({258: -16})),
        "FORMAT_FAILURE",
    ),
    "a time-stamp of something else": (
        lambda: made(lambda h: None, {270: PKI.token(b"x")}),
        "SIG_CONSTRAINTS_FAILURE",
    ),
}


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.spec("ETSI EN 319 102-1 §5.1.3")
def test_an_attack_is_refused_by_name(attack: str) -> None:
    attacked, expected = ATTACKS[attack]
    assert expected in names(only(attacked(), ITEM))


@pytest.mark.parametrize(
    "octets",
    [
        "a2 01 26 01 26",  # one key twice
        "18 01",  # a number that is not in the fewest octets
        "5f 41 00 ff",  # a text in pieces
        "f9 3c 00",  # a fraction
        "a1 f5 00",  # a key that is no label
        "00 00",  # octets after the end
        "9a ff ff ff ff",  # more members than octets
        "81" * 20 + "00",
        "61 ff",  # not UTF-8
        "",
    ],
)
@pytest.mark.spec("RFC 8949 §5")
def test_cbor_that_readers_read_differently_is_refused(octets: str) -> None:
    with pytest.raises(FormatError):
        cbor_reading.read(bytes.fromhex(octets))


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**64), 2**64 - 1) | st.binary() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.integers(0, 99) | st.text(), inner)
    ),
    max_leaves=10,
)


@given(VALUES)
def test_what_cbor2_writes_is_read_as_it_was(value: Any) -> None:
    try:
        assert cbor_reading.read(cbor2.dumps(value)) == value
    except FormatError as fault:
        assert "deeply" in str(fault)


@given(st.binary(max_size=100))
def test_anything_else_is_refused_with_its_type(octets: bytes) -> None:
    with pytest.raises(FormatError):
        FORMAT.check(b"\x84" + octets, [ITEM])
    with pytest.raises(FormatError):
        FORMAT.to_stamp(octets)


SIGNED = sign(ITEM, "attached")


@given(st.integers(0, len(SIGNED) - 1), st.integers(1, 255))
@settings(max_examples=300, deadline=None)
def test_a_flipped_bit_is_refused_or_told(place: int, change: int) -> None:
    octets = bytearray(SIGNED)
    octets[place] ^= change
    try:
        assert only(bytes(octets), ITEM).problems
    except FormatError:
        return


def test_what_cannot_be_met_is_refused() -> None:
    for items, wish in (
        ([], Wish()),
        ([BARE], Wish()),
        ([BARE], Wish(envelope="attached")),
        ([ITEM], Wish(envelope="wrapped")),
        ([replace(ITEM, content=b"x")], Wish()),
    ):
        with pytest.raises(FormatError):
            FORMAT.prepare(items, wish)
    for level in (Level.B_B, Level.B_LT, Level.B_LTA):
        with pytest.raises(FormatError):
            FORMAT.augment(sign(), level, Evidence())
    signature = sign()
    stamp = Evidence(timestamp=PKI.token(FORMAT.to_stamp(signature)))
    with pytest.raises(FormatError, match="already"):
        FORMAT.to_stamp(FORMAT.augment(signature, Level.B_T, stamp))


def test_the_key_service_signs_no_content_that_was_not_approved() -> None:
    prepared = FORMAT.prepare([ITEM], Wish())
    with pytest.raises(BadPlan):
        build(prepared.plan, replace(GROUND, digests=(bytes(32),)))  # type: ignore[arg-type]
