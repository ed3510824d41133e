"""The certificate authority: makes its own certificates, drafts and signs those of others.

A certificate is made in two steps, so that its serial number is durably given out before anything
is signed: ``draft`` fixes every octet but the signature, ``sign`` makes that.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from cryptography import x509

from config.runtime.clock import Clock
from config.runtime.database.unit import Database, Refused, Write
from config.runtime.entropy import Entropy
from keystore.authority.capturing import Unsigned
from keystore.authority.elsewhere import NO_CERTIFICATE, TAKEN_BACK, Elsewhere, is_elsewhere
from keystore.authority.extensions import Naming, Patterns
from keystore.authority.own_keys import OwnKeys
from keystore.authority.pattern import Holder
from keystore.authority.profiles import (
    BACKDATED,
    Kind,
    name_of,
    profiles,
)
from keystore.door import KeyServiceUnavailable, KeyState, NotCertified
from keystore.purposes import OwnRing
from keystore.rotation import KeyVersion
from keystore.signing.door import CertificateSubject
from keystore.stores.authority import AuthorityRecords, IssuedCertificate, OwnCertificate
from keystore.x509.parsed import parsed

SignOwn = Callable[[OwnRing, Sequence[bytes]], Awaitable[list[bytes]]]
"""Signs with that key: r || s of each message."""


RINGS = {
    Kind.ROOT: OwnRing.ROOT,
    Kind.ISSUING: OwnRing.ISSUING,
    Kind.STAMPING: OwnRing.STAMPING,
    Kind.ARCHIVE: OwnRing.ARCHIVE,
    Kind.STATUS: OwnRing.STATUS,
    Kind.EVIDENCE: OwnRing.EVIDENCE,
}
"""The keys that each kind of our own certificates is about."""

_NOT_READY = "the certificate authority is not ready yet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A certificate that lacks its signature only."""

    issued: IssuedCertificate
    unsigned: Unsigned
    issuer: KeyVersion
    chain: tuple[bytes, ...]


class Authority:
    """Root, issuing authority, and what they certified. Call ``refresh`` before the rest."""

    def __init__(
        self,
        database: Database,
        keys: OwnKeys,
        naming: Naming,
        clock: Clock,
        entropy: Entropy,
    ) -> None:
        self._database = database
        self._records = AuthorityRecords(database)
        self._keys = keys
        self._naming = naming
        self._patterns = Patterns(naming)
        self._profiles = profiles(naming.lifetimes)
        self._clock = clock
        self._entropy = entropy
        self._certificates: list[OwnCertificate] = []
        self.elsewhere = Elsewhere(database)

    async def read(self) -> None:
        """Read the authority's certificates, and the lists of roots elsewhere."""
        self._certificates = await self._records.own()
        await self.elsewhere.refresh(self._certificates)

    async def refresh(self) -> None:
        """Read the same, and make the certificates that its keys lack.

        A key has its certificate before it is active. An issuing authority that is new certifies
        the others again; one that was replaced goes on to certify who answers about its own.
        """
        await self.read()
        for kind, ring in RINGS.items():
            for key in self._keys.kept(ring):
                if key.state is KeyState.RETIRING:
                    continue
                for issuer in self._wanted(kind, key):
                    if not self._is_made(key, issuer):
                        await self.certify(kind, key, self.own_name(kind, key), issuer)

    def _wanted(self, kind: Kind, key: KeyVersion) -> Sequence[KeyVersion]:
        """Return the keys that are to certify ``key``."""
        if kind is Kind.ROOT:
            return [key]
        if kind is Kind.STATUS:
            return [one for one in self._keys.kept(OwnRing.ISSUING) if self._is_alive(one)]
        if kind is Kind.ISSUING:
            return [self._keys.own(OwnRing.ROOT)] if self._naming.own_root else []
        return [self.issuing()] if self.lacks() is None else []

    def issuing(self) -> KeyVersion:
        """Return the key that certifies now; raises NotCertified, KeyServiceUnavailable."""
        lacks = self.lacks()
        if lacks is not None:
            raise NotCertified(lacks)
        return self._keys.own(OwnRing.ISSUING)

    def lacks(self) -> str | None:
        """Return what a root elsewhere has to do before anything is certified, None for nothing."""
        kept = self._keys.kept(OwnRing.ISSUING)
        active = next((one for one in kept if one.state is KeyState.ACTIVE), None)
        if active is None:
            return None if self._naming.own_root else NO_CERTIFICATE
        return TAKEN_BACK if self.elsewhere.has_taken_back(active.kid) else None

    def _is_made(self, key: KeyVersion, issuer: KeyVersion) -> bool:
        if key.ring == OwnRing.ISSUING:  # it stays as it is when the root is replaced
            return self.of(key.kid) is not None
        return self.between(key.kid, issuer.kid) is not None

    def _is_alive(self, issuing: KeyVersion) -> bool:
        """Return whether what ``issuing`` certified can still be asked about."""
        own = self.of(issuing.kid)
        return own is not None and expires_at(own) > self._clock.now()

    def own_name(self, kind: Kind, key: KeyVersion) -> x509.Name:
        """Return how the certificate of a key of ours names its holder."""
        subject = CertificateSubject(
            serial=key.kid[:16],
            country=self._naming.country,
            organization=self._naming.organization,
        )
        return name_of(subject, f"{self._naming.organization} {_TITLES[kind]}")

    async def certify(
        self, kind: Kind, key: KeyVersion, subject: x509.Name, issuer: KeyVersion | None = None
    ) -> None:
        """Make and keep the certificate of a key that lies here, by the active authority if not by
        ``issuer``. Raises KeyServiceUnavailable.
        """
        now = self._clock.now()
        issuer = issuer or self.issuing()
        draft = self._draft(key.public, subject, kind, now, issuer)
        own = OwnCertificate(
            kid=key.kid,
            kind=kind,
            issuer_kid=issuer.kid,
            certificate=await self.sign(draft),
            made_at=now,
        )
        try:
            await self._database.submit(self._records.issue(draft.issued), self._records.keep(own))
        except Refused:  # another key service was quicker
            self._certificates = await self._records.own()
            return
        self._certificates.insert(0, own)

    def draft(self, public: bytes, subject: CertificateSubject, kind: Kind, now: int) -> Draft:
        """Return the certificate of ``public`` (SubjectPublicKeyInfo, DER), not yet signed.

        Raises ValueError for a subject that no certificate can name, NotCertified,
        KeyServiceUnavailable.
        """
        return self._draft(public, name_of(subject), kind, now, self.issuing())

    def issued_write(self, draft: Draft) -> Write:
        """Return the write that gives out the draft's serial number; submit it before signing."""
        return self._records.issue(draft.issued)

    async def sign(self, draft: Draft) -> bytes:
        """Return the certificate in DER."""
        [raw] = await self._keys.sign_by(draft.issuer, [draft.unsigned.signed])
        return draft.unsigned.finished(raw)

    def own(self, kind: Kind, *, under: str = "") -> OwnCertificate:
        """Return the certificate of the active key of ``kind``; raises KeyServiceUnavailable.

        ``under`` prefers the one that this issuer made (RFC 6960 §4.2.2.2 wants the asked one's).
        """
        kid = self._keys.own(RINGS[kind]).kid
        found = self.of(kid)
        if found is None:
            raise self.not_ready()
        return self.between(kid, under) or found

    def chain(self, own: OwnCertificate) -> tuple[bytes, ...]:
        """Return what leads from ``own`` to the root, which is last; itself first."""
        found = [own.certificate]
        while own.issuer_kid != own.kid:
            above = self.of(own.issuer_kid)
            assert above is not None, "a certificate is kept after that of its issuer"
            own = above
            found.append(own.certificate)
        return tuple(found)

    def of(self, kid: str) -> OwnCertificate | None:
        """Return the newest certificate of the key ``kid``, None while it has none."""
        return next((one for one in self._certificates if one.kid == kid), None)

    def between(self, kid: str, issuer_kid: str) -> OwnCertificate | None:
        """Return the certificate of the key ``kid`` that ``issuer_kid`` made, None without one."""
        pair = kid, issuer_kid
        return next((one for one in self._certificates if (one.kid, one.issuer_kid) == pair), None)

    def listing(self, kind: Kind) -> list[tuple[KeyVersion, OwnCertificate]]:
        """Return the authorities of ``kind`` that can still sign lists, the active one first."""
        keys = sorted(
            (one for one in self._keys.kept(RINGS[kind]) if one.state is not KeyState.PUBLISHED),
            key=lambda one: one.state is not KeyState.ACTIVE,
        )
        found = [(key, self.of(key.kid)) for key in keys if self._is_alive(key)]
        return [(key, own) for key, own in found if own is not None]

    async def sign_list(self, key: KeyVersion, unsigned: Unsigned) -> bytes:
        """Return the revocation list of one of our authorities, in DER."""
        [raw] = await self._keys.sign_by(key, [unsigned.signed])
        return unsigned.finished(raw)

    def is_own(self, certificate: bytes) -> bool:
        """Return whether it is of a key of the authority itself."""
        return any(one.certificate == certificate for one in self._certificates)

    def issuers(self) -> list[OwnCertificate]:
        """Return every issuing certificate, the newest first."""
        return [one for one in self._certificates if one.kind is Kind.ISSUING]

    def roots_elsewhere(self) -> list[OwnCertificate]:
        """Return the roots whose keys are not here, the newest first."""
        return [one for one in self._certificates if is_elsewhere(one)]

    def not_ready(self) -> KeyServiceUnavailable:
        """Return what is to be raised while a certificate is missing."""
        lacks = self.lacks()
        return NotCertified(lacks) if lacks else KeyServiceUnavailable(_NOT_READY)

    def _ready(self, by: KeyVersion) -> OwnCertificate:
        own = self.of(by.kid)
        if own is None:
            raise self.not_ready()
        return own

    def _draft(
        self, public: bytes, subject: x509.Name, kind: Kind, now: int, by: KeyVersion
    ) -> Draft:
        chain = () if kind is Kind.ROOT else self.chain(self._ready(by))
        issuer = parsed(chain[0]) if chain else None
        serial = int.from_bytes(self._entropy.bytes(16), "big") >> 1 | 1
        profile = self._profiles[kind]
        not_after = now + profile.lifetime
        if issuer is not None:  # nothing outlives its issuer (the shell model of validity)
            not_after = min(not_after, int(issuer.not_valid_after_utc.timestamp()))
        holder = Holder(
            serial=serial,
            subject=subject.public_bytes(),
            public=public,
            not_before=now - BACKDATED,
            not_after=not_after,
        )
        issued = IssuedCertificate(
            serial=f"{serial:x}",
            issuer_kid=by.kid,
            kind=kind,
            not_before=now - BACKDATED,
            not_after=not_after,
        )
        shared = (
            self._patterns.below(chain[0], profile)
            if chain
            else self._patterns.root(subject, profile, by.public)
        )
        unsigned = shared.of(holder)
        return Draft(issued=issued, unsigned=unsigned, issuer=by, chain=chain)


def expires_at(own: OwnCertificate) -> int:
    """Return until when a certificate is valid (NumericDate)."""
    return int(parsed(own.certificate).not_valid_after_utc.timestamp())


_TITLES = {
    Kind.ROOT: "Root CA",
    Kind.ISSUING: "Signing CA",
    Kind.STAMPING: "Time-Stamping",
    Kind.ARCHIVE: "Archive Time-Stamping",
    Kind.STATUS: "Status",
    Kind.EVIDENCE: "Evidence",
}
