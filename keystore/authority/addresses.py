"""Where answers of the authority are, below the signing service's address.

A place is named by the key identifier of its issuer (RFC 5280 §4.2.1.2), so the certificates and
lists of an authority that was replaced stay where older certificates say that they are.
"""

STATUS_PATH = "/ocsp"
STAMPING_PATH = "/tsa"


def certificate_path(key_identifier: bytes) -> str:
    """Return where the certificate (DER) of the issuer with this key identifier is."""
    return f"/ca/{key_identifier.hex()}.crt"


def list_path(key_identifier: bytes) -> str:
    """Return where the revocation list (DER) of that issuer is."""
    return f"/ca/{key_identifier.hex()}.crl"
