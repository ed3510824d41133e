"""The request (PKCS#10) with which a root elsewhere is asked to certify our issuing authority."""

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.serialization import load_der_public_key

from keystore.authority import capturing
from keystore.authority.capturing import Unsigned
from keystore.authority.extensions import Naming
from keystore.authority.profiles import PROFILES, Kind, key_usage


def request_of(public: bytes, subject: x509.Name, naming: Naming) -> Unsigned:
    """Return the request of the issuing key with this public part (DER), as ``subject``.

    It names the extensions that the certificate is to have (RFC 2985 §5.4.2), so that the root can
    copy them. Whoever holds the key signs it: that is the proof of possession.
    """
    profile = PROFILES[Kind.ISSUING]
    holder: CertificatePublicKeyTypes = load_der_public_key(public)  # type: ignore[assignment]
    policy = x509.PolicyInformation(x509.ObjectIdentifier(naming.policy_of(Kind.ISSUING)), None)
    builder = (
        x509.CertificateSigningRequestBuilder(subject)
        .add_extension(x509.BasicConstraints(ca=True, path_length=profile.depth), critical=True)
        .add_extension(key_usage(profile), critical=True)
        .add_extension(x509.CertificatePolicies([policy]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(holder), critical=False)
    )
    return capturing.request(builder, public)


def policies_below(naming: Naming) -> frozenset[str]:
    """Return every policy under which the issuing authority certifies."""
    below = (naming.policy_of(kind) for kind in Kind if kind is not Kind.ISSUING)
    return frozenset(filter(None, below))
