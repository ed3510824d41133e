"""Strict reading of what comes from a root elsewhere: one certificate or one list per file."""

import warnings
from collections.abc import Callable
from typing import TypeVar

from cryptography import x509

from keystore.checking.paths import UNREADABLE

LONGEST_CERTIFICATE = 16 << 10
LONGEST_LIST = 256 << 10
"""Octets of a root's list: it goes into every signature that is to last."""

_PEM = b"-----BEGIN "
_Read = TypeVar("_Read", x509.Certificate, x509.CertificateRevocationList)
_Extension = TypeVar("_Extension", bound=x509.ExtensionType)


class NotAccepted(Exception):
    """What was brought is not as it must be; ``rule`` names the truth that does not hold.

    The text says what is wrong, and what to do.
    """

    def __init__(self, rule: str, said: str) -> None:
        super().__init__(said)
        self.rule = rule


def read_certificate(octets: bytes, what: str) -> x509.Certificate:
    """Return the one certificate of a file in PEM or DER, or raise NotAccepted.

    ``what`` is how the file is called in the refusal.
    """
    is_pem = octets.lstrip().startswith(_PEM)
    load = x509.load_pem_x509_certificate if is_pem else x509.load_der_x509_certificate
    if len(octets) > LONGEST_CERTIFICATE or octets.count(_PEM) > 1:
        raise _unreadable(what, "certificate")
    return _read(octets, load, what, "certificate")


def read_list(octets: bytes) -> x509.CertificateRevocationList:
    """Return the one revocation list of a file in PEM or DER, or raise NotAccepted."""
    what = "the root's list"
    is_pem = octets.lstrip().startswith(_PEM)
    load = x509.load_pem_x509_crl if is_pem else x509.load_der_x509_crl
    if len(octets) > LONGEST_LIST or octets.count(_PEM) > 1:
        raise _unreadable(what, "revocation list")
    return _read(octets, load, what, "revocation list")


def extension(
    of: x509.Certificate | x509.CertificateRevocationList, kind: type[_Extension]
) -> x509.Extension[_Extension] | None:
    """Return an extension, or None where there is none of this kind."""
    try:
        return of.extensions.get_extension_for_class(kind)
    except x509.ExtensionNotFound:
        return None


def _read(octets: bytes, load: Callable[[bytes], _Read], what: str, kind: str) -> _Read:
    """Return what ``load`` reads, once every part that is judged later could be read as well.

    What the library only warns of, such as a negative serial number, is refused too.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            return _looked_through(load(octets))
    except (*UNREADABLE, Warning):
        raise _unreadable(what, kind) from None


def _looked_through(found: _Read) -> _Read:
    _ = list(found.extensions), found.signature_hash_algorithm, found.issuer
    if isinstance(found, x509.Certificate):
        _ = found.public_key(), found.subject
        _ = found.not_valid_before_utc, found.not_valid_after_utc
    else:
        _ = found.last_update_utc, found.next_update_utc
        _ = [(one.serial_number, list(one.extensions)) for one in found]
    return found


def _unreadable(what: str, kind: str) -> NotAccepted:
    return NotAccepted(
        "readable", f"{what} cannot be read: give a file with one {kind} in PEM or DER, alone"
    )
