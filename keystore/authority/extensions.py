"""What a certificate says beside its holder and its key (RFC 5280 §4.2), by its profile."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.x509.oid import AuthorityInformationAccessOID

from keystore.authority.addresses import STATUS_PATH, certificate_path, list_path
from keystore.authority.lists import key_identifier
from keystore.authority.profiles import COMMITTING, Kind, Profile, key_usage
from keystore.x509.parsed import parsed

Extension = tuple[x509.ExtensionType, bool]
"""What it says, and whether it is critical."""

ANY_POLICY = "2.5.29.32.0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Naming:
    """How the authority is called, and under which address its answers are (no slash at the end).

    ``policy`` is the object identifier under which signers are certified, ``policies`` those of
    kinds that have one of their own. ``lifetimes`` (seconds) take the place of a profile's.
    """

    country: str
    organization: str
    address: str
    policy: str
    policies: Mapping[Kind, str] = field(default_factory=dict)
    lifetimes: Mapping[Kind, int] = field(default_factory=dict)

    def policy_of(self, kind: Kind) -> str:
        """Return the policy under which a certificate of ``kind`` is made, empty for none."""
        if kind is Kind.ISSUING:
            return ANY_POLICY  # else no policy below it is valid (RFC 5280 §6.1.3)
        if kind in COMMITTING or kind is Kind.STAMPING:
            return self.policies.get(kind, self.policy)
        return ""


class Extensions:
    """The extensions of what one authority makes; what they share is made once per issuer."""

    def __init__(self, naming: Naming) -> None:
        self._naming = naming
        self._shared: dict[tuple[Profile, bytes], list[Extension]] = {}

    def of(
        self, key: CertificatePublicKeyTypes, issuer: bytes | None, profile: Profile
    ) -> list[Extension]:
        """Return each extension of the certificate of ``key``, and whether it is critical.

        ``issuer`` is the certificate above it in DER, None for a root.
        """
        shared = self._shared.get((profile, issuer or b""))
        if shared is None:
            above = None if issuer is None else parsed(issuer)
            shared = self._shared[profile, issuer or b""] = _shared(above, profile, self._naming)
        named = x509.SubjectKeyIdentifier.from_public_key(key)
        return [*shared[:2], (named, False), *shared[2:]]


def _shared(issuer: x509.Certificate | None, profile: Profile, naming: Naming) -> list[Extension]:
    found: list[Extension] = [
        (x509.BasicConstraints(profile.is_authority, profile.depth), True),
        (key_usage(profile), True),
    ]
    if issuer is not None:
        key_id = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
        found += [
            (key_identifier(issuer), False),
            (_access(profile, key_id, naming.address), False),
            (_points(key_id, naming.address), False),
        ]
    if profile.usage is not None:
        found.append((x509.ExtendedKeyUsage([profile.usage]), True))
    if profile.kind is Kind.STATUS:
        found.append((x509.OCSPNoCheck(), False))
    if policy := naming.policy_of(profile.kind):
        named = x509.PolicyInformation(x509.ObjectIdentifier(policy), None)
        found.append((x509.CertificatePolicies([named]), False))
    return found


def _access(
    profile: Profile, issuer: x509.SubjectKeyIdentifier, address: str
) -> x509.AuthorityInformationAccess:
    """Where the issuer's certificate is, and who answers about this one (§4.2.2.1)."""
    places = [(AuthorityInformationAccessOID.CA_ISSUERS, certificate_path(issuer.digest))]
    if profile.is_answered:
        places.insert(0, (AuthorityInformationAccessOID.OCSP, STATUS_PATH))
    return x509.AuthorityInformationAccess(
        [
            x509.AccessDescription(kind, x509.UniformResourceIdentifier(address + path))
            for kind, path in places
        ]
    )


def _points(issuer: x509.SubjectKeyIdentifier, address: str) -> x509.CRLDistributionPoints:
    place = x509.UniformResourceIdentifier(address + list_path(issuer.digest))
    return x509.CRLDistributionPoints([x509.DistributionPoint([place], None, None, None)])
