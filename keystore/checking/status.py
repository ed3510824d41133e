"""Asking a responder of somebody else about a certificate, and judging what it says (RFC 6960)."""

from hmac import compare_digest

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID

from keystore.checking.paths import UNREADABLE
from keystore.checking.revocation import Answer, answers

SKEW = 300
"""Seconds by which a responder's clock may be ahead of ours."""

WITHOUT_NEXT = 600
"""Seconds for which an answer counts that does not say when the next one is due."""

Link = tuple[x509.Certificate, x509.Certificate]
"""A certificate and its issuer's."""

_MOST_ADDRESSES = 2
"""Addresses of one certificate that are asked: it may name any number."""


class NoStatus(Exception):
    """Nothing tells that the certificate is good now; the message says why."""


def responders_of(link: Link) -> tuple[str, ...]:
    """Return the addresses of responders that the certificate names (RFC 5280 §4.2.2.1)."""
    try:
        access = link[0].extensions.get_extension_for_class(x509.AuthorityInformationAccess)
    except x509.ExtensionNotFound:
        return ()
    named = [
        one.access_location.value
        for one in access.value
        if one.access_method == AuthorityInformationAccessOID.OCSP
        and isinstance(one.access_location, x509.UniformResourceIdentifier)
    ]
    return tuple(named[:_MOST_ADDRESSES])


def status_request(link: Link, nonce: bytes) -> bytes:
    """Return an OCSPRequest about the certificate, with a nonce (RFC 9654 §2.1: 32 octets)."""
    named = hashes.SHA1()  # noqa: S303 - it names the issuer, for everybody
    builder = ocsp.OCSPRequestBuilder().add_certificate(*link, named)
    request = builder.add_extension(x509.OCSPNonce(nonce), critical=False).build()
    return request.public_bytes(Encoding.DER)


def judge_status(response: bytes, link: Link, nonce: bytes, now: int) -> int:
    """Return until when (NumericDate) ``response`` tells that the certificate of ``link`` is good.

    Its issuer signed the answer, or whom the issuer made a responder. One that signs ahead leaves
    the nonce out; then the times alone say that nothing old is told again. Raises NoStatus.
    """
    answer = _answer(response, link)
    _judge_nonce(response, nonce)
    if answer.revoked_at is not None:
        raise NoStatus("a certificate is revoked")
    until = answer.since + WITHOUT_NEXT if answer.until is None else answer.until
    if answer.since > now + SKEW:
        raise NoStatus("an answer is of the future")
    if until <= now:
        raise NoStatus("an answer is overdue")
    return until


def _answer(response: bytes, link: Link) -> Answer:
    found = answers(*link, (response,), ())
    if found:
        return found[0]
    raise NoStatus(_lacking(response, link[0]))


def _lacking(response: bytes, certificate: x509.Certificate) -> str:
    """Return why a response is no answer about the certificate."""
    try:
        read = ocsp.load_der_ocsp_response(response)
        if read.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
            return f"a responder says {read.response_status.name.lower()}"
        for single in read.responses:
            if single.serial_number == certificate.serial_number and (
                single.certificate_status is ocsp.OCSPCertStatus.UNKNOWN
            ):
                return "a responder does not know a certificate"
    except UNREADABLE:
        return "an answer cannot be read"
    return "an answer is not of whom the issuer lets answer, or about another certificate"


def _judge_nonce(response: bytes, nonce: bytes) -> None:
    extensions = ocsp.load_der_ocsp_response(response).extensions
    try:
        said = extensions.get_extension_for_class(x509.OCSPNonce).value.nonce
    except x509.ExtensionNotFound:
        return
    if not compare_digest(said, nonce):
        raise NoStatus("an answer is to another question")
