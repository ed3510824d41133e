"""What an organisation's word says beside its digests: the plans, as text that anybody can read.

A digest alone does not say what is written around it: which structure, what it commits to, under
which names. The word holds the hash of this text, so the service can change none of it.
"""

import hashlib
from collections.abc import Sequence

import msgspec

from keystore.signing.digests import HashAlgorithm
from keystore.signing.plans import CosePlan, JwsPlan, Plan

_DOMAIN = b"symbolon plans\0"


def text_of(plans: Sequence[Plan], algorithm: HashAlgorithm) -> str:
    """Return the plans as JSON: a list for each, its kind first, no space between.

    Where a structure holds its content, the text has the content's digest.
    """
    return msgspec.json.encode([_without_content(one, algorithm) for one in plans]).decode()


def plan_hash(text: str) -> bytes:
    """Return the SHA-256 hash of such a text."""
    return hashlib.sha256(_DOMAIN + text.encode()).digest()


def _without_content(plan: Plan, algorithm: HashAlgorithm) -> Plan:
    if isinstance(plan, JwsPlan | CosePlan) and plan.content:
        return msgspec.structs.replace(plan, content=algorithm.of(plan.content))
    return plan
