"""Which format a file is, by its first octets: a name says nothing."""

from esignet.formats.format import FormatError

PDF = ("pades",)
_SPACES = b" \t\r\n"
_MARK = b"\xef\xbb\xbf"


def recognised(content: bytes) -> tuple[str, ...]:
    """Return the names of the formats that may read ``content``, the likeliest first.

    Raises FormatError for what is none of them.
    """
    head = content[:1024]
    if b"%PDF-" in head:
        return PDF
    if head.startswith(b"PK\x03\x04"):
        return ("asic_cades", "asic_xades")
    text = head.removeprefix(_MARK).lstrip(_SPACES)
    if text.startswith(b"<"):
        return ("xades",)
    if text.startswith(b"{"):
        return ("jades",)
    if text.startswith(b"eyJ"):
        return ("jades", "jws")
    if head.startswith(b"\x30"):
        return ("cades",)
    if head[:1] in (b"\xd2", b"\x84"):  # CBOR tag 18, or an array of four (RFC 9052 §4.2)
        return ("cose",)
    if text.startswith(b"-----BEGIN"):
        raise FormatError("This is text armour (PEM). Give the file in DER.")
    raise FormatError(
        "This is no signature that is known here: a signed PDF, XML, JSON or a container "
        "(.asice, .asics), or a signature file (.p7s, .jws, .cose)."
    )
