"""Whom an authority vouches for (RFC 5280 §6), judged beside openssl's own opinion."""

import subprocess
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given
from hypothesis import strategies as st

from keystore.x509.authorities import DEEPEST, Authorities
from keystore.x509.certificate import CertificateRefused, read
from tests.certificates import Holder, Wanted, authority, expired, made, name

NOW = 1_800_000_000
ROOT = authority()
TRUST = Authorities.load(ROOT.pem)


def check(holder: Holder, *between: Holder, trust: Authorities = TRUST, now: int = NOW) -> None:
    trust.check(read(holder.der), [one.der for one in between], now)


def client(issuer: Holder | None = ROOT, **wanted: object) -> Holder:
    return made(Wanted(subject=name("client"), **wanted), issuer)  # type: ignore[arg-type]


def test_a_client_of_the_authority_is_vouched_for() -> None:
    check(client())
    check(client(usages=None))
    check(client(usages=(ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,)))
    check(client(key=rsa.generate_private_key(65537, 2048)))


def test_an_authority_between_is_sent_by_the_client_or_trusted_itself() -> None:
    middle = authority("middle", ROOT)
    holder = client(middle)
    check(holder, middle)
    check(holder, trust=Authorities.load(ROOT.pem + middle.pem))
    with pytest.raises(CertificateRefused):
        check(holder)


@pytest.mark.attack("A19")
def test_nobody_else_makes_certificates() -> None:
    stranger = authority()  # the same name, another key
    plain = client()  # a client that plays authority
    for holder, between in (
        (client(None), ()),
        (client(stranger), ()),
        (client(stranger), (stranger,)),
        (client(plain), (plain,)),
        (client(usages=(ExtendedKeyUsageOID.SERVER_AUTH,)), ()),
    ):
        with pytest.raises(CertificateRefused):
            check(holder, *between)


def test_times_are_held_for_the_client_and_the_authorities() -> None:
    wanted = Wanted(subject=name("client"))
    with pytest.raises(CertificateRefused, match="expired"):
        check(made(expired(wanted, NOW), ROOT))
    with pytest.raises(CertificateRefused, match="not valid yet"):
        check(client(begins=datetime.fromtimestamp(NOW + 60, UTC)))
    end = datetime.fromtimestamp(NOW - 60, UTC)
    middle = made(Wanted(subject=name("middle"), authority=True, ends=end), ROOT)
    with pytest.raises(CertificateRefused):
        check(client(middle), middle)


def test_paths_are_bounded() -> None:
    chain = [authority("level 0", ROOT)]
    for level in range(1, DEEPEST + 1):
        chain.append(authority(f"level {level}", chain[-1]))
    check(client(chain[DEEPEST - 1]), *chain[:DEEPEST])
    with pytest.raises(CertificateRefused):
        check(client(chain[DEEPEST]), *chain)


@pytest.mark.parametrize(
    "key", [rsa.generate_private_key(65537, 1024), ec.generate_private_key(ec.SECP256K1())]
)
def test_weak_and_unknown_keys_are_nobodys(key: rsa.RSAPrivateKey) -> None:
    with pytest.raises(CertificateRefused, match="weak"):
        read(client(key=key).der)


def test_names_are_read() -> None:
    names = [
        x509.DNSName("Client.Example"),
        x509.UniformResourceIdentifier("https://client.example/x"),
        x509.IPAddress(ip_address("2001:db8::1")),
        x509.RFC822Name("Ops@Client.EXAMPLE"),
    ]
    found = read(client(names=names).der)
    assert found.dns == {"client.example"}
    assert found.uris == {"https://client.example/x"}
    assert found.ips == {ip_address("2001:db8::1")}
    assert found.emails == {"Ops@client.example"}


@pytest.mark.parametrize("pem", [b"", b"nothing", b"-----BEGIN CERTIFICATE-----\nAA\n"])
def test_a_file_without_certificates_is_refused(pem: bytes) -> None:
    with pytest.raises(CertificateRefused):
        Authorities.load(pem)


@given(st.binary(max_size=200), st.integers(0, 2000), st.integers(0, 255))
def test_any_bytes_are_read_or_refused(noise: bytes, place: int, octet: int) -> None:
    broken = bytearray(ROOT.der)
    broken[place % len(broken)] = octet
    for der in (noise, b"\x30" + noise, bytes(broken), ROOT.der + noise):
        try:
            read(der)
            TRUST.check(read(der), [noise, der], NOW)
        except CertificateRefused:
            pass


@pytest.mark.parametrize("case", ["good", "server", "no basic constraints", "critical"])
def test_openssl_is_of_the_same_opinion(tmp_path: Path, case: str) -> None:
    extensions = {
        "good": "extendedKeyUsage=clientAuth\nkeyUsage=critical,digitalSignature\n",
        "server": "extendedKeyUsage=serverAuth\n",
        "no basic constraints": "subjectAltName=DNS:client.example\n",
        "critical": "1.2.3.4.5=critical,ASN1:UTF8String:hello\n",
    }
    (tmp_path / "extensions").write_text(extensions[case])

    def openssl(*command: str) -> bool:
        done = subprocess.run(["openssl", *command], cwd=tmp_path, capture_output=True, check=False)
        return done.returncode == 0

    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    assert openssl("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=CA")
    assert openssl("req", *key, "-keyout", "c.key", "-out", "c.csr", "-subj", "/CN=client")
    signed = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "extensions")
    assert openssl("x509", "-req", "-in", "c.csr", "-out", "c.pem", *signed)
    theirs = openssl("verify", "-purpose", "sslclient", "-CAfile", "ca.pem", "c.pem")
    trust = Authorities.load((tmp_path / "ca.pem").read_bytes())
    certificate = x509.load_pem_x509_certificate((tmp_path / "c.pem").read_bytes())
    now = int(certificate.not_valid_before_utc.timestamp())
    try:
        check(Holder(certificate, ec.generate_private_key(ec.SECP256R1())), trust=trust, now=now)
        ours = True
    except CertificateRefused:
        ours = False
    assert ours is theirs is (case in ("good", "no basic constraints"))
