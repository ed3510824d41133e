"""A root whose key lies elsewhere: what it is asked for, and what it brings.

The issuing authority's key is made here and waits. Its request goes to the root; certificate, root
and list come back, are judged by every rule, and are kept in one unit with an audit entry. Only
then does the key certify.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from config.runtime.audit.records import AuditEntry, DatabaseAudit
from config.runtime.clock import Clock
from config.runtime.database.unit import Database, Refused, Value, Write
from keystore.authority.authority import Authority
from keystore.authority.elsewhere import parsed_list, root_kid
from keystore.authority.extensions import Naming
from keystore.authority.offline_judging import judge, number_of, signs, spki
from keystore.authority.offline_reading import NotAccepted, read_certificate, read_list
from keystore.authority.offline_request import policies_below, request_of
from keystore.authority.offline_rules import (
    CERTIFICATE_RULES,
    LIST_RULES,
    ROOT_RULES,
    CertificateCase,
    ListCase,
    RootCase,
)
from keystore.authority.own_keys import OwnKeys
from keystore.authority.profiles import Kind
from keystore.door import KeyState
from keystore.purposes import OwnRing, Role
from keystore.rotation import KeyVersion
from keystore.stores.authority import AuthorityRecords, OwnCertificate
from keystore.stores.root_lists import RootList, RootLists
from keystore.x509.parsed import parsed

_TO_CERTIFY = (KeyState.PUBLISHED, KeyState.ACTIVE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Brought:
    """The files of a ceremony at the root, in PEM or DER; ``is_new`` for another root than before.

    Without a certificate the list alone is renewed.
    """

    listed: bytes
    certificate: bytes = b""
    root: bytes = b""
    is_new: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """What was judged, in DER, and may be kept. ``kid`` is of our key that was certified.

    Several ``roots`` have one key: its certificate was renewed. Without ``certificate`` and ``kid``
    the list alone was brought.
    """

    listed: bytes
    roots: tuple[bytes, ...]
    certificate: bytes = b""
    kid: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OfflineRoot:
    """The side of a root elsewhere that is here. ``authority`` has read what there is."""

    database: Database
    keys: OwnKeys
    authority: Authority
    naming: Naming
    clock: Clock

    def waiting(self) -> KeyVersion | None:
        """Return the newest issuing key, while it has no certificate."""
        newest = next(iter(self.keys.kept(OwnRing.ISSUING)), None)
        return newest if newest and self.authority.of(newest.kid) is None else None

    async def request(self) -> bytes:
        """Return the request (PKCS#10, DER) of the key that waits, signed by it.

        Raises NotAccepted where no key waits, KeyServiceUnavailable.
        """
        key = self.waiting()
        if key is None:
            raise NotAccepted(
                "request-waiting",
                "every issuing key has its certificate: begin a new one first (symbolon keys "
                "rotate ca:issuing ES256)",
            )
        subject = self.authority.own_name(Kind.ISSUING, key)
        unsigned = request_of(key.public, subject, self.naming)
        [raw] = await self.keys.sign_by(key, [unsigned.signed])
        made = unsigned.finished(raw)
        entry = self._entry("requested", key.kid, {"request": sha256(made).hexdigest()})
        await self.database.submit(entry)
        return made

    def judged(self, brought: Brought) -> Accepted:
        """Return what may be kept of what was brought, or raise NotAccepted. Nothing changes."""
        if not brought.certificate:
            return self._list_alone(read_list(brought.listed))
        root = read_certificate(brought.root, "the root's certificate")
        case = RootCase(root=root, known=self._known(), is_new=brought.is_new, now=self._now())
        judge(case, ROOT_RULES)
        listed = read_list(brought.listed)
        self._judge_list(listed, root)
        certificate = read_certificate(brought.certificate, "the certificate")
        return Accepted(
            listed=_der(listed),
            roots=(_der(root),),
            certificate=_der(certificate),
            kid=self._certified(certificate, root, listed).kid,
        )

    async def keep(self, accepted: Accepted) -> None:
        """Keep what was accepted, as far as it is not here yet.

        Raises NotAccepted if something else was kept meanwhile.
        """
        writes = [*self._certificates(accepted), *self._lists(accepted)]
        if not writes:
            return
        try:
            await self.database.submit(*writes, self._told(accepted))
        except Refused:
            raise NotAccepted(
                "unchanged", "something else was brought at the same time: look at what is here"
            ) from None
        await self.authority.read()

    def _list_alone(self, listed: x509.CertificateRevocationList) -> Accepted:
        signers = [one for one in self._known() if signs(one, listed)]
        if not signers:
            raise NotAccepted(
                "list-issuer",
                "the list is not signed by a root that certified us: have that root make it "
                "(openssl ca -gencrl)",
            )
        for root in signers:
            self._judge_list(listed, root)
        return Accepted(listed=_der(listed), roots=tuple(map(_der, signers)))

    def _known(self) -> list[x509.Certificate]:
        return [parsed(one.certificate) for one in self.authority.roots_elsewhere()]

    def _judge_list(self, listed: x509.CertificateRevocationList, root: x509.Certificate) -> None:
        kept = self.authority.elsewhere.listed(root_kid(_der(root)))
        last = None if kept is None else parsed_list(kept)
        judge(ListCase(listed=listed, root=root, last=last, now=self._now()), LIST_RULES)

    def _certified(
        self,
        certificate: x509.Certificate,
        root: x509.Certificate,
        listed: x509.CertificateRevocationList,
    ) -> KeyVersion:
        """Return the issuing key of ours that ``certificate`` is good for, or raise NotAccepted."""
        public = spki(certificate)
        kept = [one for one in self.keys.kept(OwnRing.ISSUING) if one.state in _TO_CERTIFY]
        key = next((one for one in kept if one.public == public), None)
        if key is None:
            raise NotAccepted(
                "certificate-key",
                "the certificate is for another key than the one that waits: have the newest "
                "request certified (symbolon keys ceremony --request FILE)",
            )
        earlier = self.authority.between(key.kid, root_kid(_der(root)))
        case = CertificateCase(
            certificate=certificate,
            root=root,
            listed=listed,
            earlier=None if earlier is None else earlier.certificate,
            subject=self.authority.own_name(Kind.ISSUING, key),
            policies=policies_below(self.naming),
            now=self._now(),
        )
        judge(case, CERTIFICATE_RULES)
        return key

    def _certificates(self, accepted: Accepted) -> list[Write]:
        """Return the writes that keep the root and what it certified, where they are new."""
        if not accepted.certificate:
            return []
        [root] = accepted.roots
        pairs = (
            (root_kid(root), Kind.ROOT, root),
            (accepted.kid, Kind.ISSUING, accepted.certificate),
        )
        return [
            AuthorityRecords(self.database).keep(
                OwnCertificate(
                    kid=kid,
                    kind=kind,
                    issuer_kid=root_kid(root),
                    certificate=certificate,
                    made_at=self.clock.now(),
                )
            )
            for kid, kind, certificate in pairs
            if self.authority.between(kid, root_kid(root)) is None
        ]

    def _lists(self, accepted: Accepted) -> list[Write]:
        number = number_of(parsed_list(accepted.listed))
        assert number is not None, "a rule asks for the number"
        return [
            RootLists(self.database).keep(
                RootList(
                    root_kid=kid,
                    number=number,
                    listed=accepted.listed,
                    brought_at=self.clock.now(),
                )
            )
            for kid in map(root_kid, accepted.roots)
            if self.authority.elsewhere.listed(kid) != accepted.listed
        ]

    def _told(self, accepted: Accepted) -> Write:
        details: dict[str, Value] = {"list": sha256(accepted.listed).hexdigest()}
        root = root_kid(accepted.roots[0])
        if not accepted.certificate:
            return self._entry("listed", root, details)
        details |= {"certificate": sha256(accepted.certificate).hexdigest(), "root": root}
        return self._entry("certified", accepted.kid, details)

    def _entry(self, what: str, about: str, details: dict[str, Value]) -> Write:
        entry = AuditEntry(
            at=self.clock.now(),
            actor=Role.OPERATOR,
            action=f"authority.{what}",
            about=about,
            details=details,
        )
        return DatabaseAudit().write(entry)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self.clock.now(), UTC)


def _der(one: x509.Certificate | x509.CertificateRevocationList) -> bytes:
    return one.public_bytes(Encoding.DER)
