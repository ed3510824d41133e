"""Certificates of one profile and issuer, of which only the holder changes.

The library's builder writes one of them, as a pattern; the others are that one with another serial
number, other times, another holder and another key. A certificate for a single signature is made
for every signature, and everything else in it has been written a thousand times before.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha1
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_der_public_key

from keystore.authority.capturing import Unsigned, beside, certificate
from keystore.der.reader import Fields, read
from keystore.der.writer import context, integer, octets, oid, sequence, tlv

_SUBJECT_KEY_IDENTIFIER: Final = oid("2.5.29.14")
_FIRST_GENERALIZED = 2_524_608_000  # 2050-01-01T00:00:00Z
_SOMEBODY = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "pattern")])
_SOMETIME = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Of whom a certificate is. ``subject`` is a Name, ``public`` a SubjectPublicKeyInfo in DER;

    ``not_before`` and ``not_after`` are NumericDates.
    """

    serial: int
    subject: bytes
    public: bytes
    not_before: int
    not_after: int


@dataclass(frozen=True, slots=True)
class Pattern:
    """A certificate without what is its holder's (RFC 5280 §4.1.2), in octets.

    ``version`` and ``issuer`` stand before and behind the serial number, ``issuer`` after the
    algorithm; ``extensions`` lack the name of the holder's key.
    """

    version: bytes
    issuer: bytes
    extensions: bytes

    def of(self, holder: Holder) -> Unsigned:
        """Return the certificate of ``holder``, to be signed by the issuer."""
        tbs = sequence(
            self.version,
            integer(holder.serial),
            self.issuer,
            sequence(time(holder.not_before), time(holder.not_after)),
            holder.subject,
            holder.public,
            context(3, sequence(self.extensions, _key_identifier(holder.public))),
        )
        return Unsigned(tbs, lambda signature: beside(tbs, signature))


def pattern(builder: x509.CertificateBuilder, by: bytes) -> Pattern:
    """Return the pattern of certificates that ``builder`` makes and the key ``by`` (DER) signs.

    The builder knows issuer and extensions, and nothing of a holder.
    """
    public = load_der_public_key(by)
    one = (
        builder.subject_name(_SOMEBODY)
        .public_key(public)  # type: ignore[arg-type]
        .serial_number(1)
        .not_valid_before(_SOMETIME)
        .not_valid_after(_SOMETIME)
    )
    fields = Fields(read(certificate(one, by).signed))
    version = fields.take(0xA0)
    fields.take(0x02)
    algorithm, issuer = fields.take(0x30), fields.take(0x30)
    for _ in ("validity", "subject", "key"):
        fields.take(0x30)
    extensions = Fields(fields.take(0xA3), 0xA3).take(0x30)
    fields.end()
    return Pattern(version.octets, algorithm.octets + issuer.octets, extensions.content)


def time(at: int) -> bytes:
    """Return a NumericDate as certificates write it (RFC 5280 §4.1.2.5)."""
    moment = datetime.fromtimestamp(at, UTC)
    if at < _FIRST_GENERALIZED:
        return tlv(0x17, moment.strftime("%y%m%d%H%M%SZ").encode())
    return tlv(0x18, moment.strftime("%Y%m%d%H%M%SZ").encode())


def _key_identifier(public: bytes) -> bytes:
    """Return the extension that names the holder's key, by its hash (RFC 5280 §4.2.1.2)."""
    fields = Fields(read(public))
    fields.take(0x30)
    key = fields.take(0x03).content[1:]
    fields.end()
    name = octets(sha1(key, usedforsecurity=False).digest())
    return sequence(_SUBJECT_KEY_IDENTIFIER, octets(name))
