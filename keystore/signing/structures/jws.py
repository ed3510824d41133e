"""A detached JWS over content whose digest was approved (RFC 7797)."""

import hmac

from keystore.signing.plans import JwsPlan
from keystore.signing.structures import jose_header
from keystore.signing.structures.structure import BadPlan, Built, Ground


def build(plan: JwsPlan, ground: Ground) -> Built:
    """Return the encoded header; what is signed is the header, a dot, and the content as it is.

    Raises BadPlan: the content is not what was approved, a media type that is none.
    """
    check_content(plan.content, plan.digest, ground)
    header = jose_header.signer(ground) | {"b64": False, "crit": ["b64"]}
    if plan.media_type:
        header["cty"] = jose_header.content_type(plan.media_type)
    encoded = jose_header.encoded(header)
    return Built(parts=(encoded,), signed=encoded + b"." + plan.content)


def check_content(content: bytes, place: int, ground: Ground) -> None:
    """Raise BadPlan unless ``content`` has the digest that was approved at ``place``."""
    if not hmac.compare_digest(ground.hash_algorithm.of(content), ground.digest(place)):
        raise BadPlan("the content is not what was approved")
