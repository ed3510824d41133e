"""What a root elsewhere may bring: a table of rules for each of its three files.

The rules of a table are asked in their order; the first that does not hold refuses the file, and
says what is wrong and what to do.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from keystore.authority.extensions import ANY_POLICY
from keystore.authority.offline_judging import (
    Rule,
    depth,
    is_authority,
    is_good_at,
    is_strong,
    is_unconstrained,
    names_key,
    number_of,
    signs,
    understood,
)
from keystore.authority.offline_reading import extension
from keystore.checking.paths import issued_by

LEAST_LIFE = timedelta(days=365)
"""For which a certificate of ours is still good at least: ``openssl x509`` alone makes 30 days."""

LEAST_LEFT = timedelta(days=7)
"""Until a list's next one is due at least: nobody brings one by hand more often."""

_NUMBERS = range(1, 1 << 160)  # RFC 5280 §5.2.3


@dataclass(frozen=True, slots=True, kw_only=True)
class RootCase:
    """A root's certificate. ``known`` are those of before, empty at the first time."""

    root: x509.Certificate
    known: Sequence[x509.Certificate]
    is_new: bool
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ListCase:
    """A root's list; ``last`` is what is there of the same root."""

    listed: x509.CertificateRevocationList
    root: x509.Certificate
    last: x509.CertificateRevocationList | None
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateCase:
    """A certificate of a key of ours, as ``subject``, for these ``policies`` below it.

    ``earlier`` is what the same root certified of this key before.
    """

    certificate: x509.Certificate
    root: x509.Certificate
    listed: x509.CertificateRevocationList
    earlier: bytes | None
    subject: x509.Name
    policies: frozenset[str]
    now: datetime


def _allows(certificate: x509.Certificate, policies: frozenset[str]) -> bool:
    found = extension(certificate, x509.CertificatePolicies)
    named = {one.policy_identifier.dotted_string for one in found.value} if found else set()
    return ANY_POLICY in named or policies <= named


def _follows(case: ListCase) -> bool:
    if case.last is None or case.last == case.listed:
        return True
    is_later = case.listed.last_update_utc >= case.last.last_update_utc
    return is_later and (number_of(case.listed) or 0) > (number_of(case.last) or 0)


def _left(case: ListCase) -> timedelta:
    following = case.listed.next_update_utc
    return timedelta() if following is None else following - case.now


ROOT_RULES: tuple[Rule[RootCase], ...] = (
    Rule(
        "root-strength",
        lambda case: is_strong(case.root.public_key(), case.root.signature_hash_algorithm),
        "the root's key or hash is too weak or too rare: make a root with a key on P-256, P-384 or "
        "P-521, or RSA of 3072 bits, and SHA-2",
    ),
    Rule(
        "root-self-signed",
        lambda case: issued_by(case.root, case.root),
        "the root's certificate is not signed by itself: bring the root's own, at the end of the "
        "chain",
    ),
    Rule(
        "root-authority",
        lambda case: is_authority(case.root, only=False),
        "the root's certificate does not say critically that it is an authority for certificates "
        "and lists: it needs basicConstraints CA:TRUE and keyUsage keyCertSign, cRLSign",
    ),
    Rule(
        "root-depth",
        lambda case: depth(case.root) != 0,
        "the root allows no authority below it: its basicConstraints needs pathlen:1, or none",
    ),
    Rule(
        "root-extensions",
        lambda case: understood(case.root, x509.BasicConstraints, x509.KeyUsage),
        "the root has a critical extension that validators need not know: make it without",
    ),
    Rule(
        "root-identifier",
        lambda case: extension(case.root, x509.SubjectKeyIdentifier) is not None,
        "the root does not name its key: it needs subjectKeyIdentifier = hash",
    ),
    Rule(
        "root-dates",
        lambda case: is_good_at(case.root, case.now),
        "the root has expired or is not valid yet: compare the clocks, or bring its renewed "
        "certificate",
    ),
    Rule(
        "root-known",
        lambda case: case.is_new or not case.known or case.root in case.known,
        "this is another root than the one that certified us before: if that is what you want, "
        "compare its SHA-256 fingerprint with the one read aloud there, and say --new-root",
    ),
)

LIST_RULES: tuple[Rule[ListCase], ...] = (
    Rule(
        "list-strength",
        lambda case: is_strong(case.root.public_key(), case.listed.signature_hash_algorithm),
        "the list is signed with a weak hash: have it made with SHA-2 (-md sha256)",
    ),
    Rule(
        "list-issuer",
        lambda case: signs(case.root, case.listed),
        "the list is not signed by the root: have the root make it (openssl ca -gencrl)",
    ),
    Rule(
        "list-identifier",
        lambda case: names_key(case.listed, case.root),
        "the list does not name the root's key: it needs authorityKeyIdentifier = keyid:always",
    ),
    Rule(
        "list-number",
        lambda case: (number_of(case.listed) or 0) in _NUMBERS,
        "the list has no number above 0 of at most 20 octets: have it made with a crlnumber file",
    ),
    Rule(
        "list-whole",
        lambda case: understood(case.listed),
        "the list is one of some certificates only, or a delta: bring the whole one, without "
        "critical extensions",
    ),
    Rule(
        "list-dates",
        lambda case: case.listed.last_update_utc <= case.now,
        "the list is of a time to come: compare the clocks",
    ),
    Rule(
        "list-fresh",
        lambda case: _left(case) >= LEAST_LEFT,
        "the list's successor is due within a week, or was already: have a new one made that lasts "
        "longer (-crldays 365)",
    ),
    Rule(
        "list-newer",
        _follows,
        "the list is older than the one that is here, or has no higher number: bring the newest",
    ),
)

CERTIFICATE_RULES: tuple[Rule[CertificateCase], ...] = (
    Rule(
        "certificate-subject",
        lambda case: case.certificate.subject == case.subject,
        "the certificate names somebody else than the request: have it certified as requested "
        "(openssl x509 -req keeps the name; openssl ca needs -preserveDN and a policy of all)",
    ),
    Rule(
        "certificate-strength",
        lambda case: is_strong(case.root.public_key(), case.certificate.signature_hash_algorithm),
        "the certificate is signed with a weak hash: have it made with SHA-2 (-sha256)",
    ),
    Rule(
        "certificate-issuer",
        lambda case: issued_by(case.certificate, case.root),
        "the certificate is not signed by this root: bring the root that signed it",
    ),
    Rule(
        "certificate-authority",
        lambda case: is_authority(case.certificate, only=True),
        "the certificate does not say critically that it is an authority for certificates and "
        "lists, and nothing else: keyUsage is keyCertSign, cRLSign (-copy_extensions copy)",
    ),
    Rule(
        "certificate-depth",
        lambda case: depth(case.certificate) == 0,
        "the certificate allows authorities below it, and there are none: its basicConstraints "
        "needs pathlen:0 (-copy_extensions copy)",
    ),
    Rule(
        "certificate-constraints",
        lambda case: is_unconstrained(case.certificate),
        "the certificate constrains names, policies or extended usages, and ours below it would "
        "not be valid: have it made without",
    ),
    Rule(
        "certificate-extensions",
        lambda case: understood(
            case.certificate, x509.BasicConstraints, x509.KeyUsage, x509.CertificatePolicies
        ),
        "the certificate has a critical extension that validators need not know: have it made "
        "without",
    ),
    Rule(
        "certificate-identifiers",
        lambda case: (
            extension(case.certificate, x509.SubjectKeyIdentifier) is not None
            and names_key(case.certificate, case.root)
        ),
        "the certificate does not name its key and the root's: it needs subjectKeyIdentifier and "
        "authorityKeyIdentifier = keyid:always",
    ),
    Rule(
        "certificate-policies",
        lambda case: _allows(case.certificate, case.policies),
        "the certificate allows neither any policy nor those of the settings: have it made with "
        "certificatePolicies as requested (-copy_extensions copy)",
    ),
    Rule(
        "certificate-dates",
        lambda case: (
            is_good_at(case.certificate, case.now)
            and case.certificate.not_valid_after_utc - case.now >= LEAST_LIFE
        ),
        "the certificate is not valid yet, or ends within a year: compare the clocks, and have it "
        "made for longer (-days 3652)",
    ),
    Rule(
        "certificate-outlives",
        lambda case: case.certificate.not_valid_after_utc <= case.root.not_valid_after_utc,
        "the certificate outlives the root: have it made for fewer days",
    ),
    Rule(
        "certificate-once",
        lambda case: case.earlier in (None, case.certificate.public_bytes(Encoding.DER)),
        "the root certified this very key before: begin a new key (symbolon keys rotate ca:issuing "
        "ES256), and have its request certified",
    ),
    Rule(
        "certificate-good",
        lambda case: (
            case.listed.get_revoked_certificate_by_serial_number(case.certificate.serial_number)
            is None
        ),
        "the root's list takes this very certificate back: have a new request certified",
    ),
)
