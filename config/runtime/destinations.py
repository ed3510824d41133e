"""Where an address that somebody else chose may lead: never into our own networks (SSRF)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address

_URL = re.compile(
    r"(?P<scheme>https?)://"
    r"(?P<host>[A-Za-z0-9](?:[A-Za-z0-9_-]*[A-Za-z0-9])?"
    r"(?:\.[A-Za-z0-9](?:[A-Za-z0-9_-]*[A-Za-z0-9])?)*|\[[0-9A-Fa-f:.]{2,45}\])"
    r"(?::(?P<port>[1-9][0-9]{0,4}))?"
    r"(?P<target>(?:/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*)?(?:\?[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*)?)",
    re.ASCII,
)
_NUMBER = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*", re.ASCII)
_LOOPBACK_NAMES = frozenset(("localhost", "127.0.0.1", "[::1]"))

_SPECIAL_4 = tuple(
    map(
        IPv4Network,
        (
            *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
            *("172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24"),
            *("192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24"),
            *("198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4"),
            *("240.0.0.0/4", "168.63.129.16/32"),  # the last: a cloud's metadata server
        ),
    )
)
_GLOBAL_6 = IPv6Network("2000::/3")
_SPECIAL_6 = tuple(
    map(IPv6Network, ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20"))
)


class NotAllowed(Exception):
    """The address is not one that we connect to; the text says which rule forbids it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """``private`` networks are reached as if they were public: a government's own ones.
    ``ports`` are the only ones used. ``loopback`` lets this machine be asked, over plain http too
    and at any port: for demonstrations and tests alone. ``plain`` lets plain http be used, for what
    is signed itself: revocation lists (RFC 5280 §8).
    """

    private: Sequence[Network] = ()
    ports: frozenset[int] = frozenset((443, 8443))
    loopback: bool = False
    plain: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """A URL taken apart by the one strict grammar that we connect by. ``host`` has no brackets."""

    scheme: str
    host: str
    port: int
    target: str

    @property
    def authority(self) -> str:
        """Return the value of the Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        default = 443 if self.scheme == "https" else 80
        return host if self.port == default else f"{host}:{self.port}"


def destination(url: str, rules: Rules) -> Destination:
    """Take ``url`` apart, or raise NotAllowed.

    Stricter than RFC 3986, because parsers disagree where it is lax: no user, no fragment, no
    backslash, no space, no percent-encoded host, no host in the many spellings of an IPv4 address
    (WHATWG URL §3.5), letters of other scripts only in their ASCII form.
    """
    parts = _URL.fullmatch(url) if len(url) <= 2048 else None
    if parts is None:
        raise NotAllowed("not a plain https URL")
    scheme, host = parts["scheme"], parts["host"].lower()
    here = rules.loopback and host in _LOOPBACK_NAMES
    if scheme == "http" and not (here or rules.plain):
        raise NotAllowed("only https")
    port = int(parts["port"] or (443 if scheme == "https" else 80))
    if port > 65535 or (port not in rules.ports and not here):
        raise NotAllowed("port")
    if _NUMBER.fullmatch(host.rpartition(".")[2]) or host.startswith("["):
        host = host.strip("[]")
        if _address(host) is None:
            raise NotAllowed("not an address")
    return Destination(scheme=scheme, host=host, port=port, target=_with_path(parts["target"]))


def judge(addresses: Sequence[str], asked: Destination, rules: Rules) -> str:
    """Return the address to connect to out of those that the name resolved to.

    When one of them is of special use (IANA's registries; RFC 6890), none is used: a name that
    points inside and outside at once is an attack or a mistake.
    """
    if not addresses:
        raise NotAllowed("the name has no address")
    loopback = rules.loopback and asked.host in ("localhost", "127.0.0.1", "::1")
    for text in addresses:
        address = _address(text)
        if address is None or not (
            _public(address)
            or any(address in network for network in rules.private)
            or (loopback and address.is_loopback)
        ):
            raise NotAllowed("special-use address")
    return addresses[0]


def _public(address: Address) -> bool:
    """Tell whether ``address`` is on the public internet. IPv6 that carries IPv4 (mapped, NAT64,
    6to4, Teredo) never is: it may lead to an IPv4 address that we would refuse.
    """
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _SPECIAL_4)
    return address in _GLOBAL_6 and not any(address in network for network in _SPECIAL_6)


def _address(text: str) -> Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None


def _with_path(target: str) -> str:
    return target if target.startswith("/") else f"/{target}"
