"""A certificate of an authority that we trust, for a subject that the client registered.

RFC 8705 §2.1.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address

from config.runtime.database.unit import Write
from idp.client_auth.certificate import refused, shown
from idp.client_auth.method import Carrier, Presented
from idp.protocol.client import Client
from idp.protocol.errors import InvalidClient, InvalidClientMetadata
from idp.protocol.mtls import SUBJECTS
from keystore.x509.authorities import Authorities
from keystore.x509.certificate import Certificate, CertificateRefused, folded_email
from keystore.x509.distinguished_name import NotAName, parse


@dataclass(frozen=True, slots=True)
class TlsClientAuth:
    """``tls_client_auth``. It does not matter who passed the certificate on: the path to one of
    ``authorities`` is looked for here.
    """

    authorities: Authorities

    name = "tls_client_auth"
    carrier = Carrier.NONE

    async def prove(self, presented: Presented, client: Client, now: int) -> tuple[Write, ...]:
        """Nothing is used up; or raise InvalidClient."""
        certificate = shown(presented)
        try:
            self.authorities.check(certificate, presented.carried.certificate_issuers, now)
        except CertificateRefused as reason:
            raise refused(reason) from reason
        if not any(_speaks_of(certificate, kind, getattr(client, kind)) for kind in SUBJECTS):
            raise InvalidClient("the client certificate is for another subject")
        return ()


def check_subject(client: Client) -> None:
    """Raise InvalidClientMetadata unless what the client registered can stand in a certificate."""
    for kind in SUBJECTS:
        value: str | None = getattr(client, kind)
        if value is not None:
            try:
                _READERS[kind](value)
            except (NotAName, ValueError) as reason:
                raise InvalidClientMetadata(f"{kind}: {reason}") from None


def _speaks_of(certificate: Certificate, kind: str, registered: str | None) -> bool:
    if registered is None:
        return False
    expected = _READERS[kind](registered)
    if kind == "tls_client_auth_subject_dn":
        return certificate.subject == expected
    names: frozenset[object] = getattr(certificate, _NAMES[kind])
    return expected in names


_NAMES = {
    "tls_client_auth_san_dns": "dns",
    "tls_client_auth_san_uri": "uris",
    "tls_client_auth_san_ip": "ips",
    "tls_client_auth_san_email": "emails",
}


def _plain(value: str) -> str:
    if not value or not value.isascii() or not value.isprintable() or " " in value:
        raise ValueError("it holds printable ASCII without spaces")
    return value


def _dns(value: str) -> str:
    if "*" in value or value.endswith("."):
        raise ValueError("it is one whole name")
    return _plain(value).lower()


_READERS: Mapping[str, Callable[[str], object]] = {
    "tls_client_auth_subject_dn": parse,
    "tls_client_auth_san_dns": _dns,
    "tls_client_auth_san_uri": _plain,
    "tls_client_auth_san_ip": ip_address,
    "tls_client_auth_san_email": lambda value: folded_email(_plain(value)),
}
"""RFC 8705 §2.1.2: how what was registered is read, so that it compares with a certificate's."""
