"""What cryptographic messages need of a certificate: its issuer's name and its serial number."""

from keystore.der.reader import Fields, integer, read
from keystore.der.remembering import remembering


def issuer_and_serial(certificate: bytes) -> tuple[bytes, bytes]:
    """Return the issuer's Name and the serial number of a certificate, each a whole value in DER.

    Raises NotDer (RFC 5280 §4.1).
    """
    return _remembered(certificate)


def serial_number(certificate: bytes) -> str:
    """Return the serial number of a certificate in hexadecimal; raises NotDer."""
    _, serial = issuer_and_serial(certificate)
    return f"{integer(read(serial)):x}"


def _issuer_and_serial(certificate: bytes) -> tuple[bytes, bytes]:
    to_be_signed = Fields(Fields(read(certificate)).take(0x30))
    to_be_signed.maybe(0xA0)
    serial = to_be_signed.take(0x02)
    to_be_signed.take(0x30)
    return to_be_signed.take(0x30).octets, serial.octets


_remembered = remembering(_issuer_and_serial, kept=512, longest=4096)


def subject_key_identifier(certificate: bytes) -> bytes:
    """Return the subject key identifier, or nothing where there is none (RFC 5280 §4.2.1.2)."""
    found = _extension(certificate, _SUBJECT_KEY_IDENTIFIER)
    return read(found).content if found else b""


_SUBJECT_KEY_IDENTIFIER = bytes.fromhex("0603551d0e")


def _extension(certificate: bytes, identifier: bytes) -> bytes:
    fields = Fields(Fields(read(certificate)).take(0x30))
    fields.maybe(0xA0)
    for tag in (0x02, 0x30, 0x30, 0x30, 0x30, 0x30):
        fields.take(tag)
    fields.maybe(0x81)
    fields.maybe(0x82)
    extensions = fields.maybe(0xA3)
    if extensions is None:
        return b""
    for extension in Fields(extensions, 0xA3).take(0x30).children():
        parts = Fields(extension)
        found = parts.take(0x06).octets
        parts.maybe(0x01)
        content = parts.take(0x04).content
        if found == identifier:
            return content
    return b""
