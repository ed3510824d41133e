"""signatures/signHash (v2 §11.10, v1 §11.9): which digests shall be signed, and by whom."""

from dataclasses import dataclass

from esignet.protocol.csc.algorithms import digest, signed_hash
from esignet.protocol.csc.asynchronous import kept_for
from esignet.protocol.csc.faults import EMPTY_HASHES, HASH_NOT_BASE64, CscError, missing
from esignet.protocol.csc.fields import LONGEST_TOKEN, Fields
from esignet.protocol.csc.version import V1, Version
from keystore.signing.digests import MOST, HashAlgorithm


@dataclass(frozen=True, slots=True, kw_only=True)
class SignHash:
    """``sad`` is empty where the token that was presented is itself the approval."""

    credential: str
    sad: str
    algorithm: HashAlgorithm
    digests: tuple[bytes, ...]
    keep: int | None


def sign_hash(fields: Fields, version: Version) -> SignHash:
    """Return what is asked, or raise CscError."""
    sad = fields.maybe_text("SAD", LONGEST_TOKEN) or ""
    credential = fields.text("credentialID")
    listed = fields.listed(version.hashes)
    if not listed:
        raise CscError(EMPTY_HASHES)
    if len(listed) > MOST:
        raise missing("array", version.hashes)
    algorithm = signed_hash(fields, version.hash_algorithm, told_apart=False)
    return SignHash(
        credential=credential,
        sad=sad,
        algorithm=algorithm,
        digests=tuple(digest(one, algorithm, HASH_NOT_BASE64) for one in listed),
        keep=None if version is V1 else kept_for(fields),
    )
