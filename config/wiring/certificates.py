"""Where clients with certificates come in: our own listener, trusted proxies, other addresses."""

from collections.abc import Iterable
from dataclasses import replace
from ipaddress import ip_network

from config.runtime.web import Route, TrustedProxies
from config.settings import Issuer, Web
from idp.endpoints.mounting import Mount


def trusted_proxies(web: Web) -> TrustedProxies:
    """Return the proxies of the settings."""
    networks = [ip_network(address) for address in web.trusted_proxies]
    return TrustedProxies(networks, certificates=web.certificates_from_proxies)


def origins(issuers: Iterable[Issuer]) -> list[str]:
    """Return every origin that is ours: those of issuers, and those for certificates."""
    addresses = [address for one in issuers for address in (one.address, one.mtls_address)]
    return sorted({Mount.of(address).origin for address in addresses if address})


def with_aliases(routes: Iterable[Route], issuer: Issuer) -> tuple[Route, ...]:
    """Return ``routes``; what clients ask directly is found at ``mtls_address`` too.

    RFC 8705 §5. Pages are not: a browser there would be asked for a certificate.
    """
    if not issuer.mtls_address:
        return tuple(routes)
    origin = Mount.of(issuer.mtls_address).origin
    return tuple(
        replace(route, origins=(*route.origins, origin))
        if not route.page and "POST" in route.endpoints
        else route
        for route in routes
    )
