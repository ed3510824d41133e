"""Where clients with certificates come in: our own listener, trusted proxies, other addresses."""

from collections.abc import Iterable
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

from config.runtime.web import Route, TrustedProxies
from config.settings import Issuer, SettingsError, Web
from idp.client_auth.keys import ClientKeys
from idp.client_auth.method import Method
from idp.client_auth.self_signed_tls_client_auth import SelfSignedTlsClientAuth
from idp.client_auth.tls_client_auth import TlsClientAuth
from idp.endpoints.mounting import Mount
from keystore.x509.authorities import Authorities
from keystore.x509.certificate import CertificateRefused


def trusted_proxies(web: Web) -> TrustedProxies:
    """Return the proxies of the settings."""
    networks = [ip_network(address) for address in web.trusted_proxies]
    return TrustedProxies(networks, certificates=web.certificates_from_proxies)


def certificates_arrive(web: Web) -> bool:
    """Return whether a client's certificate can reach us at all."""
    return bool(web.mtls_port) or web.certificates_from_proxies


def certificate_methods(web: Web, keys: ClientKeys) -> tuple[Method, ...]:
    """Return the methods of RFC 8705, or raise SettingsError for authorities that are none."""
    if not certificates_arrive(web):
        return ()
    self_signed = SelfSignedTlsClientAuth(keys)
    if not web.client_ca:
        return (self_signed,)
    try:
        authorities = Authorities.load(Path(web.client_ca).read_bytes())
    except (OSError, CertificateRefused) as reason:
        raise SettingsError(f"web.client_ca: {reason}") from reason
    return (TlsClientAuth(authorities), self_signed)


def origins(issuers: Iterable[Issuer]) -> list[str]:
    """Return every origin that is ours: those of issuers, and those for certificates."""
    addresses = [address for one in issuers for address in (one.address, one.mtls_address)]
    return sorted({Mount.of(address).origin for address in addresses if address})


def with_aliases(routes: Iterable[Route], issuer: Issuer) -> tuple[Route, ...]:
    """Return ``routes``; what clients ask directly is found at ``mtls_address`` too.

    RFC 8705 §5. Pages are not, because a browser would be asked for a certificate, nor is what
    anybody may read.
    """
    if not issuer.mtls_address:
        return tuple(routes)
    origin = Mount.of(issuer.mtls_address).origin
    return tuple(
        replace(route, origins=(*route.origins, origin))
        if not route.page and route.endpoints.keys() - {"GET"}
        else route
        for route in routes
    )
