"""Tokens from outside: attacks A1 to A4 on the reader, and two other readers to agree with."""

import hmac
import json
import warnings
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jws as joserfc_jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey
from jwcrypto import jwk as jwcrypto_jwk
from jwcrypto import jws as jwcrypto_jws
from jwcrypto.common import JWException

from keystore.jose.jwk import parse_set
from keystore.jose.reader import (
    BadSignature,
    BadToken,
    Rules,
    Verified,
    parse,
    verify,
    verify_mac,
)

CLAIMS = {"iss": "client-1", "sub": "client-1", "aud": "https://id.example", "jti": "7"}
PRIVATE: dict[str, Any] = {
    "ES256": ECKey.generate_key("P-256"),
    "ES384": ECKey.generate_key("P-384"),
    "RS256": RSAKey.generate_key(2048),
    "EdDSA": OKPKey.generate_key("Ed25519"),
}
PRIVATE["PS256"] = PRIVATE["RS256"]
SECRET = b"a secret of thirty-two octets or more"
ASYMMETRIC = Rules(
    algs=frozenset(["ES256", "ES384", "RS256", "PS256", "EdDSA"]), typs=frozenset(["", "jwt"])
)
SYMMETRIC = Rules(algs=frozenset(["HS256"]), typs=frozenset(["", "jwt"]))


def key_set(*algs: str) -> bytes:
    keys = [PRIVATE[alg].as_dict(private=False) | {"kid": alg} for alg in algs]
    return json.dumps({"keys": keys}).encode()


KEYS = parse_set(key_set("ES256", "ES384", "RS256", "EdDSA"))


def part(value: object) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def signed(alg: str, payload: object = CLAIMS, **header: object) -> str:
    kid = "RS256" if alg == "PS256" else alg
    protected = {"alg": alg, "kid": kid, **header}
    raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return joserfc_jws.serialize_compact(
            {name: value for name, value in protected.items() if value is not None},
            raw,
            PRIVATE[alg],
            algorithms=[alg],
            registry=joserfc_jws.JWSRegistry(algorithms=[alg], strict_check_header=False),
        )


def raw_signed(header: bytes, payload: bytes) -> str:
    """Sign any octets as ES256, well-formed or not."""
    text = f"{part(header)}.{part(payload)}"
    key: ec.EllipticCurvePrivateKey = PRIVATE["ES256"].private_key
    r, s = decode_dss_signature(key.sign(text.encode(), ec.ECDSA(hashes.SHA256())))
    return f"{text}.{part(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


def read(token: str, rules: Rules = ASYMMETRIC) -> Verified:
    return verify(parse(token), KEYS, rules)


@pytest.mark.spec("RFC 7515 §5.2")
@pytest.mark.parametrize("alg", ["ES256", "ES384", "RS256", "PS256", "EdDSA"])
def test_a_good_token_is_read(alg: str) -> None:
    verified = read(signed(alg, typ="JWT"))
    assert verified.claims == CLAIMS
    assert verified.header["alg"] == alg


def hs256(secret: bytes, header: dict[str, object]) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the attacker does not mind a weak key
        return joserfc_jws.serialize_compact(
            header, json.dumps(CLAIMS).encode(), OctKey.import_key(secret), algorithms=["HS256"]
        )


@pytest.mark.spec("OpenID Connect Core 1.0 §9")
def test_a_client_secret_makes_an_assertion() -> None:
    token = hs256(SECRET, {"alg": "HS256"})
    assert verify_mac(parse(token), SECRET, SYMMETRIC).claims == CLAIMS
    with pytest.raises(BadSignature):
        verify_mac(parse(token), SECRET + b"!", SYMMETRIC)
    with pytest.raises(BadToken, match="too short"):
        verify_mac(parse(hs256(b"short", {"alg": "HS256"})), b"short", SYMMETRIC)


ALGS = [
    *("none", "None", "NONE", "nOnE", "", "HS256", "HS384", "HS512", "hs256", "RS1", "RS384"),
    *("RS512", "PS384", "PS512", "ES512", "ES256K", "es256", "Ed448", "dir", "RSA1_5"),
    *("RSA-OAEP", "PBES2-HS256+A128KW", "A128GCMKW", "ECDH-ES", "../ES256", "ES256 ", "ES256\0"),
]


@pytest.mark.attack("A1")
@pytest.mark.attack("A5")
@pytest.mark.parametrize("alg", ALGS)
def test_no_other_algorithm(alg: str) -> None:
    good = signed("ES256")
    header = {"alg": alg, "kid": "ES256"}
    _, payload, signature = good.split(".")
    for tail in (signature, "", part(b"x" * 32)):
        with pytest.raises(BadToken):
            read(f"{part(header)}.{payload}.{tail}")


@pytest.mark.attack("A1")
def test_a_public_key_is_no_secret() -> None:
    """HS256 under the PEM or the JWK of a public key: never accepted where a key is expected."""
    for key in (PRIVATE["RS256"], PRIVATE["ES256"]):
        for text in (key.as_pem(private=False), json.dumps(key.as_dict(private=False)).encode()):
            for kid in ("RS256", "ES256", None):
                token = _mac_token(text, kid)
                with pytest.raises(BadToken):
                    read(token)


def _mac_token(secret: bytes, kid: str | None) -> str:
    text = f"{part({'alg': 'HS256', **({'kid': kid} if kid else {})})}.{part(CLAIMS)}"
    return f"{text}.{part(hmac.digest(secret, text.encode(), 'sha256'))}"


@pytest.mark.attack("A1")
def test_symmetric_and_asymmetric_never_share_a_list() -> None:
    mixed = Rules(algs=frozenset(["HS256", "RS256"]), typs=frozenset([""]))
    with pytest.raises(ValueError, match="never share"):
        verify(parse(signed("RS256")), KEYS, mixed)
    with pytest.raises(ValueError, match="never share"):
        verify_mac(parse(signed("RS256")), SECRET, mixed)


@pytest.mark.attack("A1")
def test_a_key_serves_its_own_algorithm_only() -> None:
    only_ps = parse_set(
        json.dumps(
            {"keys": [PRIVATE["RS256"].as_dict(private=False) | {"kid": "RS256", "alg": "PS256"}]}
        ).encode()
    )
    with pytest.raises(BadToken):
        verify(parse(signed("RS256")), only_ps, ASYMMETRIC)
    assert verify(parse(signed("PS256")), only_ps, ASYMMETRIC)
    for_encryption = parse_set(
        json.dumps(
            {"keys": [PRIVATE["RS256"].as_dict(private=False) | {"kid": "RS256", "use": "enc"}]}
        ).encode()
    )
    with pytest.raises(BadToken):
        verify(parse(signed("RS256")), for_encryption, ASYMMETRIC)


@pytest.mark.attack("A2")
@pytest.mark.parametrize("name", ["jwk", "jku", "x5u", "x5c", "x5t"])
def test_a_key_in_the_header_is_never_looked_at(name: str) -> None:
    attacker = ECKey.generate_key("P-256")
    values: dict[str, object] = {
        "jwk": attacker.as_dict(private=False),
        "jku": "https://attacker.example/jwks",
        "x5u": "https://attacker.example/chain.pem",
        "x5c": ["MIIB"],
        "x5t": "AAAA",
    }
    text = f"{part({'alg': 'ES256', 'kid': 'ES256', name: values[name]})}.{part(CLAIMS)}"
    forged = joserfc_jws.serialize_compact({"alg": "ES256"}, b"x", attacker, algorithms=["ES256"])
    with pytest.raises(BadSignature):
        read(f"{text}.{forged.split('.')[2]}")


@pytest.mark.attack("A2")
@pytest.mark.parametrize(
    "kid",
    [
        *("../../dev/null", "' OR 1=1 --", "ES256'; DROP TABLE keys", "\0", "es256", "ES256 "),
        *("/etc/passwd", "https://attacker.example/key", "RS256", "x" * 256),
    ],
)
def test_kid_is_a_name_to_look_up(kid: str) -> None:
    with pytest.raises(BadToken):
        read(signed("ES256", kid=kid))


@pytest.mark.attack("A2")
@pytest.mark.parametrize("kid", ["", "x" * 257, 7, ["ES256"], {"ES256": 1}, True])
def test_kid_is_a_short_string(kid: object) -> None:
    with pytest.raises(BadToken):
        read(raw_signed(json.dumps({"alg": "ES256", "kid": kid}).encode(), b"{}"))


@pytest.mark.spec("OpenID Connect Core 1.0 §10.1")
def test_without_kid_there_must_be_one_key() -> None:
    token = signed("ES256", kid=None)
    assert read(token).claims == CLAIMS
    another = ECKey.generate_key("P-256").as_dict(private=False) | {"kid": "another"}
    both = [*json.loads(key_set("ES256"))["keys"], another]
    two = parse_set(json.dumps({"keys": both}).encode())
    with pytest.raises(BadToken, match="more than one"):
        verify(parse(token), two, ASYMMETRIC)
    assert verify(parse(signed("ES256")), two, ASYMMETRIC)


@pytest.mark.attack("A3")
@pytest.mark.attack("A5")
@pytest.mark.spec("RFC 7515 §4.1.11")
@pytest.mark.parametrize(
    "extension",
    [
        {"crit": ["exp"], "exp": 1},
        {"crit": []},
        {"crit": ["b64"], "b64": False},
        {"b64": False},
        {"b64": True},
        {"zip": "DEF"},
        {"enc": "A128GCM"},
    ],
)
def test_no_extension_is_understood(extension: dict[str, object]) -> None:
    header = {"alg": "ES256", "kid": "ES256", **extension}
    with pytest.raises(BadToken):
        read(raw_signed(json.dumps(header).encode(), json.dumps(CLAIMS).encode()))


@pytest.mark.attack("A3")
@pytest.mark.parametrize(
    ("header", "payload"),
    [
        (b'{"alg":"none","alg":"ES256"}', b"{}"),
        (b'{"alg":"ES256","alg":"ES256"}', b"{}"),
        (b'{"alg":"ES256","\\u0061lg":"none"}', b"{}"),
        (b'{"alg":"ES256"}', b'{"sub":"a","sub":"b"}'),
        (b'{"alg":"ES256"}', b'{"deep":{"a":1,"a":2}}'),
        (b'{"alg":"ES256"}', b'{"exp":NaN}'),
        (b'{"alg":"ES256"}', b'{"exp":Infinity}'),
        (b'{"alg":"ES256"}', b'{"exp":1e999}'),
        (b'{"alg":"ES256"}', b'{"sub":"\\ud800"}'),
        (b'{"alg":"ES256"}', b'{"sub":"\\u0000"}'),
        (b'{"alg":"ES256"}', b'{"sub":"\xff"}'),
        (b'{"alg":"ES256"}', b'{"a":' + b"[" * 5000 + b"]" * 5000 + b"}"),
        (b'{"alg":"ES256"}', b'{"n":' + b"9" * 5000 + b"}"),
        (b'{"alg":"ES256"}', b"[]"),
        (b'{"alg":"ES256"}', b'"text"'),
        (b'{"alg":"ES256"}', b""),
        (b'\xef\xbb\xbf{"alg":"ES256"}', b"{}"),
        (b'["alg"]', b"{}"),
        (b"{}", b"{}"),
        (b'{"alg":["ES256"]}', b"{}"),
        (b'{"alg":"ES256","typ":7}', b"{}"),
        (b'{"alg":"ES256","pad":"' + b"x" * 4096 + b'"}', b"{}"),
    ],
)
def test_what_two_readers_could_see_differently_is_refused(header: bytes, payload: bytes) -> None:
    with pytest.raises(BadToken):
        read(raw_signed(header, payload))


SPELLINGS: list[tuple[str, Callable[[str], str]]] = [
    ("padding", lambda token: token + "="),
    ("padding inside", lambda token: token.replace(".", "==.", 1)),
    ("newline", lambda token: token + "\n"),
    ("space before", lambda token: " " + token),
    ("space inside", lambda token: token[:30] + " " + token[30:]),
    ("four parts", lambda token: token + ".x"),
    ("five parts", lambda token: token + "..x"),
    ("two parts", lambda token: token.rpartition(".")[0]),
    ("no signature", lambda token: token.rpartition(".")[0] + "."),
    ("a null", lambda token: token + "\0"),
    ("standard alphabet", lambda token: token.replace("-", "+").replace("_", "/") + "+"),
    ("another alphabet", lambda token: token[:-1] + "１"),
    ("a surrogate", lambda token: token + "\ud800"),
    ("as JSON", lambda token: json.dumps({"payload": token.split(".")[1]})),
    ("too long", lambda token: token + "A" * 65536),
]


@pytest.mark.attack("A3")
@pytest.mark.parametrize(("name", "respell"), SPELLINGS, ids=[name for name, _ in SPELLINGS])
def test_a_token_has_one_spelling(name: str, respell: Callable[[str], str]) -> None:
    for alg in ("ES256", "RS256"):
        with pytest.raises(BadToken):
            read(respell(signed(alg)))


@pytest.mark.attack("A3")
def test_loose_last_bits_are_refused() -> None:
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    token = signed("ES256")  # 64 octets: the last character carries 2 bits
    last = alphabet.index(token[-1])
    for loose in range(last + 1, last + 16):
        with pytest.raises(BadToken):
            read(token[:-1] + alphabet[loose % 64])


@pytest.mark.attack("A4")
@pytest.mark.parametrize(
    ("typ", "wanted", "good"),
    [
        ("at+jwt", "at+jwt", True),
        ("AT+JWT", "at+jwt", True),
        ("application/at+jwt", "at+jwt", True),
        ("JWT", "at+jwt", False),
        ("logout+jwt", "at+jwt", False),
        (None, "at+jwt", False),
        ("at+jwt", "jwt", False),
        ("application/application/at+jwt", "at+jwt", False),
        ("at+jwt ", "at+jwt", False),
    ],
)
def test_the_kind_is_checked(typ: str | None, wanted: str, good: bool) -> None:
    rules = Rules(algs=frozenset(["ES256"]), typs=frozenset([wanted]))
    token = signed("ES256", typ=typ)
    if good:
        assert read(token, rules)
    else:
        with pytest.raises(BadToken):
            read(token, rules)


@pytest.mark.attack("A7")
@pytest.mark.parametrize(
    "signature",
    [
        b"",
        b"\0" * 64,
        b"\0" * 63 + b"\1",
        b"\xff" * 64,
        b"x" * 63,
        b"x" * 65,
        bytes.fromhex("3006020101020101"),
    ],
)
def test_an_ecdsa_signature_is_two_full_numbers(signature: bytes) -> None:
    text = signed("ES256").rpartition(".")[0]
    with pytest.raises(BadSignature):
        read(f"{text}.{part(signature)}")


def test_every_flipped_bit_of_a_signature_is_seen() -> None:
    for alg in ("ES256", "EdDSA"):
        text, _, signature = signed(alg).rpartition(".")
        raw = bytearray(_decoded(signature))
        for place in range(len(raw)):
            raw[place] ^= 1
            with pytest.raises(BadSignature):
                read(f"{text}.{part(bytes(raw))}")
            raw[place] ^= 1


def _decoded(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


@settings(deadline=None)
@given(st.text(max_size=300))
def test_noise_is_a_bad_token(noise: str) -> None:
    with pytest.raises(BadToken):
        read(noise)


HEADERS = st.dictionaries(
    st.sampled_from(["alg", "kid", "typ", "crit", "b64", "cty", "zip", "jwk", "x"]),
    st.one_of(
        st.sampled_from(["ES256", "RS256", "none", "JWT", "at+jwt", "DEF"]),
        st.none(),
        st.booleans(),
        st.lists(st.sampled_from(["exp", "b64"]), max_size=1),
        st.text(max_size=4),
    ),
)


@settings(max_examples=400, deadline=None)
@given(
    header=HEADERS,
    payload=st.one_of(st.binary(max_size=20), st.just(json.dumps(CLAIMS).encode())),
    cut=st.integers(0, 400),
    junk=st.sampled_from(["", "", "", "=", ".", "A", "\n", " "]),
)
@pytest.mark.attack("A3")
def test_what_is_accepted_here_is_accepted_by_others(
    header: dict[str, object], payload: bytes, cut: int, junk: str
) -> None:
    token = raw_signed(json.dumps({"alg": "ES256", **header}).encode(), payload)
    token = token[:cut] + junk + token[cut:]
    try:
        verified = read(token)
    except BadToken:
        return
    assert _joserfc(token) == _jwcrypto(token) == verified.claims


@settings(deadline=None)
@given(st.integers(0, 250), st.characters(codec="ascii"))
@pytest.mark.attack("A3")
def test_no_changed_character_is_overlooked(place: int, letter: str) -> None:
    token = TOKEN
    place %= len(token)
    changed = token[:place] + letter + token[place + 1 :]
    if changed != token:
        with pytest.raises(BadToken):
            read(changed)


TOKEN = signed("ES256", typ="JWT")


# RFC 7515 §4: parameters that are not understood are ignored.
LENIENT = joserfc_jws.JWSRegistry(algorithms=["ES256"], strict_check_header=False)


def _joserfc(token: str) -> object:
    try:
        found = joserfc_jws.deserialize_compact(token, PRIVATE["ES256"], registry=LENIENT)
    except (JoseError, ValueError) as reason:
        return reason
    return json.loads(found.payload)


def _jwcrypto(token: str) -> object:
    key = jwcrypto_jwk.JWK(**PRIVATE["ES256"].as_dict(private=False))
    found = jwcrypto_jws.JWS()
    try:
        found.deserialize(token, key, alg="ES256")
    except (JWException, ValueError) as reason:
        return reason
    return json.loads(found.payload)
