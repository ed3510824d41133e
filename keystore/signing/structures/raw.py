"""A digest that is signed as it is: nothing is built around it."""

from keystore.signing.digests import HashAlgorithm
from keystore.signing.plans import RawPlan
from keystore.signing.structures.structure import BadPlan, Built, Ground


def build(plan: RawPlan, ground: Ground) -> Built:
    """Return the approved digest, which is not hashed again; raise BadPlan for another hash."""
    if ground.hash_algorithm is not HashAlgorithm.SHA256:
        raise BadPlan("a stored credential signs SHA-256 digests as they are, and no others")
    return Built(parts=(), signed=ground.digest(plan.digest))
