"""A certificate is believed from the handshake or from a proxy that may say so, nobody else."""

from base64 import b64encode
from dataclasses import replace
from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.runtime.malformed import Malformed
from config.runtime.web import Answer, Call, Route, TrustedProxies, json_answer
from config.runtime.web.certificates import (
    CERTIFICATE,
    LARGEST_CERTIFICATE,
    LONGEST_CHAIN,
    ClientCertificate,
    client_cert,
    passed_on,
    within_bounds,
)
from tests.unit.web.asking import Asked, ask, web

DER = b"\x30\x03\x02\x01\x05"
ISSUER = b"\x30\x03\x02\x01\x06"
HEADER = client_cert(DER)
PROXIES = TrustedProxies((ip_network("10.0.0.0/8"),), certificates=True)


def call(asked: Asked, proxies: TrustedProxies, own: ClientCertificate | None = None) -> Call:
    scope = asked.scope()
    if own is not None:
        scope[CERTIFICATE] = own
    made = Call(scope, asked.receiver())
    made.proxies = proxies
    return made


def from_proxy(*headers: tuple[str, str], peer: str | None = "10.0.0.1") -> Asked:
    return Asked(headers=headers, client=None if peer is None else (peer, 5555))


@pytest.mark.spec("RFC 9440 §2.2")
def test_a_trusted_proxy_tells_the_certificate_and_its_chain() -> None:
    asked = from_proxy(("client-cert", HEADER))
    assert call(asked, PROXIES).client_certificate() == ClientCertificate(DER)
    chain = f"{client_cert(ISSUER)},  {client_cert(DER)}"
    asked = from_proxy(("client-cert", f" {HEADER} "), ("client-cert-chain", chain))
    assert call(asked, PROXIES).client_certificate() == ClientCertificate(DER, (ISSUER, DER))


@pytest.mark.spec("RFC 9440 §2.3")
def test_a_chain_may_come_in_several_lines() -> None:
    lines = [("client-cert-chain", client_cert(ISSUER)), ("client-cert-chain", client_cert(DER))]
    asked = from_proxy(("client-cert", HEADER), *lines)
    assert call(asked, PROXIES).client_certificate() == ClientCertificate(DER, (ISSUER, DER))


def test_a_proxy_that_names_none_says_that_there_was_none() -> None:
    assert call(from_proxy(), PROXIES).client_certificate() is None


@pytest.mark.attack("A19")
@pytest.mark.spec("RFC 9440 §4")
@pytest.mark.parametrize("peer", ["192.0.2.7", "11.0.0.1", "::ffff:192.0.2.7", None, "unknown"])
@pytest.mark.parametrize("header", [HEADER, "garbage"])
def test_nobody_else_is_believed_nor_even_read(peer: str | None, header: str) -> None:
    asked = from_proxy(("client-cert", header), ("x-forwarded-for", "10.0.0.1"), peer=peer)
    assert call(asked, PROXIES).client_certificate() is None


@pytest.mark.attack("A19")
def test_a_proxy_that_need_not_drop_the_header_of_a_client_is_not_believed() -> None:
    asked = from_proxy(("client-cert", HEADER))
    without = replace(PROXIES, certificates=False)
    assert call(asked, without).client_certificate() is None


@pytest.mark.attack("A19")
def test_the_header_does_not_replace_what_the_handshake_proved() -> None:
    own = ClientCertificate(ISSUER)
    asked = from_proxy(("client-cert", HEADER), peer="192.0.2.7")
    assert call(asked, PROXIES, own).client_certificate() == own


def test_the_certificate_of_the_proxy_itself_is_not_its_clients() -> None:
    assert call(from_proxy(), PROXIES, ClientCertificate(ISSUER)).client_certificate() is None


def test_a_local_proxy_is_believed_through_a_unix_socket() -> None:
    asked = from_proxy(("client-cert", HEADER), peer=None)
    local = TrustedProxies(local=True, certificates=True)
    assert call(asked, local).client_certificate() == ClientCertificate(DER)


@pytest.mark.attack("A19")
def test_two_headers_are_not_one_of_them() -> None:
    asked = from_proxy(("client-cert", HEADER), ("client-cert", client_cert(ISSUER)))
    with pytest.raises(Malformed):
        call(asked, PROXIES).client_certificate()


@pytest.mark.parametrize(
    "header",
    [
        "",
        ":",
        "::",
        "MAMCAQU=",
        ":MAMCAQU=",
        "MAMCAQU=:",
        '"MAMCAQU="',
        ":MAMCAQU:",
        ":MAMCAQV=:",  # the last bits are not zero
        ":MAMC AQU=:",
        ":MAMC\tAQU=:",
        ":MA-_AQU=:",
        ":MAMCAQU=:;a=1",
        ":TUFNQ0FRVT0=:",  # not DER
        "-----BEGIN CERTIFICATE----- MAMCAQU= -----END CERTIFICATE-----",
        f":{b64encode(b'0' * (LARGEST_CERTIFICATE + 1)).decode()}:",
        f":{'A' * 1_000_000}:",
    ],
)
def test_whatever_is_no_byte_sequence_is_malformed(header: str) -> None:
    with pytest.raises(Malformed):
        passed_on(header, None)
    with pytest.raises(Malformed):
        passed_on(HEADER, header)


@pytest.mark.parametrize("header", [f"{HEADER}, {HEADER}", f"\t{HEADER}"])
def test_a_list_is_no_item(header: str) -> None:
    with pytest.raises(Malformed):
        passed_on(header, None)


def test_a_chain_is_bounded_and_belongs_to_a_certificate() -> None:
    longest = ", ".join([HEADER] * LONGEST_CHAIN)
    found = passed_on(HEADER, longest)
    assert found is not None and len(found.issuers) == LONGEST_CHAIN
    with pytest.raises(Malformed):
        passed_on(HEADER, f"{longest}, {HEADER}")
    with pytest.raises(Malformed):
        passed_on(None, HEADER)


def test_what_a_listener_takes_is_bounded_alike() -> None:
    assert within_bounds([])
    assert within_bounds([DER] * (LONGEST_CHAIN + 1))
    assert not within_bounds([DER] * (LONGEST_CHAIN + 2))
    assert not within_bounds([bytes(LARGEST_CERTIFICATE + 1)])


@given(st.binary(max_size=400).map(lambda tail: b"\x30" + tail))
def test_what_a_proxy_writes_is_read_again(der: bytes) -> None:
    assert passed_on(client_cert(der), client_cert(der)) == ClientCertificate(der, (der,))


@given(st.text(max_size=60), st.none() | st.text(max_size=60))
def test_any_text_is_read_or_malformed(certificate: str, chain: str | None) -> None:
    try:
        found = passed_on(certificate, chain)
    except Malformed:
        return
    assert found is not None and client_cert(found.leaf) == certificate.strip(" ")


async def tells(call: Call) -> Answer:
    found = call.client_certificate()
    return json_answer(None if found is None else found.leaf.hex())


@pytest.mark.attack("A19")
@pytest.mark.parametrize(
    ("peer", "header", "status", "told"),
    [
        ("10.0.0.1", HEADER, 200, DER.hex()),
        ("10.0.0.1", ":nonsense", 400, None),
        ("192.0.2.7", HEADER, 200, None),
        ("192.0.2.7", ":nonsense", 200, None),
    ],
)
async def test_the_house_says_which_proxies_are_believed(
    peer: str, header: str, status: int, told: str | None
) -> None:
    house = web([Route(path="/", endpoints={"GET": tells}, budget="token")], proxies=PROXIES)
    answer = await ask(house, Asked(headers=[("client-cert", header)], client=(peer, 5555)))
    assert answer.status == status
    if status == 200:
        assert (told or "null") in answer.body.decode()
