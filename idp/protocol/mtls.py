"""What certificates of clients mean: the confirmation of a token, the subject of a client.

RFC 8705.
"""

import hashlib
from base64 import urlsafe_b64encode

from idp.protocol.grant import Confirmation

SUBJECTS = (
    "tls_client_auth_subject_dn",
    "tls_client_auth_san_dns",
    "tls_client_auth_san_uri",
    "tls_client_auth_san_ip",
    "tls_client_auth_san_email",
)
"""RFC 8705 §2.1.2: a client of tls_client_auth registers exactly one of them."""


def certificate_confirmation(certificate: bytes) -> Confirmation:
    """Return the confirmation of a token bound to ``certificate`` (DER; RFC 8705 §3.1)."""
    digest = urlsafe_b64encode(hashlib.sha256(certificate).digest())
    return Confirmation(x5t=digest.rstrip(b"=").decode())
