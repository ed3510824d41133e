"""What a certificate says beside its holder and its key (RFC 5280 §4.2), by its profile."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.x509.oid import AuthorityInformationAccessOID

from keystore.authority.addresses import STATUS_PATH, certificate_path, list_path
from keystore.authority.capturing import spki
from keystore.authority.lists import key_identifier
from keystore.authority.pattern import Pattern, pattern
from keystore.authority.profiles import COMMITTING, STAMPERS, Kind, Profile, key_usage
from keystore.x509.parsed import parsed

ANY_POLICY = "2.5.29.32.0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Naming:
    """How the authority is called, and under which address its answers are (no slash at the end).

    ``policy`` is the object identifier under which signers are certified, ``policies`` those of
    kinds that have one of their own. ``lifetimes`` (seconds) take the place of a profile's.
    ``own_root``: whether our root certifies the issuing authority, or one whose key lies elsewhere.
    """

    country: str
    organization: str
    address: str
    policy: str
    policies: Mapping[Kind, str] = field(default_factory=dict)
    lifetimes: Mapping[Kind, int] = field(default_factory=dict)
    own_root: bool = True

    def policy_of(self, kind: Kind) -> str:
        """Return the policy under which a certificate of ``kind`` is made, empty for none."""
        if kind is Kind.ISSUING:
            return ANY_POLICY  # else no policy below it is valid (RFC 5280 §6.1.3)
        if kind in COMMITTING | STAMPERS:
            return self.policies.get(kind, self.policy)
        return ""


class Patterns:
    """What certificates of one profile and issuer share, each made once."""

    def __init__(self, naming: Naming) -> None:
        self._naming = naming
        self._made: dict[tuple[Profile, bytes], Pattern] = {}

    def below(self, issuer: bytes, profile: Profile) -> Pattern:
        """Return the pattern of certificates that the holder of ``issuer`` (DER) signs."""
        named = profile, issuer
        if named not in self._made:
            one = parsed(issuer)
            builder = x509.CertificateBuilder().issuer_name(one.subject)
            extensions = _extensions(one, profile, self._naming)
            self._made[named] = _pattern(builder, extensions, spki(one.public_key()))
        return self._made[named]

    def root(self, name: x509.Name, profile: Profile, public: bytes) -> Pattern:
        """Return the pattern of the one certificate that its holder signs."""
        builder = x509.CertificateBuilder().issuer_name(name)
        return _pattern(builder, _extensions(None, profile, self._naming), public)


def _pattern(
    builder: x509.CertificateBuilder,
    extensions: Iterable[tuple[x509.ExtensionType, bool]],
    by: bytes,
) -> Pattern:
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return pattern(builder, by)


def _extensions(
    issuer: x509.Certificate | None, profile: Profile, naming: Naming
) -> list[tuple[x509.ExtensionType, bool]]:
    """Return each extension but the name of the key, and whether it is critical."""
    found: list[tuple[x509.ExtensionType, bool]] = [
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
