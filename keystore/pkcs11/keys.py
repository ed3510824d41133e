"""What a key on the token may do: templates for new keys, and the audit that holds them to it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from keystore.backends.backend import Algorithm
from keystore.pkcs11 import constants as ck
from keystore.pkcs11.errors import BadArgument, NotSupported
from keystore.pkcs11.recorded import RECORDED, octets
from keystore.pkcs11.session import Session
from keystore.pkcs11.structures import AttributeValue, Mechanism

_P256 = bytes.fromhex("06082a8648ce3d030107")  # OBJECT IDENTIFIER prime256v1 (RFC 5480 §2.1.1.1)
# PKCS#11 v3.0 §2.3.10 wants the name; some modules want the identifier of RFC 8410 §3.
_ED25519_FORMS = (b"\x13\x0cedwards25519", bytes.fromhex("06032b6570"))

_CODES = {
    Algorithm.ES256: 0xE1,
    Algorithm.RS256: 0xA1,
    Algorithm.PS256: 0xA2,
    Algorithm.EDDSA: 0xED,
    Algorithm.HMAC: 0x51,
    Algorithm.AES: 0xAE,
    Algorithm.KWP: 0x3B,
}
"""First octet of CKA_ID: the token itself remembers the one algorithm that a key is for."""

ID_LENGTH = 16

_USAGES = (
    ck.CKA_SIGN,
    ck.CKA_DECRYPT,
    ck.CKA_ENCRYPT,
    ck.CKA_UNWRAP,
    ck.CKA_WRAP,
    ck.CKA_DERIVE,
    ck.CKA_SIGN_RECOVER,
)
_ONLY_SECRET = (ck.CKA_ENCRYPT, ck.CKA_WRAP)
"""Usages that a private key has not."""


class UnfitKey(Exception):
    """The key could leave the token or do more than its algorithm needs."""


@dataclass(frozen=True, slots=True)
class _Making:
    object_class: int
    mechanism: int
    public: Mapping[int, AttributeValue]
    own: Mapping[int, AttributeValue]
    usages: tuple[int, ...]
    kept: bool = True
    extractable: bool = False

    def attributes(self) -> dict[int, AttributeValue]:
        """Return what every key is told: where it lives, and that its value is never shown."""
        return {
            **self.own,
            ck.CKA_TOKEN: self.kept,
            ck.CKA_PRIVATE: True,
            ck.CKA_SENSITIVE: True,
            ck.CKA_EXTRACTABLE: self.extractable,
            **{usage: usage in self.usages for usage in _USAGES},
        }


def _pair(mechanism: int, public: Mapping[int, AttributeValue]) -> _Making:
    return _Making(ck.CKO_PRIVATE_KEY, mechanism, public, {}, (ck.CKA_SIGN,))


def _secret(mechanism: int, kind: int, usages: tuple[int, ...]) -> _Making:
    own: dict[int, AttributeValue] = {ck.CKA_KEY_TYPE: kind, ck.CKA_VALUE_LEN: 32}
    return _Making(ck.CKO_SECRET_KEY, mechanism, {}, own, usages)


_RSA: dict[int, AttributeValue] = {
    ck.CKA_MODULUS_BITS: 2048,
    ck.CKA_PUBLIC_EXPONENT: b"\x01\x00\x01",
}
_CURVES = {
    Algorithm.ES256: (ck.CKM_EC_KEY_PAIR_GEN, (_P256,)),
    Algorithm.EDDSA: (ck.CKM_EC_EDWARDS_KEY_PAIR_GEN, _ED25519_FORMS),
}

_KEY_TYPES = {Algorithm.ES256: ck.CKK_EC, Algorithm.EDDSA: ck.CKK_EC_EDWARDS}


def _makings(algorithm: Algorithm) -> list[_Making]:
    if algorithm in _CURVES:
        mechanism, forms = _CURVES[algorithm]
        return [_pair(mechanism, {ck.CKA_EC_PARAMS: form}) for form in forms]
    if algorithm in (Algorithm.RS256, Algorithm.PS256):
        return [_pair(ck.CKM_RSA_PKCS_KEY_PAIR_GEN, _RSA)]
    if algorithm is Algorithm.HMAC:
        return [_secret(ck.CKM_GENERIC_SECRET_KEY_GEN, ck.CKK_GENERIC_SECRET, (ck.CKA_SIGN,))]
    if algorithm is Algorithm.AES:
        return [_secret(ck.CKM_AES_KEY_GEN, ck.CKK_AES, (ck.CKA_ENCRYPT, ck.CKA_DECRYPT))]
    if algorithm is Algorithm.KWP:
        return [_secret(ck.CKM_AES_KEY_GEN, ck.CKK_AES, (ck.CKA_WRAP, ck.CKA_UNWRAP))]
    raise NotSupported(0x70, f"{algorithm} is not known to this binding:")


def new_id(algorithm: Algorithm, random: bytes) -> bytes:
    """Return a CKA_ID for a new key: its algorithm, then random octets. Raises NotSupported."""
    if algorithm not in _CODES:
        raise NotSupported(0x70, f"{algorithm} is not known to this binding:")
    return bytes((_CODES[algorithm],)) + random[: ID_LENGTH - 1]


def serves(key_id: bytes, algorithm: Algorithm) -> bool:
    """Say whether the key with this CKA_ID was made for ``algorithm``."""
    return key_id[:1] == bytes((_CODES.get(algorithm, 0),))


def object_class(algorithm: Algorithm) -> int:
    """Return CKO_PRIVATE_KEY or CKO_SECRET_KEY: where the secret part of such a key lies."""
    return _makings(algorithm)[0].object_class


def make(session: Session, algorithm: Algorithm, key_id: bytes, label: bytes) -> None:
    """Make a key on the token and audit it. ``session`` must be a writing one.

    Raises UnfitKey after destroying a key that the token made differently from what was asked.
    """
    named: dict[int, AttributeValue] = {ck.CKA_ID: key_id, ck.CKA_LABEL: label}
    handles = _first_accepted(session, _makings(algorithm), named)
    try:
        audit(session, handles[-1], algorithm)
    except UnfitKey:
        for handle in handles:
            session.destroy(handle)
        raise


def make_in_session(
    session: Session, algorithm: Algorithm, *, extractable: bool = False
) -> tuple[int, int]:
    """Make a pair that ends with the session, unaudited; return its public and private handle.

    An ``extractable`` key can leave under a wrapping key; its value is as secret as the other's.
    """
    makings = [
        replace(making, kept=False, extractable=extractable) for making in _makings(algorithm)
    ]
    public, private = _first_accepted(session, makings, {})
    return public, private


def unwrapped(algorithm: Algorithm, *, extractable: bool = False) -> dict[int, AttributeValue]:
    """Return what a key may do that was wrapped outside and is in a session now: sign.

    An ``extractable`` one may leave under a wrapping key once more.
    """
    (making, *_) = _makings(algorithm)
    values: dict[int, AttributeValue] = {
        ck.CKA_CLASS: ck.CKO_PRIVATE_KEY,
        ck.CKA_KEY_TYPE: _KEY_TYPES[algorithm],
    }
    values |= replace(making, kept=False, extractable=extractable).attributes()
    for only_secret in _ONLY_SECRET:
        del values[only_secret]
    return values


def _first_accepted(
    session: Session, makings: list[_Making], named: Mapping[int, AttributeValue]
) -> tuple[int, ...]:
    for making in makings[:-1]:
        try:
            return _make(session, making, named)
        except (NotSupported, BadArgument):
            continue
    return _make(session, makings[-1], named)


def _make(
    session: Session, making: _Making, named: Mapping[int, AttributeValue]
) -> tuple[int, ...]:
    secret = {**making.attributes(), **named}
    mechanism = Mechanism(making.mechanism)
    if making.object_class == ck.CKO_SECRET_KEY:
        del secret[ck.CKA_SIGN_RECOVER]
        return (session.generate_key(mechanism, {**secret, ck.CKA_VERIFY: False}),)
    for only_secret in _ONLY_SECRET:
        del secret[only_secret]
    public = {
        **making.public,
        **named,
        ck.CKA_TOKEN: making.kept,
        ck.CKA_PRIVATE: False,
        ck.CKA_VERIFY: True,
        ck.CKA_ENCRYPT: False,
        ck.CKA_WRAP: False,
    }
    return session.generate_pair(mechanism, public, secret)


def audit(session: Session, key: int, algorithm: Algorithm, *, extractable: bool = False) -> bytes:
    """Raise UnfitKey unless the key never leaves the token and does one thing only.

    An ``extractable`` key may leave under a wrapping key. Returns the attributes that are recorded
    as evidence, see ``recorded.said``: CKA_LOCAL among them is not held to, for NSS softoken says
    false of what it made itself, and a key that came from outside never was CKA_ALWAYS_SENSITIVE
    (PKCS#11 v2.40 §4.9).
    """
    wanted = dict.fromkeys((ck.CKA_SENSITIVE, ck.CKA_ALWAYS_SENSITIVE), b"\x01")
    wanted[ck.CKA_EXTRACTABLE] = b"\x01" if extractable else b"\x00"
    if not extractable:
        wanted[ck.CKA_NEVER_EXTRACTABLE] = b"\x01"
    usages = _makings(algorithm)[0].usages
    wanted |= {usage: b"\x01" if usage in usages else b"\x00" for usage in _USAGES}
    kinds = [*wanted, ck.CKA_LOCAL]
    if extractable:
        kinds.append(ck.CKA_NEVER_EXTRACTABLE)
    is_ = dict(zip(kinds, session.read(key, kinds, longest=8), strict=True))
    for kind, value in wanted.items():
        absent_is_false = is_[kind] is None and value == b"\x00" and kind in _USAGES
        if is_[kind] != value and not absent_is_false:
            raise UnfitKey(f"attribute 0x{kind:x} of the key is not as it must be")
    return octets([is_[kind] for kind in RECORDED.values()])
