"""The client's address is what the nearest proxy that we trust says, never what a client says."""

import contextlib
from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.runtime.malformed import Malformed
from config.runtime.web import TrustedProxies
from config.runtime.web.addresses import NO_PROXIES, client_of
from tests.unit.web.asking import Asked

NEAR = TrustedProxies((ip_network("10.0.0.0/8"), ip_network("fd00::/8")))
FORWARDED = TrustedProxies(NEAR.networks, header="forwarded")
LOCAL = TrustedProxies(local=True)

CASES = [
    # nobody is trusted: who connected it is
    ("192.0.2.7", "203.0.113.9", NO_PROXIES, "192.0.2.7"),
    ("10.0.0.1", "203.0.113.9", NO_PROXIES, "10.0.0.1"),
    # a stranger connects by himself and claims
    ("192.0.2.7", "203.0.113.9", NEAR, "192.0.2.7"),
    # through a proxy
    ("10.0.0.1", "203.0.113.9", NEAR, "203.0.113.9"),
    ("10.0.0.1", None, NEAR, "10.0.0.1"),
    ("10.0.0.1", "", NEAR, "10.0.0.1"),
    # what the client wrote stands to the left and is not looked at
    ("10.0.0.1", "127.0.0.1, 10.9.9.9, 203.0.113.9", NEAR, "203.0.113.9"),
    ("10.0.0.1", "garbage, 203.0.113.9", NEAR, "203.0.113.9"),
    # two proxies
    ("10.0.0.1", "203.0.113.9, 10.0.0.2", NEAR, "203.0.113.9"),
    ("10.0.0.1", "203.0.113.9,10.0.0.2 ", NEAR, "203.0.113.9"),
    # everybody is a proxy: the farthest
    ("10.0.0.1", "10.0.0.3, 10.0.0.2", NEAR, "10.0.0.3"),
    # garbage from a proxy ends the walk
    ("10.0.0.1", "203.0.113.9, unknown", NEAR, "10.0.0.1"),
    ("10.0.0.1", "203.0.113.9, 1.2.3", NEAR, "10.0.0.1"),
    ("10.0.0.1", "203.0.113.9, 0x7f.0.0.1", NEAR, "10.0.0.1"),
    # ports, brackets, mapped addresses
    ("10.0.0.1", "203.0.113.9:4711", NEAR, "203.0.113.9"),
    ("10.0.0.1", "[2001:db8::9]:4711", NEAR, "2001:db8::9"),
    ("10.0.0.1", "2001:DB8::9", NEAR, "2001:db8::9"),
    ("::ffff:10.0.0.1", "::ffff:203.0.113.9", NEAR, "203.0.113.9"),
    ("fd00::1", "203.0.113.9", NEAR, "203.0.113.9"),
    # a UNIX socket
    (None, "203.0.113.9", LOCAL, "203.0.113.9"),
    (None, "203.0.113.9", NO_PROXIES, ""),
    (None, None, LOCAL, ""),
    # RFC 7239
    ("10.0.0.1", "for=203.0.113.9;proto=https;by=10.0.0.1", FORWARDED, "203.0.113.9"),
    ("10.0.0.1", 'For="[2001:db8::9]:80"', FORWARDED, "2001:db8::9"),
    ("10.0.0.1", "for=1.1.1.1, for=203.0.113.9", FORWARDED, "203.0.113.9"),
    ("10.0.0.1", "for=1.1.1.1;for=203.0.113.9", FORWARDED, "10.0.0.1"),
    ("10.0.0.1", "for=_hidden", FORWARDED, "10.0.0.1"),
    ("10.0.0.1", "proto=https", FORWARDED, "10.0.0.1"),
]


@pytest.mark.attack("A29")
@pytest.mark.parametrize(("peer", "header", "proxies", "client"), CASES)
def test_the_nearest_address_that_is_no_proxy(
    peer: str | None, header: str | None, proxies: TrustedProxies, client: str
) -> None:
    assert client_of(peer, header, proxies) == client


@pytest.mark.attack("A29")
def test_the_header_that_is_not_configured_is_ignored() -> None:
    headers = [("forwarded", "for=203.0.113.1"), ("x-forwarded-for", "203.0.113.2")]
    asked = Asked(headers=headers, client=("10.0.0.1", 1))
    assert asked.call().client_address(NEAR) == "203.0.113.2"
    assert asked.call().client_address(FORWARDED) == "203.0.113.1"


@pytest.mark.attack("A29")
def test_several_lines_are_one_list() -> None:
    headers = [("x-forwarded-for", "1.1.1.1"), ("x-forwarded-for", "203.0.113.2")]
    assert Asked(headers=headers, client=("10.0.0.1", 1)).call().client_address(NEAR) == (
        "203.0.113.2"
    )


@pytest.mark.attack("A26")
@given(
    st.text(st.characters(max_codepoint=255), max_size=80)
    | st.text('0123456789abcdef:.,[]"=;for% ', max_size=80),
    st.sampled_from([NEAR, FORWARDED, LOCAL]),
    st.sampled_from(["10.0.0.1", "fd00::1", None, "garbage"]),
)
def test_no_header_makes_the_reader_fail(
    header: str, proxies: TrustedProxies, peer: str | None
) -> None:
    asked = Asked(headers=[(proxies.header, header)], client=(peer, 1) if peer else None)
    with contextlib.suppress(Malformed):
        asked.call().client_address(proxies)
