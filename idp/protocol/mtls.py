"""What certificates of clients mean: the confirmation of a token, the subject of a client.

RFC 8705.
"""

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import Any

from config.settings import Issuer
from idp.protocol.client import Client
from idp.protocol.errors import InvalidClientMetadata
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


def check_registration(client: Client) -> None:
    """Raise InvalidClientMetadata unless what is registered of certificates makes sense."""
    named = [kind for kind in SUBJECTS if getattr(client, kind) is not None]
    by_subject = client.token_endpoint_auth_method == "tls_client_auth"
    if by_subject and len(named) != 1:
        raise InvalidClientMetadata(f"tls_client_auth needs one of {', '.join(SUBJECTS)}")
    if named and not by_subject:
        raise InvalidClientMetadata(f"{named[0]} is for clients of tls_client_auth")


def metadata(document: Mapping[str, Any], issuer: Issuer) -> dict[str, Any]:
    """Return what is told of certificates beside ``document`` (RFC 8705 §3.3, §5).

    What a browser visits has no alias: there it would be asked for a certificate.
    """
    told: dict[str, Any] = {"tls_client_certificate_bound_access_tokens": True}
    if issuer.mtls_address:
        old, new = issuer.address.rstrip("/"), issuer.mtls_address.rstrip("/")
        told["mtls_endpoint_aliases"] = {
            name: new + address.removeprefix(old)
            for name, address in document.items()
            if name.endswith("_endpoint") and name not in _VISITED
        }
    return told


_VISITED = ("authorization_endpoint", "end_session_endpoint")
