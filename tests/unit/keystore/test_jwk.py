"""Key sets of others: attack A7, and what must still be let in."""

import json
from base64 import urlsafe_b64encode
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey
from jwcrypto.jwe import JWE
from jwcrypto.jwk import JWK

from keystore.jose.jwe import CONTENT, KEY_MANAGEMENT, CannotEncrypt, nest
from keystore.jose.jwk import KeyRefused, parse, parse_set

EC = ECKey.generate_key("P-256")
EC384 = ECKey.generate_key("P-384")
RSA = RSAKey.generate_key(2048)
ED = OKPKey.generate_key("Ed25519")
PUBLIC: dict[str, dict[str, Any]] = {
    "P-256": EC.as_dict(private=False),
    "P-384": EC384.as_dict(private=False),
    "RSA": RSA.as_dict(private=False),
    "Ed25519": ED.as_dict(private=False),
}
P256_PRIME = 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF


def number(value: int, length: int | None = None) -> str:
    size = length or (value.bit_length() + 7) // 8
    return urlsafe_b64encode(value.to_bytes(size, "big")).rstrip(b"=").decode()


def octets(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def key_set(*keys: object) -> bytes:
    return json.dumps({"keys": keys}).encode()


@pytest.mark.spec("RFC 7638 §3")
@pytest.mark.parametrize("kind", PUBLIC)
def test_good_keys_come_in(kind: str) -> None:
    (key,) = parse_set(key_set(PUBLIC[kind] | {"kid": "one", "use": "sig"})).keys
    assert key.kid == "one"
    assert key.thumbprint() == JWK(**PUBLIC[kind]).thumbprint()


@pytest.mark.spec("RFC 7638 §3.1")
def test_the_thumbprint_of_the_rfc() -> None:
    modulus = (
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECP"
        "ebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY"
        "368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0f"
        "M4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
    )
    key = parse({"kty": "RSA", "n": modulus, "e": "AQAB", "alg": "RS256", "kid": "2011-04-29"})
    assert key is not None
    assert key.thumbprint() == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


def numbered(cases: list[dict[str, object]]) -> list[str]:
    """Name each case by what it changes: the keys themselves are others in every process."""
    return [f"{next(iter(case))}-{number}" for number, case in enumerate(cases)]


RSA_2047 = number((1 << 2046) + 1)
WEAK_RSA = [
    {"n": number(rsa.generate_private_key(65537, 1024).public_key().public_numbers().n)},
    {"n": RSA_2047},
    {"n": number((1 << 8192) + 1)},
    {"n": PUBLIC["RSA"]["n"][:-2] + "AA"},  # an even modulus
    {"e": number(1)},
    {"e": number(3)},
    {"e": number(17)},
    {"e": number(65536)},
    {"e": number(65538)},
    {"e": number((1 << 64) + 1)},
    {"e": "AAEAAQ"},  # leading zero octet
    {"n": "AA" + PUBLIC["RSA"]["n"]},
    {"e": "AQAB="},
    {"e": ""},
    {"e": 65537},
    {"n": None},
    {"n": PUBLIC["RSA"]["n"] + "\n"},
    {"n": PUBLIC["RSA"]["n"] + "!"},
]


@pytest.mark.attack("A7")
@pytest.mark.parametrize("weak", WEAK_RSA, ids=numbered(WEAK_RSA))
def test_weak_rsa_keys_stay_out(weak: dict[str, object]) -> None:
    with pytest.raises(KeyRefused):
        parse(PUBLIC["RSA"] | weak)


OFF_CURVE = [
    {"x": octets(b"\0" * 32), "y": octets(b"\0" * 32)},
    {"x": PUBLIC["P-256"]["y"], "y": PUBLIC["P-256"]["x"]},
    {"y": octets(b"\1" * 32)},
    {"x": octets(b"\1" * 31)},
    {"x": octets(b"\0" + b"\1" * 32)},
    {"x": number(P256_PRIME, 32)},
    {"x": octets(b"\xff" * 32)},
    {"x": ""},
    {"x": None},
    {"crv": "P-384"},
]


@pytest.mark.attack("A7")
@pytest.mark.parametrize("wrong", OFF_CURVE, ids=numbered(OFF_CURVE))
def test_points_that_lie_elsewhere_stay_out(wrong: dict[str, object]) -> None:
    with pytest.raises(KeyRefused):
        parse(PUBLIC["P-256"] | wrong)


LOW_ORDER = [
    "00" * 32,
    "01" + "00" * 31,
    "01" + "00" * 30 + "80",
    "ec" + "ff" * 30 + "7f",
    "ed" + "ff" * 30 + "7f",
    "ee" + "ff" * 30 + "7f",
    "ee" + "ff" * 31,
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
]


@pytest.mark.attack("A7")
@pytest.mark.parametrize("point", LOW_ORDER)
def test_points_of_low_order_stay_out(point: str) -> None:
    with pytest.raises(KeyRefused):
        parse({"kty": "OKP", "crv": "Ed25519", "x": octets(bytes.fromhex(point))})


@pytest.mark.attack("A7")
@pytest.mark.parametrize(
    "published",
    [
        EC.as_dict(private=True),
        RSA.as_dict(private=True),
        ED.as_dict(private=True),
        OctKey.generate_key(256).as_dict(private=True),
        PUBLIC["RSA"] | {"d": "AQAB"},
        PUBLIC["P-256"] | {"k": "AQAB"},
    ],
)
def test_a_published_private_key_refuses_the_set(published: dict[str, object]) -> None:
    with pytest.raises(KeyRefused, match="private"):
        parse_set(key_set(PUBLIC["P-256"] | {"kid": "good"}, published))


@pytest.mark.attack("A7")
def test_one_kid_names_one_key() -> None:
    with pytest.raises(KeyRefused, match="two keys"):
        parse_set(key_set(PUBLIC["P-256"] | {"kid": "a"}, PUBLIC["RSA"] | {"kid": "a"}))
    parse_set(key_set(PUBLIC["P-256"] | {"kid": "a"}, PUBLIC["RSA"] | {"kid": "b"}))


@pytest.mark.attack("A7")
@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b"{}",
        b'{"keys":{}}',
        b'{"keys":[]}',
        b'{"keys":[7]}',
        b'{"keys":[[]]}',
        b'{"keys":[],"keys":[]}',
        b"\xff",
        b'{"keys":' + b"[" * 40000 + b"]" * 40000 + b"}",
        key_set(*(PUBLIC["P-256"] for _ in range(33))),
        key_set(PUBLIC["P-256"] | {"kid": "x" * 257}),
        key_set(PUBLIC["P-256"] | {"kid": 7}),
        key_set(PUBLIC["P-256"] | {"pad": "x" * 65536}),
    ],
    ids=lambda raw: repr(raw[:30]),
)
def test_what_is_no_key_set_is_refused(raw: bytes) -> None:
    with pytest.raises(KeyRefused):
        parse_set(raw)


@pytest.mark.spec("RFC 7517 §5")
def test_kinds_that_are_not_known_are_passed_over() -> None:
    others = [
        {"kty": "OKP", "crv": "X25519", "x": "AA"},
        {"kty": "EC", "crv": "secp256k1", "x": "AA", "y": "AA"},
        {"kty": "AKP", "alg": "ML-DSA-44", "pub": "AA"},
        {"kty": ["RSA"]},
        {},
    ]
    keys = parse_set(key_set(*others, PUBLIC["P-256"] | {"kid": "good"})).keys
    assert [key.kid for key in keys] == ["good"]


@pytest.mark.spec("RFC 7517 §4.2")
@pytest.mark.parametrize(
    ("more", "algs"),
    [
        ({}, {"RS256", "PS256", "RSA-OAEP-256"}),
        ({"use": "sig"}, {"RS256", "PS256"}),
        ({"use": "enc"}, {"RSA-OAEP-256"}),
        ({"use": "something"}, set()),
        ({"key_ops": ["verify"]}, {"RS256", "PS256"}),
        ({"alg": "PS256"}, {"PS256"}),
        ({"alg": "RS512"}, set()),
        ({"alg": "ES256"}, set()),
        ({"alg": 7}, set()),
        ({"alg": "RS256", "use": "enc"}, set()),
    ],
)
def test_a_key_says_what_it_is_for(more: dict[str, object], algs: set[str]) -> None:
    key = parse(PUBLIC["RSA"] | more)
    assert key is not None and key.algs == algs


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=8)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)
NAMES = st.sampled_from(["kty", "crv", "n", "e", "x", "y", "d", "kid", "use", "alg", "key_ops"])
WORDS = st.sampled_from(["RSA", "EC", "OKP", "oct", "P-256", "Ed25519", "AQAB", "sig"])


@settings(deadline=None)
@given(st.lists(st.dictionaries(NAMES, st.one_of(WORDS, JSON)), max_size=3))
def test_noise_is_refused_or_passed_over(keys: list[dict[str, object]]) -> None:
    try:
        parse_set(key_set(*keys))
    except KeyRefused:
        return


@settings(deadline=None)
@given(st.binary(max_size=100))
def test_octets_are_refused(raw: bytes) -> None:
    with pytest.raises(KeyRefused):
        parse_set(raw)


@pytest.mark.spec("RFC 7519 §5.2")
@pytest.mark.parametrize("enc", sorted(CONTENT))
@pytest.mark.parametrize("alg", sorted(KEY_MANAGEMENT))
@pytest.mark.parametrize("kind", ["RSA", "P-256", "P-384"])
def test_a_token_is_encrypted_to_the_clients_key(kind: str, alg: str, enc: str) -> None:
    keys = parse_set(
        key_set(
            PUBLIC[kind] | {"kid": "signs", "use": "sig"}, PUBLIC[kind] | {"kid": "e", "use": "enc"}
        )
    )
    if (kind == "RSA") != (alg == "RSA-OAEP-256"):
        with pytest.raises(CannotEncrypt):
            nest("a.b.c", keys, alg, enc)
        return
    token = nest("a.b.c", keys, alg, enc)
    private = {"RSA": RSA, "P-256": EC, "P-384": EC384}[kind].as_dict(private=True)
    opened = JWE(algs=[alg, enc])
    opened.deserialize(token, JWK(**private))
    assert opened.payload == b"a.b.c"
    header = opened.jose_header
    assert (header["alg"], header["enc"], header["kid"], header["cty"]) == (alg, enc, "e", "JWT")


@pytest.mark.attack("A6")
@pytest.mark.parametrize("alg", ["RSA1_5", "RSA-OAEP", "dir", "A256KW", "PBES2-HS256+A128KW", ""])
def test_no_other_encryption_is_offered(alg: str) -> None:
    keys = parse_set(key_set(PUBLIC["RSA"]))
    with pytest.raises(CannotEncrypt):
        nest("a.b.c", keys, alg, "A256GCM")
    with pytest.raises(CannotEncrypt):
        nest("a.b.c", keys, "RSA-OAEP-256", "A128CBC-HS256")
