"""The protected header of a JAdES signature that names its objects by their approved digests."""

from typing import Any

from keystore.jose import base64url
from keystore.signing.digests import HashAlgorithm
from keystore.signing.plans import JadesPlan
from keystore.signing.structures import jose_header
from keystore.signing.structures.structure import BadPlan, Built, Ground
from keystore.signing.structures.texts import check_uri, commitment_urn

BY_HASH = "http://uri.etsi.org/19182/ObjectIdByURIHash"
HASH_NAMES = {
    HashAlgorithm.SHA256: "S256",
    HashAlgorithm.SHA384: "S384",
    HashAlgorithm.SHA512: "S512",
}


def build(plan: JadesPlan, ground: Ground) -> Built:
    """Return the encoded header; what is signed is the header, a dot, and nothing.

    The payload is empty by ETSI TS 119 182-1 §5.2.8.3.3. ``b64`` is false, for otherwise the
    digests would be of the base64url form of each file, which nobody who has a digest can give.
    Raises BadPlan: a digest that was not approved, an address or media type that is none.
    """
    if not plan.files:
        raise BadPlan("a signature signs something")
    uris = [check_uri(file.uri) for file in plan.files]
    if len(set(uris)) != len(uris):
        raise BadPlan("two files have the same address")
    digests = [base64url.encode(ground.digest(file.digest)).decode() for file in plan.files]
    header: dict[str, Any] = jose_header.signer(ground) | {
        "b64": False,
        "sigD": {
            "mId": BY_HASH,
            "pars": uris,
            "hashM": HASH_NAMES[ground.hash_algorithm],
            "hashV": digests,
            "ctys": [jose_header.content_type(file.media_type) for file in plan.files],
        },
        "crit": ["b64", "sigD"],
    }
    if plan.commitment:
        header["srCms"] = [{"commId": {"id": commitment_urn(plan.commitment)}}]
        header["crit"] = ["b64", "sigD", "srCms"]
    encoded = jose_header.encoded(header)
    return Built(parts=(encoded,), signed=encoded + b".")
