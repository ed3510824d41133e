"""How each algorithm signs on a token: what is hashed here, and with which mechanism."""

from collections.abc import Callable, Sequence
from hashlib import sha256

from keystore.backends.backend import Algorithm
from keystore.pkcs11 import constants as ck
from keystore.pkcs11.public import Verification
from keystore.pkcs11.session import Session
from keystore.pkcs11.structures import Mechanism, PssParameters

# DigestInfo of SHA-256 (RFC 8017 §9.2 note 1)
_DIGEST_INFO = bytes.fromhex("3031300d060960864801650304020105000420")

_MECHANISMS = {
    Algorithm.ES256: Mechanism(ck.CKM_ECDSA),
    Algorithm.RS256: Mechanism(ck.CKM_RSA_PKCS),
    Algorithm.PS256: Mechanism(
        ck.CKM_RSA_PKCS_PSS, PssParameters(ck.CKM_SHA256, ck.CKG_MGF1_SHA256, 32)
    ),
    Algorithm.EDDSA: Mechanism(ck.CKM_EDDSA),
}


def _hashed(message: bytes) -> bytes:
    return sha256(message).digest()


# Hashing outside works on every module and keeps documents out of the HSM's channel.
_TO_BE_SIGNED: dict[Algorithm, Callable[[bytes], bytes]] = {
    Algorithm.ES256: _hashed,
    Algorithm.RS256: lambda message: _DIGEST_INFO + _hashed(message),
    Algorithm.PS256: _hashed,
    Algorithm.EDDSA: lambda message: message,
}


def digest_signatures(
    session: Session, key: int, prove: Verification | None, digests: Sequence[bytes]
) -> list[bytes]:
    """Return a proved ECDSA signature of each SHA-256 digest. Raises as ``signatures``."""
    made = []
    for digest in digests:
        signature = session.sign(_MECHANISMS[Algorithm.ES256], key, digest)
        if prove is not None:
            prove(signature, digest)
        made.append(signature)
    return made


def signatures(
    session: Session,
    key: int,
    algorithm: Algorithm,
    prove: Verification | None,
    messages: Sequence[bytes],
) -> list[bytes]:
    """Return a proved signature per message. Raises BadSignature, Pkcs11Error."""
    mechanism, prepared = _MECHANISMS[algorithm], _TO_BE_SIGNED[algorithm]
    made = []
    for message in messages:
        signature = session.sign(mechanism, key, prepared(message))
        if prove is not None:
            prove(signature, message)
        made.append(signature)
    return made
