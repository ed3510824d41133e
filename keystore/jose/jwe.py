"""Tokens encrypted to a client's key: a signed token inside a JWE (RFC 7519 §5.2, OIDC Core §10.2).

Only what is safe: RSA-OAEP-256, ECDH-ES and ECDH-ES+A256KW, with A128GCM or A256GCM; never ``zip``.
Nothing encrypted is read here.
"""

import msgspec
from jwcrypto.jwe import JWE
from jwcrypto.jwk import JWK

from keystore.jose.jwk import Jwk, JwkSet

KEY_MANAGEMENT = frozenset(["RSA-OAEP-256", "ECDH-ES", "ECDH-ES+A256KW"])
CONTENT = frozenset(["A128GCM", "A256GCM"])


class CannotEncrypt(Exception):
    """The client registered no key that fits, or an algorithm that is not offered."""


def nest(token: str, keys: JwkSet, alg: str, enc: str) -> str:
    """Return ``token`` encrypted to the client's key for ``alg``, or raise CannotEncrypt."""
    if alg not in KEY_MANAGEMENT or enc not in CONTENT:
        raise CannotEncrypt("the algorithm is not offered")
    key = _key(keys, alg)
    header = {"alg": alg, "enc": enc, "cty": "JWT"}  # RFC 7519 §5.2
    if key.kid is not None:
        header["kid"] = key.kid
    sealed = JWE(
        token.encode("ascii"),
        protected=msgspec.json.encode(header).decode("ascii"),
        algs=[alg, enc],
        recipient=JWK(**key.required),
    )
    compact: str = sealed.serialize(compact=True)
    return compact


def _key(keys: JwkSet, alg: str) -> Jwk:
    fitting = [key for key in keys.keys if alg in key.algs]
    # A key that says it is for encryption comes before one that says nothing (OIDC Core §10.2).
    fitting.sort(key=lambda key: len(key.algs))
    if not fitting:
        raise CannotEncrypt("the client has no key for this")
    return fitting[0]
