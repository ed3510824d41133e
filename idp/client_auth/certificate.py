"""The certificate that came with a request, as both methods of RFC 8705 need it."""

from idp.client_auth.method import Presented
from idp.protocol.errors import InvalidClient
from keystore.x509.certificate import Certificate, CertificateRefused, read


def shown(presented: Presented) -> Certificate:
    """Return the certificate of the connection, or raise InvalidClient when there is none."""
    der = presented.carried.certificate
    if der is None:
        raise InvalidClient("the connection has no client certificate")
    try:
        return read(der)
    except CertificateRefused as reason:
        raise refused(reason) from reason


def refused(reason: CertificateRefused) -> InvalidClient:
    """Return what the client is told of a certificate that cannot be used."""
    return InvalidClient("the client certificate is not valid", detail=str(reason))
