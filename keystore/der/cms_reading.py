"""Reading signed cryptographic messages from anywhere (RFC 5652), without judging them.

What is read keeps the octets it was made of, so a message that is written again after something was
added to it has every signed octet as it was.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from keystore.der import cms, oids
from keystore.der.algorithms import HASHES, digest_oid, read_signature_algorithm
from keystore.der.names import issuer_and_serial, subject_key_identifier
from keystore.der.reader import Fields, NotDer, Value, expect, integer, oid, read
from keystore.der.remembering import remembering
from keystore.der.writer import oid as written_oid
from keystore.der.writer import sequence, tlv

MOST = 1_000
"""Members of any set in a message: certificates, signers, attributes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """One SignerInfo. ``head`` is everything before its unsigned attributes, as it was written.

    ``signed`` are the octets that the signature is over (RFC 5652 §5.4), empty where there are no
    signed attributes; ``attributes`` and ``unsigned`` map an identifier to the values of each
    attribute that has it. ``alg`` is a JWS name, empty when it is none that is accepted.
    """

    head: bytes
    identifier: Value
    hash_oid: str
    signed: bytes
    attributes: Mapping[str, tuple[Value, ...]]
    alg: str
    signature: bytes
    unsigned: tuple[bytes, ...]

    def one(self, dotted: str) -> Value | None:
        """Return the only value of a signed attribute, or None; NotDer when there are more."""
        values = self.attributes.get(dotted, ())
        if len(values) > 1:
            raise NotDer("a signed attribute that may stand once stands twice")
        return values[0] if values else None

    def unsigned_values(self, dotted: str) -> list[bytes]:
        """Return the values of the unsigned attributes with this identifier, whole."""
        sought = written_oid(dotted)
        return [value for kind, value in self.unsigned_pairs() if kind == sought]

    def unsigned_pairs(self) -> list[tuple[bytes, bytes]]:
        """Return each value of each unsigned attribute after its identifier, both whole."""
        return [pair for attribute in self.unsigned for pair in _pairs(attribute)]

    def is_of(self, certificate: bytes) -> bool:
        """Return whether the signer names this certificate (RFC 5652 §5.3)."""
        if self.identifier.tag == 0x80:
            return subject_key_identifier(certificate) == self.identifier.content
        return b"".join(issuer_and_serial(certificate)) == self.identifier.content

    def claimed_at(self) -> int | None:
        """Return the signing-time as a NumericDate, or None; NotDer when malformed."""
        value = self.one(oids.SIGNING_TIME)
        return None if value is None else read_time(value)

    def with_unsigned(self, *attributes: bytes) -> "Signer":
        """Return it with more unsigned attributes."""
        return replace(self, unsigned=(*self.unsigned, *attributes))

    def der(self) -> bytes:
        """Return the SignerInfo."""
        return sequence(self.head, cms.unsigned_attributes(self.unsigned))


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A SignedData. ``encapsulated`` is the whole EncapsulatedContentInfo as it was written.

    ``content`` is what it holds, None when detached. ``certificates`` are X.509 in DER,
    ``revocations`` whole RevocationInfoChoices.
    """

    digest_algorithms: tuple[bytes, ...]
    encapsulated: bytes
    content_type: str
    content: bytes | None
    certificates: tuple[bytes, ...]
    revocations: tuple[bytes, ...]
    signers: tuple[Signer, ...]

    @property
    def crls(self) -> tuple[bytes, ...]:
        """Return the certificate revocation lists."""
        return tuple(one for one in self.revocations if one[0] == 0x30)

    @property
    def ocsp(self) -> tuple[bytes, ...]:
        """Return the OCSP responses (RFC 5940 §2.1)."""
        return tuple(filter(None, map(_ocsp, self.revocations)))

    def with_evidence(
        self, certificates: Sequence[bytes], ocsp: Sequence[bytes], crls: Sequence[bytes]
    ) -> "Message":
        """Return it with more certificates and revocation data; what is there stays once."""
        added = (*map(cms.ocsp_revocation, ocsp), *crls)
        return replace(
            self,
            certificates=_once((*self.certificates, *certificates)),
            revocations=_once((*self.revocations, *added)),
        )

    def certificate_of(self, signer: Signer) -> bytes | None:
        """Return the certificate that a signer names, or None; NotDer when several are named."""
        found = [one for one in self.certificates if signer.is_of(one)]
        if len(found) > 1:
            raise NotDer("a signer names two certificates")
        return found[0] if found else None

    def der(self) -> bytes:
        """Return the ContentInfo."""
        return cms.SignedData(
            digest_algorithms=self.digest_algorithms,
            encapsulated=self.encapsulated,
            certificates=self.certificates,
            revocations=self.revocations,
            signers=[signer.der() for signer in self.signers],
            version=self._version(),
        ).der()

    def _version(self) -> int:
        """Return the version that RFC 5652 §5.1 demands."""
        if any(one[0] != 0x30 for one in self.revocations):
            return 5
        keyed = any(signer.identifier.tag == 0x80 for signer in self.signers)
        return 3 if keyed or self.content_type != oids.CONTENT else 1


def read_message(octets: bytes) -> Message:
    """Return a ContentInfo of SignedData, or raise NotDer."""
    return _remembered(octets)


def _read_message(octets: bytes) -> Message:
    outer = Fields(read(octets))
    if oid(outer.take(0x06)) != oids.SIGNED:
        raise NotDer("the message is not signed")
    fields = Fields(Fields(outer.take(0xA0), 0xA0).take(0x30))
    outer.end()
    if integer(fields.take(0x02)) not in (1, 3, 4, 5):
        raise NotDer("an unknown version of SignedData")
    digests = _members(fields.take(0x31))
    encapsulated = fields.take(0x30)
    certificates, revocations = fields.maybe(0xA0), fields.maybe(0xA1)
    signers = _members(fields.take(0x31))
    fields.end()
    content_type, content = _encapsulated(encapsulated)
    return Message(
        digest_algorithms=tuple(digest.octets for digest in digests),
        encapsulated=encapsulated.octets,
        content_type=content_type,
        content=content,
        certificates=tuple(expect(one, 0x30).octets for one in _members(certificates)),
        revocations=tuple(one.octets for one in _members(revocations)),
        signers=tuple(map(_signer, signers)),
    )


# A message that was just written is read for its time-stamp, and once more to put that into it.
_remembered = remembering(_read_message, kept=64, longest=16_384)


def read_time(value: Value) -> int:
    """Return a UTCTime or GeneralizedTime in whole seconds of UTC as a NumericDate, or NotDer."""
    years = {0x17: 2, 0x18: 4}.get(value.tag, 0)
    text = value.content
    if not years or len(text) != years + 11 or text[-1:] != b"Z" or not text[:-1].isdigit():
        raise NotDer("a malformed time")
    year = int(text[:years])
    if years == 2:  # RFC 5652 §11.3: 50 to 99 are of the 20th century
        year += 1900 if year >= 50 else 2000
    month, day, hour, minute, second = (
        int(text[place : place + 2]) for place in range(years, years + 10, 2)
    )
    try:
        return int(datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp())
    except ValueError as fault:
        raise NotDer("a malformed time") from fault


def _once(values: Sequence[bytes]) -> tuple[bytes, ...]:
    return tuple(dict.fromkeys(values))


def _members(value: Value | None) -> list[Value]:
    members = [] if value is None else value.children()
    if len(members) > MOST:
        raise NotDer("a set with too many members")
    return members


def _encapsulated(value: Value) -> tuple[str, bytes | None]:
    fields = Fields(value)
    content_type, wrapped = oid(fields.take(0x06)), fields.maybe(0xA0)
    fields.end()
    if wrapped is None:
        return content_type, None
    inner = Fields(wrapped, 0xA0)
    held = inner.any()
    inner.end()
    if held.tag == 0x24:  # some signers write it in pieces
        return content_type, b"".join(expect(one, 0x04).content for one in held.children())
    return content_type, expect(held, 0x04).content


def _signer(value: Value) -> Signer:
    fields = Fields(value)
    if integer(fields.take(0x02)) not in (1, 3):
        raise NotDer("an unknown version of SignerInfo")
    identifier = fields.any()
    if identifier.tag not in (0x30, 0x80):
        raise NotDer("a signer that is not named")
    hash_oid = digest_oid(fields.take(0x30))
    attributes = fields.maybe(0xA0)
    alg = read_signature_algorithm(fields.take(0x30), hash_oid)
    signature = fields.take(0x04)
    unsigned = fields.maybe(0xA1)
    fields.end()
    return Signer(
        head=value.source[value.begins : signature.end],
        identifier=identifier,
        hash_oid=hash_oid,
        signed=tlv(0x31, attributes.content) if attributes else b"",
        attributes=_signed(attributes),
        alg=alg if hash_oid in HASHES else "",
        signature=signature.content,
        unsigned=tuple(one.octets for one in _members(unsigned)),
    )


def _signed(value: Value | None) -> dict[str, tuple[Value, ...]]:
    found: dict[str, tuple[Value, ...]] = {}
    for member in _members(value):
        fields = Fields(member)
        name, values = oid(fields.take(0x06)), fields.take(0x31).children()
        fields.end()
        found[name] = (*found.get(name, ()), *values)
    return found


def _pairs(attribute: bytes) -> list[tuple[bytes, bytes]]:
    fields = Fields(read(attribute))
    kind, values = fields.take(0x06).octets, fields.take(0x31).children()
    fields.end()
    return [(kind, value.octets) for value in values]


def _ocsp(revocation: bytes) -> bytes:
    if revocation[0] != 0xA1:
        return b""
    fields = Fields(read(revocation), 0xA1)
    named = oid(fields.take(0x06))
    return fields.take(0x30).octets if named == oids.OCSP_RESPONSE else b""
