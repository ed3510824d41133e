"""An ASiC manifest over approved digests, and the signed attributes over the manifest."""

from base64 import b64encode
from urllib.parse import quote

from keystore.signing.digests import HashAlgorithm
from keystore.signing.plans import CmsPlan, ManifestPlan
from keystore.signing.structures.cms import attributes_over
from keystore.signing.structures.structure import BadPlan, Built, Ground
from keystore.signing.structures.texts import check_media_type

NAMESPACE = "http://uri.etsi.org/02918/v1.2.1#"
_DSIG = "http://www.w3.org/2000/09/xmldsig#"
_DIGESTS = {
    HashAlgorithm.SHA256: "http://www.w3.org/2001/04/xmlenc#sha256",
    HashAlgorithm.SHA384: "http://www.w3.org/2001/04/xmldsig-more#sha384",
    HashAlgorithm.SHA512: "http://www.w3.org/2001/04/xmlenc#sha512",
}
_LONGEST = 512


def build(plan: ManifestPlan, ground: Ground) -> Built:
    """Return the signed attributes and the manifest; what is signed are the attributes.

    Raises BadPlan: no files, a name twice, a text that is no name of a file or media type.
    """
    names = [file.uri for file in plan.files]
    if not names or len({*names, plan.uri}) != len(names) + 1:
        raise BadPlan("a manifest names no files, or one of them twice")
    manifest = written(plan, ground).encode()
    attributes = attributes_over(ground.hash_algorithm.of(manifest), CmsPlan(0), ground)
    return Built(parts=(*attributes.parts, manifest), signed=attributes.signed)


def written(plan: ManifestPlan, ground: Ground) -> str:
    """Return the manifest (ETSI EN 319 162-1 Annex A.4): the same plan, the same octets."""
    method = _DIGESTS[ground.hash_algorithm]
    references = "".join(
        f'<asic:DataObjectReference MimeType="{check_media_type(file.media_type)}"'
        f' URI="{_name(file.uri)}">'
        f'<ds:DigestMethod Algorithm="{method}"></ds:DigestMethod>'
        f"<ds:DigestValue>{_base64(ground.digest(file.digest))}</ds:DigestValue>"
        "</asic:DataObjectReference>"
        for file in plan.files
    )
    return (
        f'<asic:ASiCManifest xmlns:asic="{NAMESPACE}" xmlns:ds="{_DSIG}">'
        f'<asic:SigReference MimeType="application/pkcs7-signature" URI="{_name(plan.uri)}">'
        f"</asic:SigReference>{references}</asic:ASiCManifest>"
    )


def _base64(digest: bytes) -> str:
    return b64encode(digest).decode("ascii")


def _name(uri: str) -> str:
    """Return a file's name as a URI reference that means that file alone (RFC 3986 §4.2)."""
    parts = uri.split("/")
    odd = any(part in ("", ".", "..") or part != part.strip() for part in parts)
    if odd or not uri.isprintable() or set(uri) & set('\\:*?"<>|') or len(uri) > _LONGEST:
        raise BadPlan("a file of a container has a name that is not allowed")
    return quote(uri)
