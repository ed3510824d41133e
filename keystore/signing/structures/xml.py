"""The SignedProperties and SignedInfo of a XAdES signature, over approved digests.

Both are written in their canonical form (Exclusive XML Canonicalization 1.0), so that the octets
which stand in the document are the octets that are digested and signed, and no parser is needed.
"""

import re
from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime

from keystore.signing.digests import HashAlgorithm
from keystore.signing.plans import Transform, XmlPlan, XmlReference
from keystore.signing.structures.structure import BadPlan, Built, Ground
from keystore.signing.structures.texts import check_media_type, check_uri, commitment_urn

DS = "http://www.w3.org/2000/09/xmldsig#"
XADES = "http://uri.etsi.org/01903/v1.3.2#"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
ENVELOPED = DS + "enveloped-signature"
BASE64 = DS + "base64"
XPATH = "http://www.w3.org/TR/1999/REC-xpath-19991116"
NO_SIGNATURES = "not(ancestor-or-self::ds:Signature)"
SIGNED_PROPERTIES = "http://uri.etsi.org/01903#SignedProperties"

DIGEST_METHODS: Mapping[HashAlgorithm, str] = {
    HashAlgorithm.SHA256: "http://www.w3.org/2001/04/xmlenc#sha256",
    HashAlgorithm.SHA384: "http://www.w3.org/2001/04/xmldsig-more#sha384",
    HashAlgorithm.SHA512: "http://www.w3.org/2001/04/xmlenc#sha512",
}
"""RFC 9231 §2.1; W3C XML Encryption 1.1 §5.7."""

_MORE = "http://www.w3.org/2001/04/xmldsig-more#"
_MGF1 = "http://www.w3.org/2007/05/xmldsig-more#"
SIGNATURE_METHODS: Mapping[str, str] = {
    **{f"ES{bits}": f"{_MORE}ecdsa-sha{bits}" for bits in (256, 384, 512)},
    **{f"RS{bits}": f"{_MORE}rsa-sha{bits}" for bits in (256, 384, 512)},
    **{f"PS{bits}": f"{_MGF1}sha{bits}-rsa-MGF1" for bits in (256, 384, 512)},
    "EdDSA": "http://www.w3.org/2021/04/xmldsig-more#eddsa-ed25519",
}
"""By JWS names (RFC 9231 §2.3)."""

_ID = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")
_FRAGMENT = re.compile(r"#[A-Za-z_][A-Za-z0-9_.-]{0,127}")


def properties_id(stem: str) -> str:
    """Return the Id of the SignedProperties of the signature ``stem``."""
    return f"{stem}-properties"


def value_id(stem: str) -> str:
    """Return the Id of the SignatureValue of the signature ``stem``."""
    return f"{stem}-value"


def build(plan: XmlPlan, ground: Ground) -> Built:
    """Return SignedProperties and SignedInfo; what is signed is SignedInfo (XMLDSIG §3.1.2).

    Raises BadPlan: a digest that was not approved, a text that is no identifier, address or media
    type, two references to the same thing.
    """
    if not _ID.fullmatch(plan.id):
        raise BadPlan("the Id of a signature is a name of letters, digits, _ and -")
    if not plan.references:
        raise BadPlan("a signature signs something")
    if len({reference.uri for reference in plan.references}) != len(plan.references):
        raise BadPlan("two references point at the same thing")
    method = SIGNATURE_METHODS.get(ground.alg)
    if method is None:
        raise BadPlan(f"XML signatures have no name for {ground.alg}")
    properties = _signed_properties(plan, ground)
    signed_info = _references(plan, ground, method, properties)
    return Built(parts=(properties, signed_info), signed=signed_info)


def _signed_properties(plan: XmlPlan, ground: Ground) -> bytes:
    """Return ETSI EN 319 132-1 §5.2: signing time, certificate, what each object is."""
    moment = datetime.fromtimestamp(ground.now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    certificate = ground.hash_algorithm.of(ground.certificate)
    formats = "".join(
        f'<xades:DataObjectFormat ObjectReference="#{plan.id}-reference-{place}">'
        f"<xades:MimeType>{check_media_type(reference.media_type)}</xades:MimeType>"
        f"</xades:DataObjectFormat>"
        for place, reference in enumerate(plan.references)
    )
    return (
        f'<xades:SignedProperties xmlns:xades="{XADES}" Id="{properties_id(plan.id)}">'
        f"<xades:SignedSignatureProperties><xades:SigningTime>{moment}</xades:SigningTime>"
        f"<xades:SigningCertificateV2><xades:Cert><xades:CertDigest>"
        f"{_digest(ground.hash_algorithm, certificate, declared=True)}"
        f"</xades:CertDigest></xades:Cert></xades:SigningCertificateV2>"
        f"</xades:SignedSignatureProperties><xades:SignedDataObjectProperties>"
        f"{formats}{_commitment(plan.commitment)}"
        f"</xades:SignedDataObjectProperties></xades:SignedProperties>"
    ).encode()


def _commitment(dotted: str) -> str:
    if not dotted:
        return ""
    return (
        f"<xades:CommitmentTypeIndication><xades:CommitmentTypeId>"
        f'<xades:Identifier Qualifier="OIDAsURN">{commitment_urn(dotted)}</xades:Identifier>'
        f"</xades:CommitmentTypeId><xades:AllSignedDataObjects></xades:AllSignedDataObjects>"
        f"</xades:CommitmentTypeIndication>"
    )


def _references(plan: XmlPlan, ground: Ground, method: str, properties: bytes) -> bytes:
    algorithm = ground.hash_algorithm
    references = "".join(
        f'<ds:Reference Id="{plan.id}-reference-{place}" URI="{_address(reference)}">'
        f"{_transforms(_STEPS[reference.transform])}"
        f"{_digest(algorithm, ground.digest(reference.digest))}</ds:Reference>"
        for place, reference in enumerate(plan.references)
    )
    # Without the Transform a verifier takes inclusive canonicalisation (XMLDSIG §4.4.3.2), which
    # gives other octets as soon as the signature stands below namespaces.
    own = (
        f'<ds:Reference Type="{SIGNED_PROPERTIES}" URI="#{properties_id(plan.id)}">'
        f"{_transforms((_step(EXCLUSIVE),))}"
        f"{_digest(algorithm, algorithm.of(properties))}</ds:Reference>"
    )
    return (
        f'<ds:SignedInfo xmlns:ds="{DS}">'
        f'<ds:CanonicalizationMethod Algorithm="{EXCLUSIVE}"></ds:CanonicalizationMethod>'
        f'<ds:SignatureMethod Algorithm="{method}"></ds:SignatureMethod>'
        f"{references}{own}</ds:SignedInfo>"
    ).encode()


def _digest(algorithm: HashAlgorithm, digest: bytes, *, declared: bool = False) -> str:
    """Return DigestMethod and DigestValue; ``declared`` where ``ds`` is not in scope."""
    scope = f' xmlns:ds="{DS}"' if declared else ""
    return (
        f'<ds:DigestMethod{scope} Algorithm="{DIGEST_METHODS[algorithm]}"></ds:DigestMethod>'
        f"<ds:DigestValue{scope}>{b64encode(digest).decode()}</ds:DigestValue>"
    )


def _step(algorithm: str, content: str = "") -> str:
    return f'<ds:Transform Algorithm="{algorithm}">{content}</ds:Transform>'


def _transforms(steps: tuple[str, ...]) -> str:
    return f"<ds:Transforms>{''.join(steps)}</ds:Transforms>" if steps else ""


_STEPS: Mapping[Transform, tuple[str, ...]] = {
    Transform.NONE: (),
    Transform.BASE64: (_step(BASE64),),
    Transform.ENVELOPED: (_step(ENVELOPED), _step(EXCLUSIVE)),
    Transform.PARALLEL: (
        _step(XPATH, f"<ds:XPath>{NO_SIGNATURES}</ds:XPath>"),
        _step(EXCLUSIVE),
    ),
}


def _address(reference: XmlReference) -> str:
    """Return the URI as an attribute's value, or raise BadPlan unless it suits the transform."""
    uri = reference.uri
    if reference.transform in (Transform.ENVELOPED, Transform.PARALLEL):
        if uri:
            raise BadPlan("an enveloped signature signs the document around it")
        return ""
    if reference.transform is Transform.BASE64:
        if not _FRAGMENT.fullmatch(uri):
            raise BadPlan("an enveloping signature points at an object inside it")
        return uri
    return check_uri(uri).replace("&", "&amp;")
