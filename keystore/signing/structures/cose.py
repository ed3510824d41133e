"""The protected header and the Sig_structure of a COSE_Sign1, over an approved digest."""

import hashlib
from typing import Any

import cbor2

from keystore.signing.digests import HashAlgorithm
from keystore.signing.plans import CosePlan
from keystore.signing.structures.jws import check_content
from keystore.signing.structures.structure import BadPlan, Built, Ground
from keystore.signing.structures.texts import check_media_type

ALG, CONTENT_TYPE, CWT_CLAIMS, X5CHAIN, X5T = 1, 3, 15, 33, 34
"""Labels of RFC 9052 §3.1, RFC 9597 §2, RFC 9360 §2."""

HASH_OF_PAYLOAD, TYPE_BEFORE_HASH = 258, 259
"""Labels of the COSE hash envelope: the payload is the digest of what is signed."""

ISSUED_AT = 6
"""The claim of RFC 8392 §3.1.6: when the signature was made, as its maker says."""

ALGORITHMS = {
    **{"ES256": -7, "ES384": -35, "ES512": -36, "EdDSA": -8},
    **{"PS256": -37, "PS384": -38, "PS512": -39},
    **{"RS256": -257, "RS384": -258, "RS512": -259},
}
HASHES = {HashAlgorithm.SHA256: -16, HashAlgorithm.SHA384: -43, HashAlgorithm.SHA512: -44}
"""RFC 9053 §2, RFC 8812 §2, RFC 9054 §2.1."""


def build(plan: CosePlan, ground: Ground) -> Built:
    """Return the protected header and the payload; what is signed is the Sig_structure.

    With content the payload is the content (RFC 9052 §4.4); without, it is the approved digest in
    a hash envelope. CBOR is deterministic (RFC 8949 §4.2). Raises BadPlan: the content is not what
    was approved, a media type that is none.
    """
    if ground.alg not in ALGORITHMS:
        raise BadPlan(f"COSE has no name for {ground.alg}")
    chain = [ground.certificate, *ground.chain]
    header: dict[int, Any] = {
        ALG: ALGORITHMS[ground.alg],
        CWT_CLAIMS: {ISSUED_AT: ground.now},
        X5CHAIN: chain if ground.chain else ground.certificate,
        X5T: [HASHES[HashAlgorithm.SHA256], hashlib.sha256(ground.certificate).digest()],
    }
    type_label = CONTENT_TYPE
    payload = plan.content
    if payload:
        check_content(payload, plan.digest, ground)
    else:
        payload = ground.digest(plan.digest)
        header[HASH_OF_PAYLOAD] = HASHES[ground.hash_algorithm]
        type_label = TYPE_BEFORE_HASH
    if plan.media_type:
        header[type_label] = check_media_type(plan.media_type)
    protected = cbor2.dumps(header, canonical=True)
    return Built(parts=(protected, payload), signed=to_be_signed(protected, payload))


def to_be_signed(protected: bytes, payload: bytes) -> bytes:
    """Return the Sig_structure of a COSE_Sign1 without external data (RFC 9052 §4.4)."""
    return cbor2.dumps(["Signature1", protected, b"", payload], canonical=True)
