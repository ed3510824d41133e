"""What an attacker sends: tokens, addresses, texts, bodies and raw requests, by name."""

import base64
import hmac
import json
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from jwcrypto.jwk import JWK

OWN_EC = ec.generate_private_key(ec.SECP256R1())
OWN_RSA = rsa.generate_private_key(65537, 2048)

Signer = Callable[[bytes], bytes]


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def raw_es256(message: bytes) -> bytes:
    """ECDSA with a key of the attacker's own, as JWS wants it (RFC 7518 §3.4)."""
    r, s = decode_dss_signature(der_es256(message))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def der_es256(message: bytes) -> bytes:
    return OWN_EC.sign(message, ec.ECDSA(hashes.SHA256()))


def rs256(message: bytes) -> bytes:
    return OWN_RSA.sign(message, PKCS1v15(), hashes.SHA256())


def hs(secret: bytes, name: str = "sha256") -> Signer:
    return lambda message: hmac.digest(secret, message, name)


def compact(header: Any, claims: Any, sign: Signer) -> str:
    """A token with a header and claims as they are given (bytes stay as they are)."""
    parts = [p if isinstance(p, bytes) else json.dumps(p).encode() for p in (header, claims)]
    signed = ".".join(map(b64, parts))
    return f"{signed}.{b64(sign(signed.encode()))}"


def own_jwk() -> dict[str, Any]:
    key: dict[str, Any] = json.loads(JWK.from_pyca(OWN_EC.public_key()).export())
    return key


def tokens(
    claims: Mapping[str, Any], typ: str, keys: list[dict[str, Any]], good: str
) -> dict[str, str]:
    """Forged tokens for ``claims``; ``keys`` are public keys that the reader trusts.

    ``good`` is a token that the reader would take; what is made of it must not pass.
    """
    kid = keys[0].get("kid", "")
    usual = {"typ": typ, "kid": kid}
    made = dict(_unsigned(claims, usual))
    made |= dict(_public_key_as_secret(claims, usual, keys))
    made |= dict(_smuggled(claims, usual))
    made |= dict(_misread(claims, usual, good))
    made |= dict(_encrypted(claims, usual))
    return made


Named = Iterator[tuple[str, str]]


def _unsigned(claims: Mapping[str, Any], usual: dict[str, Any]) -> Named:
    for alg in ("none", "None", "NONE", "nOnE", "", None, "none "):
        yield f"alg {alg!r}", compact(usual | {"alg": alg}, claims, lambda _: b"")
        yield f"alg {alg!r} signed", compact(usual | {"alg": alg}, claims, raw_es256)
    yield "no alg", compact(usual, claims, raw_es256)
    for size in (0, 1, 63, 64, 65, 128):
        zero = compact(usual | {"alg": "ES256"}, claims, lambda _, size=size: bytes(size))
        yield f"psychic signature of {size} zeros", zero  # CVE-2022-21449


def _public_key_as_secret(
    claims: Mapping[str, Any], usual: dict[str, Any], keys: list[dict[str, Any]]
) -> Named:
    for number, key in enumerate(keys):
        read = JWK(**key)
        public = {k: v for k, v in key.items() if k not in ("d", "p", "q", "dp", "dq", "qi")}
        secrets = {
            "pem": read.export_to_pem(),
            "pem stripped": read.export_to_pem().strip(),
            "jwk": json.dumps(public, separators=(",", ":")).encode(),
            "x": base64.urlsafe_b64decode(key.get("x", key.get("n", "")) + "=="),
        }
        for name, secret in secrets.items():
            for alg, digest in (("HS256", "sha256"), ("HS384", "sha384"), ("HS512", "sha512")):
                header = usual | {"alg": alg, "kid": key.get("kid")}
                yield f"{alg} with {name} {number}", compact(header, claims, hs(secret, digest))
    for secret in (b"", b"secret", b"\0"):
        yield f"HS256 with {secret!r}", compact(usual | {"alg": "HS256"}, claims, hs(secret))


def _smuggled(claims: Mapping[str, Any], usual: dict[str, Any]) -> Named:
    mine = own_jwk()
    for name, more in {
        "nothing": {},
        "jwk": {"jwk": mine},
        "jwk and its kid": {"jwk": mine, "kid": "mine"},
        "jku": {"jku": "http://127.0.0.1:9/jwks"},
        "x5u": {"x5u": "http://127.0.0.1:9/chain"},
        "x5c": {"x5c": ["MIIB"]},
        "kid path": {"kid": "../../../../dev/null"},
        "kid sql": {"kid": "' UNION SELECT 'x' --"},
        "kid nul": {"kid": "a\0b"},
        "kid long": {"kid": "k" * 10_000},
        "kid number": {"kid": 7},
        "kid list": {"kid": ["a"]},
        "no kid": {"kid": None},
        "typ of nothing": {"typ": "jwt+evil"},
    }.items():
        header = usual | {"alg": "ES256"} | more
        yield f"own key, {name}", compact(header, claims, raw_es256)
    yield "own rsa", compact(usual | {"alg": "RS256"}, claims, rs256)
    for alg in ("ES384", "ES256K", "PS512", "EdDSA", "RS1", "ES256 ", "es256", "ML-DSA-44"):
        yield f"own key as {alg}", compact(usual | {"alg": alg}, claims, raw_es256)


def _misread(claims: Mapping[str, Any], usual: dict[str, Any], good: str) -> Named:
    """Tokens that lenient readers take for the good one, or for something else (attack A3)."""
    head, body, signature = good.split(".")
    header = json.loads(base64.urlsafe_b64decode(head + "=="))
    yield "crit", f"{b64(json.dumps(header | {'crit': ['exp']}).encode())}.{body}.{signature}"
    yield "b64 false", compact(header | {"b64": False, "crit": ["b64"]}, claims, raw_es256)
    yield "zip", compact(header | {"zip": "DEF"}, claims, raw_es256)
    yield "padding", f"{head}.{body}.{signature}=="
    yield "padding in the middle", f"{head}==.{body}==.{signature}=="
    yield "space before", f" {good}"
    yield "space after", f"{good} "
    yield "new line", f"{head}.\n{body}.{signature}"
    yield "plus and slash", f"{head}.{body}.{signature}".replace("-", "+").replace("_", "/") + "+"
    yield "four parts", f"{good}."
    yield "two parts", f"{head}.{body}"
    yield "no signature", f"{head}.{body}."
    yield "half a signature", f"{head}.{body}.{signature[: len(signature) // 2]}"
    yield "last bits", f"{head}.{body}.{signature[:-1]}{_neighbour(signature[-1])}"
    flattened = {"protected": head, "payload": body, "signature": signature}
    yield "flattened json", json.dumps(flattened)
    yield "general json", json.dumps({"payload": body, "signatures": [flattened]})
    twice = b'{"alg":"none",' + json.dumps(header).encode()[1:]
    yield "alg twice", f"{b64(twice)}.{body}.{signature}"
    yield "claims that are a list", compact(usual | {"alg": "ES256"}, [1], raw_es256)
    yield "header that is a list", compact([], claims, raw_es256)
    yield "deep", compact(b'{"a":' * 5000, b"[" * 5000, raw_es256)
    yield "not json", compact(b"{", b"\xff\xfe", raw_es256)
    yield "dots", "." * 10_000
    yield "one dot", "."
    yield "unicode", "é.ü.ß"


def _neighbour(character: str) -> str:
    """The next character of base64url: other bits, perhaps the same octets."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return alphabet[alphabet.index(character) ^ 1]


def _encrypted(claims: Mapping[str, Any], usual: dict[str, Any]) -> Named:
    """Encrypted tokens that cost the reader much more than the writer (attacks A5 and A6)."""
    bomb = zlib.compress(bytes(10_000_000), 9)[2:-4]
    for header in (
        {"alg": "dir", "enc": "A128GCM", "zip": "DEF"},
        {"alg": "PBES2-HS512+A256KW", "enc": "A256GCM", "p2c": 2**31 - 1, "p2s": "c2FsdA"},
        {"alg": "RSA1_5", "enc": "A128CBC-HS256"},
        {"alg": "RSA-OAEP", "enc": "A128GCM"},
        {"alg": "ECDH-ES", "enc": "A128GCM", "epk": {"kty": "EC", "crv": "P-256", "x": "AA"}},
    ):
        parts = (json.dumps(usual | header).encode(), b"k" * 16, b"i" * 12, bomb, b"t" * 16)
        yield f"encrypted with {header['alg']}", ".".join(map(b64, parts))


ADDRESSES = (
    "https://evil.example/cb",
    "//evil.example/cb",
    "/cb",
    "cb",
    "javascript:alert(1)",
    "JavaScript:alert(1)",
    "java\tscript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:x",
    "file:///etc/passwd",
    "{good}@evil.example",
    "{scheme}://evil.example@{host}{path}",
    "{scheme}://{host}@evil.example{path}",
    "{scheme}://a@b@{host}{path}",
    "{scheme}://{host}\\@evil.example{path}",
    "{scheme}://{host}%40evil.example{path}",
    "{scheme}://evil.example#@{host}{path}",
    "{scheme}://evil.example?@{host}{path}",
    "{scheme}://{host}.evil.example{path}",
    "{scheme}://evil.example/{host}{path}",
    "{scheme}://{host}:80{path}",
    "{scheme}://{host}{path}/..;/evil",
    "{scheme}://{host}{path}/../evil",
    "{scheme}://{host}{path}/%2e%2e/evil",
    "{scheme}://{host}/x/..{path}",
    "{scheme}://{host}/.{path}",
    "{scheme}://{host}/{path}",
    "{scheme}://{host}{path};evil",
    "{good}?code=stolen&state=x",
    "{good}?x=1",
    "{good}&x=1",
    "{good}#x",
    "{good}%23x",
    "{good}%0d%0aSet-Cookie:a=b",
    "{good}\r\nSet-Cookie: a=b",
    "{good}\n",
    " {good}",
    "{good} ",
    "\t{good}",
    "{good}\u200b",
    "{good}%00",
    "{upper}",
    "{scheme}:{host}{path}",
    "{scheme}:/{host}{path}",
    "{scheme}:///{host}{path}",
    "{scheme}:\\\\{host}{path}",
    "{scheme}://127.1:8765{path}",
    "{scheme}://0x7f000001:8765{path}",
    "{scheme}://2130706433:8765{path}",
    "{scheme}://[::1]:8765{path}",
    "{scheme}://[::ffff:127.0.0.1]:8765{path}",
    "{scheme}://localhost:8765{path}",
    "{scheme}://127.0.0.1.:8765{path}",
    "{scheme}://127.0.0.1:08765{path}",
    "{scheme}://１２７.0.0.1:8765{path}",
    "{scheme}://{host}{path}" + "a" * 5000,
    "*",
    "{scheme}://*{path}",
    "null",
    "about:blank",
    "blob:{good}",
    "app://evil",
)


def addresses(good: str) -> Iterator[str]:
    """Addresses that some reader takes for ``good``, and that lead elsewhere."""
    scheme, _, rest = good.partition("://")
    host, slash, path = rest.partition("/")
    parts = {"good": good, "scheme": scheme, "host": host, "path": slash + path}
    for template in ADDRESSES:
        made = template.format(**parts, upper=good.upper())
        if made != good:
            yield made


TEXTS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'><svg/onload=alert(1)>",
    "</title><script>alert(1)</script>",
    "{{7*7}}${7*7}<%= 7*7 %>#{7*7}",
    "javascript:alert(1)",
    "\u202eevil\u202c",
    "a\u0000b".replace("\u0000", "\u0001"),
    "%3Cscript%3E",
    "'; DROP TABLE residents; --",
    "' OR '1'='1",
    "../../../../etc/passwd",
    "$(id)`id`|id;id",
    "\u2028\u2029",
    "Ａ" * 300,
    "👩‍👩‍👧‍👦" * 20,
    "\ufdfa" * 100,
    "x" * 60_000,
    "-1",
    "1e400",
    "NaN",
    "[]",
    "{}",
    "null",
    "true",
    "٣٤٥",
)
"""For every field that a person or client fills in (attacks A10, A26, A28)."""

BODIES: tuple[tuple[str, bytes], ...] = (
    ("application/x-www-form-urlencoded", b""),
    ("application/x-www-form-urlencoded", b"&&&=&=&"),
    ("application/x-www-form-urlencoded", b"a=%zz"),
    ("application/x-www-form-urlencoded", b"a=%00"),
    ("application/x-www-form-urlencoded", b"a=\0"),
    ("application/x-www-form-urlencoded", b"a=%ff%fe"),
    ("application/x-www-form-urlencoded", b"a=%ed%a0%80"),
    ("application/x-www-form-urlencoded", b"\xff\xfe\xfd"),
    ("application/x-www-form-urlencoded", b"a=1&a=2"),
    ("application/x-www-form-urlencoded", b"&".join(b"p%d=x" % n for n in range(100_00))),
    ("application/x-www-form-urlencoded", b"a=" + b"x" * 70_000),
    ("application/x-www-form-urlencoded", b"grant_type=authorization_code&code[]=x"),
    ("application/x-www-form-urlencoded", b"client_id=%F0%9F%98%80&client_secret=%E2%80%AE"),
    ("application/x-www-form-urlencoded", b'{"grant_type":"x"}'),
    ("application/x-www-form-urlencoded; charset=utf-16", b"\xff\xfea\x00"),
    ("application/json", b"{}"),
    ("application/json", b"[" * 60_000),
    ("application/json", b'{"a":' * 10_000),
    ("application/json", b'{"a":1,"a":2}'),
    ("application/json", b'{"a":1' + b"0" * 50_000 + b"}"),
    ("application/json", b'{"a":1e99999}'),
    ("application/json", b'"\\ud800"'),
    ("application/json", b"\xef\xbb\xbf{}"),
    ("application/json", b"nul"),
    ("multipart/form-data; boundary=x", b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n'),
    ("multipart/form-data", b""),
    ("text/plain", b"a=b"),
    ("", b"a=b"),
    ("application/xml", b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x>&a;</x>'),
    ("x" * 5000, b"a=b"),
)
"""Bodies that break readers, with their content types (attack A26)."""

HEADERS: tuple[tuple[str, str], ...] = (
    ("x-forwarded-host", "evil.example"),
    ("x-forwarded-proto", "https"),
    ("x-forwarded-for", "evil, 10.0.0.1, ::ffff:1.2.3.4"),
    ("x-forwarded-prefix", "/evil"),
    ("x-forwarded-port", "1"),
    ("x-original-url", "/me/factors"),
    ("x-rewrite-url", "/me/factors"),
    ("x-http-method-override", "DELETE"),
    ("x-host", "evil.example"),
    ("forwarded", "for=evil;host=evil.example;proto=https"),
    ("client-cert", ":MIIB:"),
    ("x-ssl-client-cert", "MIIB"),
    ("x-client-ip", "1.2.3.4"),
    ("accept-language", "xx;q=9,*;q=-1," + "en," * 500),
    ("accept", "text/html;q=" + "9" * 100),
    ("accept-encoding", "gzip;q=abc, br;q=0, *"),
    ("if-none-match", '"' + "x" * 4000),
    ("range", "bytes=0-,0-,0-"),
    ("cookie", "symbolon=; symbolon-session=x; symbolon-hint=a.b; symbolon-device=zz"),
    ("cookie", "=; ;;; a=\xe9; __Host-symbolon=" + "A" * 43),
    ("authorization", "Basic"),
    ("authorization", "Basic !!!!"),
    ("authorization", "Basic " + base64.b64encode(b"a" * 3000 + b":\xff").decode()),
    ("authorization", "Basic " + base64.b64encode(b"%zz:%00").decode()),
    ("authorization", "Bearer"),
    ("authorization", "Bearer \xe9"),
    ("authorization", "Bearer " + "a" * 30_000),
    ("authorization", "Bearer a b c"),
    ("authorization", "DPoP " + "a.b.c"),
    ("authorization", "Digest username=x"),
    ("origin", "https://evil.example"),
    ("origin", "null"),
    ("sec-fetch-site", "cross-site"),
    ("traceparent", "00-" + "0" * 32 + "-" + "f" * 16 + "-ff"),
    ("content-encoding", "gzip"),
    ("upgrade", "websocket"),
)
"""Header fields that a careless server believes (attack A29) or cannot read."""
