"""The certificate authority: makes its own certificates, drafts and signs those of others.

A certificate is made in two steps, so that its serial number is durably given out before anything
is signed: ``draft`` fixes every octet but the signature, ``sign`` makes that.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_der_public_key
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtensionOID

from config.runtime.clock import Clock
from config.runtime.database.unit import Database, Refused, Write
from config.runtime.entropy import Entropy
from keystore.authority import capturing
from keystore.authority.capturing import Unsigned
from keystore.authority.profiles import BACKDATED, PROFILES, Kind, Profile, key_usage, name_of
from keystore.door import KeyServiceUnavailable
from keystore.purposes import OwnRing
from keystore.rotation import KeyVersion
from keystore.signing.door import AuthorityShown, CertificateSubject
from keystore.stores.authority import AuthorityRecords, IssuedCertificate, OwnCertificate

OwnKey = Callable[[OwnRing], KeyVersion]
"""Returns the active key of one of the key service's own rings; raises NotPermitted."""

SignOwn = Callable[[OwnRing, Sequence[bytes]], Awaitable[list[bytes]]]
"""Signs with that key: r || s of each message."""

LIST_LIFETIME = 7 * 86_400
ROOT_LIST_LIFETIME = 366 * 86_400

_RINGS = {
    Kind.ROOT: OwnRing.ROOT,
    Kind.ISSUING: OwnRing.ISSUING,
    Kind.STAMPING: OwnRing.STAMPING,
    Kind.STATUS: OwnRing.STATUS,
}
_ISSUERS = {Kind.ROOT: Kind.ROOT, Kind.ISSUING: Kind.ROOT}


@dataclass(frozen=True, slots=True, kw_only=True)
class Naming:
    """How the authority is called, and under which address its answers are (no slash at the end).

    ``policy`` is the object identifier under which signers are certified.
    """

    country: str
    organization: str
    address: str
    policy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A certificate that lacks its signature only."""

    issued: IssuedCertificate
    unsigned: Unsigned
    ring: OwnRing
    chain: tuple[bytes, ...]


class Authority:
    """Root, issuing authority, and what they certified. Call ``refresh`` before the rest."""

    def __init__(
        self,
        database: Database,
        own_key: OwnKey,
        sign_own: SignOwn,
        naming: Naming,
        clock: Clock,
        entropy: Entropy,
    ) -> None:
        self._database = database
        self._records = AuthorityRecords(database)
        self._own_key = own_key
        self._sign_own = sign_own
        self._naming = naming
        self._clock = clock
        self._entropy = entropy
        self._certificates: dict[str, OwnCertificate] = {}

    async def refresh(self) -> None:
        """Read the authority's certificates, and make those that its active keys lack."""
        self._certificates = {one.kid: one for one in await self._records.own()}
        for kind, ring in _RINGS.items():
            key = self._own_key(ring)
            if key.kid not in self._certificates:
                await self._certify_own(kind, key)

    async def _certify_own(self, kind: Kind, key: KeyVersion) -> None:
        now = self._clock.now()
        subject = CertificateSubject(
            serial=key.kid[:16],
            country=self._naming.country,
            organization=self._naming.organization,
        )
        named = name_of(subject, f"{self._naming.organization} {_TITLES[kind]}")
        draft = self._draft(key.public, named, PROFILES[kind], now)
        own = OwnCertificate(
            kid=key.kid,
            kind=kind,
            issuer_kid=draft.issued.issuer_kid,
            certificate=await self.sign(draft),
            made_at=now,
        )
        try:
            await self._database.submit(self._records.issue(draft.issued), self._records.keep(own))
        except Refused:  # another key service was quicker
            self._certificates = {one.kid: one for one in await self._records.own()}
            return
        self._certificates[key.kid] = own

    def draft(self, public: bytes, subject: CertificateSubject, kind: Kind, now: int) -> Draft:
        """Return the certificate of ``public`` (SubjectPublicKeyInfo, DER), not yet signed.

        Raises ValueError for a subject that no certificate can name, KeyServiceUnavailable.
        """
        return self._draft(public, name_of(subject), PROFILES[kind], now)

    def issued_write(self, draft: Draft) -> Write:
        """Return the write that gives out the draft's serial number; submit it before signing."""
        return self._records.issue(draft.issued)

    async def sign(self, draft: Draft) -> bytes:
        """Return the certificate in DER."""
        [raw] = await self._sign_own(draft.ring, [draft.unsigned.signed])
        return draft.unsigned.finished(raw)

    def own(self, kind: Kind) -> OwnCertificate:
        """Return the certificate of the active key of ``kind``; raises KeyServiceUnavailable."""
        found = self._certificates.get(self._own_key(_RINGS[kind]).kid)
        if found is None:
            raise KeyServiceUnavailable("the certificate authority is not ready yet")
        return found

    def chain(self, own: OwnCertificate) -> tuple[bytes, ...]:
        """Return what leads from ``own`` to the root, which is last; itself first."""
        found = [own.certificate]
        while own.issuer_kid != own.kid:
            own = self._certificates[own.issuer_kid]
            found.append(own.certificate)
        return tuple(found)

    def issuers(self) -> list[OwnCertificate]:
        """Return every issuing certificate, the newest first."""
        found = [one for one in self._certificates.values() if one.kind is Kind.ISSUING]
        return sorted(found, key=lambda one: -one.made_at)

    async def shown(self, now: int) -> AuthorityShown:
        """Return what anybody may have: every chain, and a fresh list of each active authority."""
        crls = [await self._list(self.own(kind), now) for kind in (Kind.ISSUING, Kind.ROOT)]
        return AuthorityShown(tuple(map(self.chain, self.issuers())), tuple(crls))

    async def _list(self, own: OwnCertificate, now: int) -> bytes:
        is_root = own.kind is Kind.ROOT
        lifetime = ROOT_LIST_LIFETIME if is_root else LIST_LIFETIME
        issuer = x509.load_der_x509_certificate(own.certificate)
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(issuer.subject)
            .last_update(_moment(now))
            .next_update(_moment(now + lifetime))
            .add_extension(x509.CRLNumber(now), critical=False)
            .add_extension(_key_identifier(issuer), critical=False)
        )
        for one in await self._records.revoked(own.kid, now):
            assert one.revoked_at is not None
            entry = x509.RevokedCertificateBuilder().serial_number(int(one.serial, 16))
            builder = builder.add_revoked_certificate(
                entry.revocation_date(_moment(one.revoked_at)).build()
            )
        public = issuer.public_key()
        unsigned = capturing.revocation_list(builder, capturing.spki(public))
        [raw] = await self._sign_own(_RINGS[own.kind], [unsigned.signed])
        return unsigned.finished(raw)

    def _draft(self, public: bytes, subject: x509.Name, profile: Profile, now: int) -> Draft:
        kind = _ISSUERS.get(profile.kind, Kind.ISSUING)
        ring = _RINGS[kind]
        key = self._own_key(ring)
        issuer, chain = None, tuple[bytes, ...]()
        if profile.kind is not Kind.ROOT:
            own = self.own(kind)
            chain = self.chain(own)
            issuer = x509.load_der_x509_certificate(own.certificate)
        serial = int.from_bytes(self._entropy.bytes(16), "big") >> 1 | 1
        not_after = now + profile.lifetime
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer.subject if issuer else subject)
            .public_key(load_der_public_key(public))  # type: ignore[arg-type]
            .serial_number(serial)
            .not_valid_before(_moment(now - BACKDATED))
            .not_valid_after(_moment(not_after))
        )
        for extension, critical in self._extensions(public, issuer, profile):
            builder = builder.add_extension(extension, critical=critical)
        issued = IssuedCertificate(
            serial=f"{serial:x}",
            issuer_kid=key.kid,
            kind=profile.kind,
            not_before=now - BACKDATED,
            not_after=not_after,
        )
        unsigned = capturing.certificate(builder, key.public)
        return Draft(issued=issued, unsigned=unsigned, ring=ring, chain=chain)

    def _extensions(
        self, public: bytes, issuer: x509.Certificate | None, profile: Profile
    ) -> list[tuple[x509.ExtensionType, bool]]:
        key = load_der_public_key(public)
        found: list[tuple[x509.ExtensionType, bool]] = [
            (x509.BasicConstraints(profile.is_authority, profile.depth), True),
            (key_usage(profile), True),
            (x509.SubjectKeyIdentifier.from_public_key(key), False),  # type: ignore[arg-type]
        ]
        if issuer is not None:
            found += [(_key_identifier(issuer), False), (self._access(profile), False)]
            found.append((self._lists(profile), False))
        if profile.usage is not None:
            found.append((x509.ExtendedKeyUsage([profile.usage]), True))
        if profile.kind is Kind.STATUS:
            found.append((x509.OCSPNoCheck(), False))
        if profile.kind in (Kind.ONE_TIME, Kind.STAMPING):
            policy = x509.ObjectIdentifier(self._naming.policy)
            found.append((x509.CertificatePolicies([x509.PolicyInformation(policy, None)]), False))
        return found

    def _access(self, profile: Profile) -> x509.AuthorityInformationAccess:
        """Where the issuer's certificate is, and who answers about this one (§4.2.2.1)."""
        name = "root" if _ISSUERS.get(profile.kind) is Kind.ROOT else "issuing"
        places = [(AuthorityInformationAccessOID.CA_ISSUERS, f"/ca/{name}.crt")]
        if profile.is_answered:
            places.insert(0, (AuthorityInformationAccessOID.OCSP, "/ocsp"))
        return x509.AuthorityInformationAccess(
            [
                x509.AccessDescription(
                    kind, x509.UniformResourceIdentifier(self._naming.address + path)
                )
                for kind, path in places
            ]
        )

    def _lists(self, profile: Profile) -> x509.CRLDistributionPoints:
        name = "root" if _ISSUERS.get(profile.kind) is Kind.ROOT else "issuing"
        place = x509.UniformResourceIdentifier(f"{self._naming.address}/ca/{name}.crl")
        return x509.CRLDistributionPoints([x509.DistributionPoint([place], None, None, None)])


_TITLES = {
    Kind.ROOT: "Root CA",
    Kind.ISSUING: "Signing CA",
    Kind.STAMPING: "Time-Stamping",
    Kind.STATUS: "Status",
}


def _key_identifier(issuer: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    found = issuer.extensions.get_extension_for_oid(ExtensionOID.SUBJECT_KEY_IDENTIFIER).value
    assert isinstance(found, x509.SubjectKeyIdentifier)
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(found)


def _moment(at: int) -> datetime:
    return datetime.fromtimestamp(at, UTC)
