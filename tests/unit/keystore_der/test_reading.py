"""The readers of messages and time-stamps: nothing from outside makes them fail untyped."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keystore.checking.signature import BadSignature, ecdsa_raw, verify
from keystore.checking.timestamp import BadTimestamp, check, read_token
from keystore.der import writer
from keystore.der.cms_reading import read_message, read_time
from keystore.der.reader import DEEPEST, NotDer, integer, oid, read
from tests.small_pki import SmallPki

PKI = SmallPki()
TOKEN = PKI.token(b"covered")


@pytest.mark.parametrize(
    "octets",
    [
        "",
        "30",
        "3080020100 0000",  # indefinite
        "308101ff",  # a length not in the fewest octets
        "30820001ff",
        "3003020101ff",  # octets after the end
        "30040201",  # over the end
        "1f8101 00",  # a tag of several octets
        "3085000000000100",
    ],
)
@pytest.mark.spec("X.690 §10.1")
def test_what_der_does_not_allow_is_refused(octets: str) -> None:
    with pytest.raises(NotDer):
        value = read(bytes.fromhex(octets))
        value.children()


def test_values_too_deep_in_one_another_are_refused() -> None:
    octets = b""
    for _ in range(DEEPEST + 2):
        octets = writer.sequence(octets)
    value = read(octets)
    with pytest.raises(NotDer, match="deep"):
        for _ in range(DEEPEST + 2):
            (value,) = value.children()


@given(st.integers(-(2**70), 2**70))
def test_integers_are_read_as_they_were_written(number: int) -> None:
    assert integer(read(writer.integer(number))) == number


@pytest.mark.parametrize("octets", ["0200", "02020001", "0202ffff", "0202ff80"])
def test_a_padded_integer_is_refused(octets: str) -> None:
    with pytest.raises(NotDer):
        integer(read(bytes.fromhex(octets)))


@given(st.lists(st.integers(0, 2**40), min_size=1, max_size=10), st.integers(0, 39))
def test_identifiers_are_read_as_they_were_written(arcs: list[int], second: int) -> None:
    dotted = ".".join(map(str, (1, second, *arcs)))
    assert oid(read(writer.oid.__wrapped__(dotted))) == dotted


@pytest.mark.parametrize("octets", ["0600", "060180", "06022a80", "0603 2a8001"])
def test_a_malformed_identifier_is_refused(octets: str) -> None:
    with pytest.raises(NotDer):
        oid(read(bytes.fromhex(octets)))


@pytest.mark.parametrize(
    ("tag", "text", "seconds"),
    [(0x17, "260601120000Z", 1780315200), (0x18, "20260601120000Z", 1780315200)],
)
def test_times_are_read(tag: int, text: str, seconds: int) -> None:
    assert read_time(read(writer.tlv(tag, text.encode()))) == seconds


@pytest.mark.parametrize("text", ["2606011200Z", "261301120000Z", "260601120000+0100", "é", ""])
def test_other_times_are_refused(text: str) -> None:
    with pytest.raises(NotDer):
        read_time(read(writer.tlv(0x17, text.encode())))


def test_a_token_says_what_it_is_over() -> None:
    said = check(TOKEN, b"covered")
    assert (said.certificate, said.policy) == (PKI.stamper.der, "1.3.6.1.4.1.59999.1")
    with pytest.raises(BadTimestamp, match="something else"):
        check(TOKEN, b"another")


@pytest.mark.spec("RFC 3161 §2.3")
def test_a_token_of_a_certificate_for_anything_else_is_refused() -> None:
    message = read_message(TOKEN)
    assert message.signers[0].alg == "ES256"
    with pytest.raises(BadTimestamp, match="no time-stamp"):
        read_token(_without_type(TOKEN))


def _without_type(token: bytes) -> bytes:
    """The token with content of another type, which its signature does not cover either."""
    stamp, other = writer.oid("1.2.840.113549.1.9.16.1.4"), writer.oid("1.2.840.113549.1.9.16.1.5")
    return token.replace(stamp, other)


@given(st.integers(0, len(TOKEN) - 1), st.integers(1, 255))
@settings(max_examples=400, deadline=None)
def test_a_flipped_bit_in_a_token_is_refused_or_changes_nothing_it_says(
    place: int, change: int
) -> None:
    octets = bytearray(TOKEN)
    octets[place] ^= change
    try:
        said = read_token(bytes(octets))
    except BadTimestamp:
        return
    original = read_token(TOKEN)
    assert (said.at, said.imprint, said.serial) == (original.at, original.imprint, original.serial)


@given(st.binary(max_size=400))
def test_anything_else_is_refused_with_its_type(octets: bytes) -> None:
    with pytest.raises(NotDer):
        read_message(octets)
    with pytest.raises(BadTimestamp):
        read_token(octets)
    with pytest.raises(BadSignature):
        verify(octets, "ES256", octets, octets)


def test_a_signature_is_of_its_key_its_algorithm_and_its_one_encoding() -> None:
    raw = PKI.signer.sign(b"message")
    verify(PKI.signer.der, "ES256", raw, b"message")
    for alg in ("ES384", "RS256", "PS256", "EdDSA", "none", ""):
        with pytest.raises(BadSignature):
            verify(PKI.signer.der, alg, raw, b"message")
    for changed in (raw[:-1], raw + b"\0", bytes(64), raw[32:] + raw[:32]):
        with pytest.raises(BadSignature):
            verify(PKI.signer.der, "ES256", changed, b"message")
    with pytest.raises(BadSignature):
        ecdsa_raw(PKI.signer.der, writer.sequence(writer.integer(-1), writer.integer(1)))
