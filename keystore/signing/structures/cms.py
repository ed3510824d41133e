"""The signed attributes of a CAdES or PAdES signature, over one approved digest."""

import re

from keystore.der import cms, oids
from keystore.der.algorithms import signature_algorithm
from keystore.der.writer import oid, sequence, utf8
from keystore.signing.plans import CmsPlan
from keystore.signing.structures.structure import BadPlan, Built, Ground
from keystore.signing.structures.texts import check_media_type

_COMMITMENT = re.compile(r"[01]\.[0-9]{1,2}(\.(0|[1-9][0-9]{0,9})){1,20}")


def build(plan: CmsPlan, ground: Ground) -> Built:
    """Return the one part, the SET OF signed attributes, which is also what is signed.

    Raises BadPlan: a digest that was not approved, a text that is no media type or object
    identifier, a hash that cannot go with the key.
    """
    return attributes_over(ground.digest(plan.digest), plan, ground)


def attributes_over(digest: bytes, plan: CmsPlan, ground: Ground) -> Built:
    """Return the signed attributes over ``digest``; ``plan`` says which there are beside it."""
    hash_oid = ground.hash_algorithm.oid
    if signature_algorithm(ground.alg).hash_oid != hash_oid:
        raise BadPlan(f"a CMS signature by {ground.alg} goes with another hash (RFC 8933 §3)")
    attributes = cms.SignedAttributes(
        digest=digest,
        hash_oid=hash_oid,
        certificate=ground.certificate,
        signing_time=ground.now if plan.signing_time else None,
        extra=[cms.algorithm_protection(hash_oid, ground.alg), *_wished(plan)],
    ).der()
    return Built(parts=(attributes,), signed=attributes)


def _wished(plan: CmsPlan) -> list[bytes]:
    wished = []
    if plan.commitment:
        if not _COMMITMENT.fullmatch(plan.commitment):
            raise BadPlan("a commitment is no object identifier")
        wished.append(cms.attribute(oids.COMMITMENT_TYPE, sequence(oid(plan.commitment))))
    if plan.media_type:
        media_type = check_media_type(plan.media_type)
        wished.append(cms.attribute(oids.MIME_TYPE, utf8(media_type)))
    return wished
