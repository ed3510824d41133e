"""Where answers of the authority are, below the signing service's address.

A place is named by the key identifier of its issuer (RFC 5280 §4.2.1.2), so the certificates and
lists of an authority that was replaced stay where older certificates say that they are.
"""

from cryptography import x509

from keystore.signing.door import AuthorityShown

STATUS_PATH = "/ocsp"
STAMPING_PATH = "/tsa"


def certificate_path(key_identifier: bytes) -> str:
    """Return where the certificate (DER) of the issuer with this key identifier is."""
    return f"/ca/{key_identifier.hex()}.crt"


def list_path(key_identifier: bytes) -> str:
    """Return where the revocation list (DER) of that issuer is."""
    return f"/ca/{key_identifier.hex()}.crl"


def files(shown: AuthorityShown) -> dict[str, bytes]:
    """Return every certificate and list of ``shown`` by its path."""
    found: dict[str, bytes] = {}
    for chain in shown.chains:
        for octets in chain:
            own = x509.load_der_x509_certificate(octets).extensions
            named = own.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
            found[certificate_path(named)] = octets
    for octets in (*shown.crls, *shown.older):
        listed = x509.load_der_x509_crl(octets).extensions
        issuer = listed.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
        assert issuer is not None
        found[list_path(issuer)] = octets
    return found
