"""credentials/authorize, authorizeCheck, getChallenge and extendTransaction (§11.6 to §11.9).

People approve in OAuth (``auth/mode`` oauth2code) and nowhere else: a PIN or code that passes
through the caller's hands would not keep control with the signer (ETSI TS 119 432 §8, SCAL2). So
what these methods can do is to turn an approval that the caller already has into a SAD.
"""

from dataclasses import dataclass

from esignet.protocol.csc.algorithms import digest, hash_algorithm
from esignet.protocol.csc.faults import (
    EMPTY_HASHES,
    HASH_NOT_BASE64,
    INVALID_AUTHENTICATION,
    NOT_ONE,
    TOO_MANY,
    CscError,
    missing,
)
from esignet.protocol.csc.fields import LONGEST_TOKEN, Fields
from esignet.protocol.csc.version import V1, Version
from keystore.signing.digests import MOST, HashAlgorithm


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorizing:
    """``digests`` is every digest that shall be signed under the SAD, in their order."""

    credential: str
    digests: tuple[bytes, ...]
    algorithm: HashAlgorithm
    sad: str = ""


def authorize(fields: Fields, version: Version) -> Authorizing:
    """Return what is asked of credentials/authorize. A PIN, code or answer is never right."""
    credential = fields.text("credentialID")
    count = fields.whole("numSignatures")
    if count < 1:
        raise CscError(NOT_ONE)
    if count > MOST:
        raise CscError(TOO_MANY)
    if any(fields.members.get(name) not in (None, "", []) for name in ("authData", "PIN", "OTP")):
        raise CscError(INVALID_AUTHENTICATION)
    algorithm, digests = _digests(fields, version)
    if count != len(digests):
        raise CscError(NOT_ONE)
    return Authorizing(credential=credential, digests=digests, algorithm=algorithm)


def extend(fields: Fields, version: Version) -> Authorizing:
    """Return what is asked of credentials/extendTransaction."""
    credential = fields.text("credentialID")
    sad = fields.text("SAD", LONGEST_TOKEN)
    algorithm, digests = _digests(fields, version)
    return Authorizing(credential=credential, digests=digests, algorithm=algorithm, sad=sad)


def _digests(fields: Fields, version: Version) -> tuple[HashAlgorithm, tuple[bytes, ...]]:
    """Return the digests, which a SAD is always bound to (SCAL2). v1 tells no algorithm here."""
    listed = fields.listed(version.hashes)
    if not listed:
        raise CscError(EMPTY_HASHES)
    if len(listed) > MOST:
        raise missing("array", version.hashes)
    algorithm = HashAlgorithm.SHA256
    if version is not V1 or fields.has(version.hash_algorithm):
        algorithm = hash_algorithm(fields, version.hash_algorithm)
    return algorithm, tuple(digest(one, algorithm, HASH_NOT_BASE64) for one in listed)
