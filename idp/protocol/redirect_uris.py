"""Which addresses a client may register to be answered at (RFC 6749 §3.1.2, RFC 8252 §7).

Later requests are compared with the registered string byte for byte (RFC 9700 §4.1.3), so whatever
two URL parsers could read differently is refused here, once.
"""

import re
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from urllib.parse import unquote_plus

from idp.protocol.errors import InvalidRedirectUri

LONGEST = 2000

_URI = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*):(//(?P<authority>[^/?#]*))?(?P<path>[^?#]*)(\?(?P<query>[^#]*))?\Z",
    re.ASCII,
)
_CHARACTERS = re.compile(r"([A-Za-z0-9._~!$&'()*+,;=:@/?\[\]-]|%[0-9A-Fa-f]{2})*\Z", re.ASCII)
_NAME = re.compile(r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\Z")
_NUMERIC = re.compile(r"(^|\.)(0x[0-9a-f]*|[0-9]+)\Z", re.ASCII)
_AUTHORITY = re.compile(r"(?P<host>\[[0-9a-f:.]+\]|[^:\[\]]+)(:(?P<port>[0-9]{1,5}))?\Z", re.ASCII)
_DOT_SEGMENTS = re.compile(r"(?i)(^|/)(\.|%2e){1,2}(;[^/]*)?(/|\Z)")
_ANSWERS = frozenset(
    (
        *("code", "state", "iss", "error", "error_description", "error_uri", "response"),
        *("id_token", "access_token", "token_type", "expires_in", "session_state"),
    )
)
LOOPBACK = frozenset(("127.0.0.1", "[::1]", "localhost"))


def check(uri: str, application_type: str) -> str:
    """Return the host (or the private-use scheme) of ``uri``, or raise InvalidRedirectUri.

    A web client is answered at https, or at http on its own machine while it is developed; a native
    one also at a scheme of its own in reverse domain notation (RFC 8252 §7.1).
    """
    match = _URI.match(uri)
    if len(uri) > LONGEST or match is None or not _CHARACTERS.match(uri):
        raise _refused("is not a plain absolute URI without fragment", uri)
    scheme, authority = match["scheme"], match["authority"]
    _check_query(match["query"] or "", uri)
    if _DOT_SEGMENTS.search(match["path"]):
        raise _refused("has dot segments in its path", uri)
    if authority is None:
        if application_type != "native" or "." not in scheme:
            raise _refused("must begin with https://", uri)
        return scheme
    host = _host(authority, uri)
    if scheme == "https" or (scheme == "http" and host in LOOPBACK):
        return host
    raise _refused("must begin with https://, or http:// on loopback", uri)


def _host(authority: str, uri: str) -> str:
    match = _AUTHORITY.match(authority)
    if match is None:
        raise _refused("has user information, no host or a wrong port", uri)
    if match["port"] is not None and not 0 < int(match["port"]) < 65_536:
        raise _refused("has a wrong port", uri)
    host = match["host"]
    try:
        if host.startswith("["):
            IPv6Address(host[1:-1])
        elif _NUMERIC.search(host):  # browsers read 127.1 and 0x7f000001 as addresses too
            IPv4Address(host)
    except AddressValueError:
        raise _refused("has a wrong host", uri) from None
    if not host.startswith("[") and not _NAME.match(host):
        raise _refused("has a host that is not in lower case ASCII", uri)
    return host


def _check_query(query: str, uri: str) -> None:
    names = {unquote_plus(pair.partition("=")[0]) for pair in query.split("&")}
    if names & _ANSWERS:
        raise _refused("has a parameter that the answer uses", uri)


def _refused(why: str, uri: str) -> InvalidRedirectUri:
    return InvalidRedirectUri(f"redirect URI {why}: {uri[:200]}")
