"""Whose address a request came from, when proxies stand between (RFC 7239)."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address


@dataclass(frozen=True, slots=True)
class TrustedProxies:
    """The proxies in front of us, and the one header in which they say for whom they ask.

    One header and not both: a proxy that sets X-Forwarded-For lets a Forwarded of the client's own
    making through, and the other way round. ``header`` is ``x-forwarded-for`` or ``forwarded``.
    ``local`` trusts a proxy that connects through a UNIX socket. ``certificates`` says that they
    pass on the certificates of clients, and drop such a header of the client's own making.
    """

    networks: Sequence[Network] = ()
    header: str = "x-forwarded-for"
    local: bool = False
    certificates: bool = False

    def is_one(self, peer: str | None) -> bool:
        """Return whether who connected (None through a UNIX socket) is one of the proxies."""
        address = _address(peer or "")
        return self.local if address is None else self.trust(address)

    def trust(self, address: Address) -> bool:
        """Return whether ``address`` is one of the proxies."""
        return any(
            address.version == network.version and address in network for network in self.networks
        )


NO_PROXIES = TrustedProxies()


def client_of(peer: str | None, forwarded: str | None, proxies: TrustedProxies) -> str:
    """Return the address of the client: the nearest one that is not a trusted proxy.

    ``peer`` is who connected (None through a UNIX socket), ``forwarded`` the value of the header
    that ``proxies`` names. Whatever a stranger put to the left of that is never looked at; text
    that is no address ends the walk at the proxy that passed it on. Empty when nothing is known.
    """
    nearest = _address(peer or "")
    if nearest is None:
        if not proxies.local:
            return ""
    elif not proxies.trust(nearest):
        return str(nearest)
    for hop in reversed(_hops(forwarded or "", proxies.header)):
        address = _address(hop)
        if address is None:
            break
        nearest = address
        if not proxies.trust(nearest):
            break
    return "" if nearest is None else str(nearest)


def _hops(value: str, header: str) -> list[str]:
    if header != "forwarded":
        return value.split(",")
    hops = []
    for element in value.split(","):
        parts = [part.strip().partition("=") for part in element.split(";")]
        names = [text.strip('"') for name, _, text in parts if name.lower() == "for"]
        hops.append(names[0] if len(names) == 1 else "")
    return hops


@lru_cache(maxsize=1024)
def _address(text: str) -> Address | None:
    """Read an address with or without port and brackets; IPv4 in IPv6 is IPv4.

    Remembered, as a network address is read at every request of a page: 6 us each time.
    """
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        return address.ipv4_mapped or (None if address.scope_id else address)
    return address
