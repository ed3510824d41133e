"""Public keys as tokens show them, and the proof of a signature before it is released."""

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils
from hypothesis import given
from hypothesis import strategies as st

from keystore.backends.backend import Algorithm
from keystore.pkcs11.public import BadSignature, curve_key, rsa_key, verification

P256 = ec.derive_private_key(0xC0FFEE, ec.SECP256R1())
ED25519 = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
RSA = rsa.generate_private_key(65537, 2048)
SHA256 = hashes.SHA256()


def raw(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )


def es256(message: bytes) -> bytes:
    r, s = utils.decode_dss_signature(P256.sign(message, ec.ECDSA(SHA256)))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


@pytest.mark.spec("PKCS#11 v2.40 mechanisms §2.3.3")
@pytest.mark.parametrize("wrapping", [b"", b"\x04\x41"])
def test_a_point_may_be_wrapped_or_raw(wrapping: bytes) -> None:
    point = raw(P256.public_key())
    assert curve_key(Algorithm.ES256, wrapping + point) == P256.public_key()


@pytest.mark.parametrize("wrapping", [b"", b"\x04\x20"])
def test_an_edwards_point_may_be_wrapped_or_raw(wrapping: bytes) -> None:
    point = ED25519.public_key().public_bytes_raw()
    assert curve_key(Algorithm.EDDSA, wrapping + point) == ED25519.public_key()


@given(st.binary(max_size=70))
def test_a_point_that_is_none_is_a_value_error(point: bytes) -> None:
    try:
        curve_key(Algorithm.ES256, point)
    except ValueError:
        return


def test_a_modulus_and_an_exponent_make_a_key() -> None:
    numbers = RSA.public_key().public_numbers()
    assert rsa_key(numbers.n.to_bytes(256, "big"), b"\x01\x00\x01") == RSA.public_key()


@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA", "RS256", "PS256"])
def test_only_a_good_signature_passes(algorithm: str) -> None:
    pss = padding.PSS(mgf=padding.MGF1(SHA256), salt_length=32)
    signed = {
        "ES256": (P256.public_key(), es256(b"text")),
        "EdDSA": (ED25519.public_key(), ED25519.sign(b"text")),
        "RS256": (RSA.public_key(), RSA.sign(b"text", padding.PKCS1v15(), SHA256)),
        "PS256": (RSA.public_key(), RSA.sign(b"text", pss, SHA256)),
    }
    key, signature = signed[algorithm]
    prove = verification(key, Algorithm(algorithm))
    prove(signature, b"text")
    flipped = bytes((signature[0] ^ 1,)) + signature[1:]
    for bad, text in ((flipped, b"text"), (signature, b"texT"), (signature[:-1], b"text")):
        with pytest.raises(BadSignature):
            prove(bad, text)
