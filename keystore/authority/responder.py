"""The status responder (RFC 6960): good for what was issued, revoked for what was, else unknown."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import ocsp

from config.runtime.database.unit import Database
from keystore.authority import capturing
from keystore.authority.authority import Authority, SignOwn
from keystore.authority.profiles import Kind
from keystore.der.names import issuer_and_serial
from keystore.der.remembering import remembering
from keystore.purposes import OwnRing
from keystore.stores.authority import AuthorityRecords, IssuedCertificate, OwnCertificate
from keystore.x509.parsed import parsed

FRESH = 3600
"""Seconds until a new answer can differ: how long one may be kept (RFC 5019 §6)."""

LONGEST_REQUEST = 4 * 1024
LONGEST_NONCE = 128  # RFC 9654 §2.1

_STATUS = {True: ocsp.OCSPCertStatus.REVOKED, False: ocsp.OCSPCertStatus.GOOD}
_MALFORMED = ocsp.OCSPResponseStatus.MALFORMED_REQUEST
_UNAUTHORIZED = ocsp.OCSPResponseStatus.UNAUTHORIZED


@dataclass(frozen=True, slots=True)
class Responder:
    """Answers with the responder's own key, which the issuing authority certified for that."""

    authority: Authority
    database: Database
    sign_own: SignOwn
    _last: dict[bytes, tuple[int, bytes]] = field(default_factory=dict)
    """When what was said of our own certificates: everybody who signs asks about the stamper."""

    async def statuses(self, certificates: Sequence[bytes], now: int) -> list[bytes]:
        """Return an OCSPResponse about each certificate of ours (DER).

        Raises ValueError for one that no issuing authority of ours signed.
        """
        answers = {one: self._recent(one, now) for one in certificates}
        asked = [one for one, answer in answers.items() if not answer]
        made = await asyncio.gather(*(self._about(one, now) for one in asked))
        answers.update(zip(asked, made, strict=True))
        return [answers[one] for one in certificates]

    async def respond(self, request: bytes, now: int) -> bytes:
        """Return the OCSPResponse to an OCSPRequest from anywhere; its refusals are responses."""
        if len(request) > LONGEST_REQUEST:
            return _refused(_MALFORMED)
        try:
            asked = ocsp.load_der_ocsp_request(request)
            nonce = _nonce(asked)
            issuer = self._issuer(asked)
        except (ValueError, TypeError, UnsupportedAlgorithm, NotImplementedError):
            return _refused(_MALFORMED)
        if issuer is None:
            return _refused(_UNAUTHORIZED)
        known = await AuthorityRecords(self.database).issued(f"{asked.serial_number:x}")
        if known is not None and known.issuer_kid != issuer.kid:
            known = None
        builder = ocsp.OCSPResponseBuilder().add_response_by_hash(
            issuer_name_hash=asked.issuer_name_hash,
            issuer_key_hash=asked.issuer_key_hash,
            serial_number=asked.serial_number,
            algorithm=asked.hash_algorithm,
            **_times(known, now),
        )
        return await self._signed(builder, issuer, nonce)

    def _recent(self, certificate: bytes, now: int) -> bytes:
        """Return what was said in this second of a certificate of our own, nothing of others'."""
        at, answer = self._last.get(certificate, (0, b""))
        return answer if at == now else b""

    async def _about(self, certificate: bytes, now: int) -> bytes:
        serial = parsed(certificate).serial_number
        known = await AuthorityRecords(self.database).issued(f"{serial:x}")
        answer = await self._answer(certificate, known, now)
        if self.authority.is_own(certificate):
            self._last[certificate] = now, answer
        return answer

    async def _answer(self, certificate: bytes, known: IssuedCertificate | None, now: int) -> bytes:
        issuer = self._issuer_of(certificate, known)
        if known is not None and known.issuer_kid != issuer.kid:
            known = None
        builder = ocsp.OCSPResponseBuilder().add_response(
            cert=parsed(certificate),
            issuer=parsed(issuer.certificate),
            algorithm=hashes.SHA256(),
            **_times(known, now),
        )
        return await self._signed(builder, issuer)

    def _issuer_of(self, certificate: bytes, known: IssuedCertificate | None) -> OwnCertificate:
        """Return who made it: as is remembered under its serial number, or by signature."""
        own = None if known is None else self.authority.of(known.issuer_kid)
        if own is not None and own.kind is Kind.ISSUING and _names(certificate, own):
            return own
        one = parsed(certificate)
        own = next((own for own in self.authority.issuers() if _is_of(one, own)), None)
        if own is None:
            raise ValueError("no certificate that an issuing authority of ours signed")
        return own

    async def _signed(
        self,
        builder: ocsp.OCSPResponseBuilder,
        issuer: OwnCertificate,
        nonce: x509.OCSPNonce | None = None,
    ) -> bytes:
        own = self.authority.own(Kind.STATUS, under=issuer.kid)
        signer = parsed(own.certificate)
        builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, signer)
        if nonce is not None:
            builder = builder.add_extension(nonce, critical=False)
        public = capturing.spki(signer.public_key())
        unsigned = capturing.answer(builder, public, own.certificate)
        [raw] = await self.sign_own(OwnRing.STATUS, [unsigned.signed])
        return unsigned.finished(raw)

    def _issuer(self, asked: ocsp.OCSPRequest) -> OwnCertificate | None:
        wanted = (asked.issuer_name_hash, asked.issuer_key_hash)
        for own in self.authority.issuers():
            certificate = parsed(own.certificate)
            if wanted == _identified(certificate, asked.hash_algorithm):
                return own
        return None


def _times(known: IssuedCertificate | None, now: int) -> dict[str, Any]:
    moment = datetime.fromtimestamp(now, UTC)
    said: dict[str, Any] = {
        "cert_status": ocsp.OCSPCertStatus.UNKNOWN if known is None else None,
        "this_update": moment,
        "next_update": datetime.fromtimestamp(now + FRESH, UTC),
        "revocation_time": None,
        "revocation_reason": None,
    }
    if known is not None:
        said["cert_status"] = _STATUS[known.revoked_at is not None]
    if known is not None and known.revoked_at is not None:
        said["revocation_time"] = datetime.fromtimestamp(known.revoked_at, UTC)
        said["revocation_reason"] = x509.ReasonFlags(known.reason or "unspecified")
    return said


def _names(certificate: bytes, own: OwnCertificate) -> bool:
    """Return whether the certificate names this issuer."""
    named, _ = issuer_and_serial(certificate)
    return named == _subject(own.certificate)


def _subject_of(certificate: bytes) -> bytes:
    return parsed(certificate).subject.public_bytes()


_subject = remembering(_subject_of, kept=64, longest=4096)


def _is_of(certificate: x509.Certificate, own: OwnCertificate) -> bool:
    try:
        certificate.verify_directly_issued_by(parsed(own.certificate))
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _identified(issuer: x509.Certificate, by: hashes.HashAlgorithm) -> tuple[bytes, bytes]:
    """Return the hashes of an issuer's name and key (RFC 6960 §4.1.1)."""
    public = issuer.public_key()
    assert isinstance(public, ec.EllipticCurvePublicKey)
    point = public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    found = []
    for content in (issuer.subject.public_bytes(), point):
        hashed = hashes.Hash(by)
        hashed.update(content)
        found.append(hashed.finalize())
    return found[0], found[1]


def _nonce(asked: ocsp.OCSPRequest) -> x509.OCSPNonce | None:
    try:
        nonce = asked.extensions.get_extension_for_class(x509.OCSPNonce).value
    except x509.ExtensionNotFound:
        return None
    if not 1 <= len(nonce.nonce) <= LONGEST_NONCE:
        raise ValueError("a nonce has 1 to 128 octets")
    return nonce


def _refused(status: ocsp.OCSPResponseStatus) -> bytes:
    built = ocsp.OCSPResponseBuilder.build_unsuccessful(status)
    return built.public_bytes(Encoding.DER)
