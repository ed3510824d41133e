"""What a root elsewhere may bring: one file for each rule that it breaks, made by openssl."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from config.wiring.documents import naming_of
from keystore.authority.capturing import spki
from keystore.authority.offline_judging import Rule, judge
from keystore.authority.offline_reading import (
    LONGEST_CERTIFICATE,
    LONGEST_LIST,
    NotAccepted,
    read_certificate,
    read_list,
)
from keystore.authority.offline_request import policies_below, request_of
from keystore.authority.offline_rules import (
    CERTIFICATE_RULES,
    LIST_RULES,
    ROOT_RULES,
    CertificateCase,
    ListCase,
    RootCase,
)
from keystore.authority.profiles import name_of
from keystore.signing.door import CertificateSubject
from tests.offline_root import ELSEWHERE, PlayedRoot

pytestmark = pytest.mark.server

KEY = ec.generate_private_key(ec.SECP256R1())
NAMING = naming_of(ELSEWHERE)
SUBJECT = name_of(CertificateSubject(serial="k", country="UT", organization="Utopia Trust"))
NOT_KNOWN = "1.2.3.4 = critical, ASN1:UTF8String:x"
BELOW = "authorityKeyIdentifier = keyid:always\n"
BASIC = "basicConstraints = critical, CA:TRUE, pathlen:0\n"
USAGE = "keyUsage = critical, keyCertSign, cRLSign\n"
MORE = USAGE.replace("cRLSign", "cRLSign, digitalSignature")
ANY = "certificatePolicies = 2.5.29.32.0\n"
RSA = ("RSA", "rsa_keygen_bits:2048")


def request(subject: x509.Name = SUBJECT) -> bytes:
    """What our issuing key asks, in PEM."""
    unsigned = request_of(spki(KEY.public_key()), subject, NAMING)
    made = utils.decode_dss_signature(KEY.sign(unsigned.signed, ec.ECDSA(hashes.SHA256())))
    raw = b"".join(part.to_bytes(32, "big") for part in made)
    return x509.load_der_x509_csr(unsigned.finished(raw)).public_bytes(Encoding.PEM)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> PlayedRoot:
    """A root that does everything right unless it is told otherwise."""
    return PlayedRoot.made(tmp_path_factory.mktemp("root") / "r")


@pytest.fixture(scope="module")
def lists(root: PlayedRoot) -> bytes:
    """A list of the root in DER."""
    return read_list(root.listed()).public_bytes(Encoding.DER)


def now() -> datetime:
    return datetime.now(UTC) + timedelta(seconds=1)


def judge_root(certificate: bytes, *known: bytes, is_new: bool = False, at: int = 0) -> None:
    before = [read_certificate(one, "a root") for one in known]
    read, moment = read_certificate(certificate, "the root"), now() + timedelta(days=at)
    judge(RootCase(root=read, known=before, is_new=is_new, now=moment), ROOT_RULES)


def judge_list(listed: bytes, root: PlayedRoot, last: bytes = b"", at: int = 0) -> None:
    case = ListCase(
        listed=read_list(listed),
        root=read_certificate(root.certificate, "the root"),
        last=read_list(last) if last else None,
        now=now() + timedelta(days=at),
    )
    judge(case, LIST_RULES)


def judge_certificate(
    certificate: bytes, root: PlayedRoot, *, listed: bytes = b"", earlier: bytes = b"", at: int = 0
) -> None:
    case = CertificateCase(
        certificate=read_certificate(certificate, "the certificate"),
        root=read_certificate(root.certificate, "the root"),
        listed=read_list(listed or root.listed()),
        earlier=earlier or None,
        subject=SUBJECT,
        policies=policies_below(NAMING),
        now=now() + timedelta(days=at),
    )
    judge(case, CERTIFICATE_RULES)


def test_what_the_page_has_openssl_make_is_accepted(root: PlayedRoot) -> None:
    made, listed = root.certified(request()), root.listed()
    judge_root(root.certificate)
    judge_root(root.certificate, root.certificate)
    judge_list(listed, root)
    judge_list(root.listed(), root, listed)
    judge_list(listed, root, listed)
    judge_certificate(made, root)
    judge_certificate(made, root, earlier=read_certificate(made, "it").public_bytes(Encoding.DER))


def test_roots_of_rsa_and_of_other_curves_are_accepted(tmp_path: Path) -> None:
    for name, key in (
        ("rsa", ("RSA", "rsa_keygen_bits:3072")),
        ("p521", ("EC", "ec_paramgen_curve:P-521")),
    ):
        other = PlayedRoot.made(tmp_path / name, key=key)
        judge_root(other.certificate)
        judge_list(other.listed(), other)
        judge_certificate(other.certified(request()), other)


ROOTS = {
    "root-strength": {"key": RSA},
    "root-authority": {"lines": (("keyCertSign, cRLSign", "keyCertSign"),)},
    "root-depth": {"lines": (("pathlen:1", "pathlen:0"),)},
    "root-extensions": {"lines": (("subjectKeyIdentifier = hash", f"{NOT_KNOWN}"),)},
    "root-identifier": {"lines": (("subjectKeyIdentifier = hash", "subjectKeyIdentifier = none"),)},
}


@pytest.mark.parametrize("rule", ROOTS)
def test_a_root_that_breaks_a_rule_is_refused(rule: str, tmp_path: Path) -> None:
    made = PlayedRoot.made(tmp_path / "r", **ROOTS[rule])  # type: ignore[arg-type]
    with pytest.raises(NotAccepted) as refused:
        judge_root(made.certificate)
    assert refused.value.rule == rule


def test_a_weak_hash_an_expired_root_and_a_certificate_in_its_place_are_refused(
    root: PlayedRoot, tmp_path: Path
) -> None:
    weak = PlayedRoot.made(tmp_path / "weak", "-sha1")
    for rule, certificate, at in (
        ("root-strength", weak.certificate, 0),
        ("root-dates", root.certificate, 9200),
        ("root-dates", root.certificate, -1),
        ("root-self-signed", root.certified(request()), 0),
    ):
        with pytest.raises(NotAccepted) as refused:
            judge_root(certificate, at=at)
        assert refused.value.rule == rule


def test_another_root_is_refused_unless_it_is_meant(root: PlayedRoot, tmp_path: Path) -> None:
    other = PlayedRoot.made(tmp_path / "other")
    with pytest.raises(NotAccepted, match="--new-root") as refused:
        judge_root(other.certificate, root.certificate)
    assert refused.value.rule == "root-known"
    judge_root(other.certificate, root.certificate, is_new=True)


NAMED, NUMBERED = "authorityKeyIdentifier = keyid:always", "crlnumber = crlnumber\n"
PARTIAL = f"{NAMED}\nissuingDistributionPoint = critical, @part\n[ part ]\nonlyCA = TRUE\n"
LISTS: dict[str, Callable[[PlayedRoot, Path], bytes]] = {
    "list-issuer": lambda root, place: PlayedRoot.made(place / "other").listed(),
    "list-strength": lambda root, place: root.listed("-md", "sha1"),
    "list-identifier": lambda root, place: root.listed(lines=((NAMED, ""),)),
    "list-number": lambda root, place: root.listed(lines=((NUMBERED, ""),)),
    "list-whole": lambda root, place: root.listed(lines=((NAMED, PARTIAL),)),
    "list-fresh": lambda root, place: root.listed("-crldays", "6"),
}


@pytest.mark.parametrize("rule", LISTS)
def test_a_list_that_breaks_a_rule_is_refused(rule: str, root: PlayedRoot, tmp_path: Path) -> None:
    listed = LISTS[rule](root, tmp_path)
    with pytest.raises(NotAccepted) as refused:
        judge_list(listed, root)
    assert refused.value.rule == rule


def test_a_list_of_tomorrow_one_that_ended_and_an_older_one_are_refused(root: PlayedRoot) -> None:
    first, second = root.listed(), root.listed()
    for rule, listed, last, at in (
        ("list-dates", first, b"", -1),
        ("list-fresh", first, b"", 359),
        ("list-newer", first, second, 0),
    ):
        with pytest.raises(NotAccepted) as refused:
            judge_list(listed, root, last, at)
        assert refused.value.rule == rule


CERTIFICATES: dict[str, Callable[[PlayedRoot, Path], bytes]] = {
    "certificate-subject": lambda root, place: root.certified(
        request(x509.Name(list(SUBJECT)[:-1]))
    ),
    "certificate-issuer": lambda root, place: PlayedRoot.made(place / "other").certified(request()),
    "certificate-strength": lambda root, place: root.certified(request(), "-sha1"),
    "certificate-authority": lambda root, place: root.certified(
        request(), lines=BELOW + ANY + BASIC + MORE, copied=False
    ),
    "certificate-depth": lambda root, place: root.certified(
        request(), lines=BELOW + ANY + USAGE + BASIC.replace(", pathlen:0", ""), copied=False
    ),
    "certificate-constraints": lambda root, place: root.certified(
        request(), lines=f"{BELOW}extendedKeyUsage = emailProtection\n"
    ),
    "certificate-extensions": lambda root, place: root.certified(
        request(), lines=f"{BELOW}{NOT_KNOWN}\n"
    ),
    "certificate-identifiers": lambda root, place: root.certified(
        request(), lines="authorityKeyIdentifier = none\n"
    ),
    "certificate-policies": lambda root, place: root.certified(
        request(), lines=BELOW + BASIC + USAGE, copied=False
    ),
    "certificate-dates": lambda root, place: root.certified(request(), "-days", "30"),
    "certificate-outlives": lambda root, place: root.certified(request(), "-days", "9200"),
}


@pytest.mark.parametrize("rule", CERTIFICATES)
def test_a_certificate_that_breaks_a_rule_is_refused(
    rule: str, root: PlayedRoot, tmp_path: Path
) -> None:
    certificate = CERTIFICATES[rule](root, tmp_path)
    with pytest.raises(NotAccepted) as refused:
        judge_certificate(certificate, root)
    assert refused.value.rule == rule


def test_one_that_is_not_valid_yet_comes_twice_or_was_taken_back_is_refused(
    tmp_path: Path,
) -> None:
    root = PlayedRoot.made(tmp_path / "r")
    made, again = root.certified(request()), root.certified(request())
    root.take_back(made)
    listed = root.listed()
    before = read_certificate(made, "it").public_bytes(Encoding.DER)
    for rule, certificate, earlier, at in (
        ("certificate-dates", again, b"", -1),
        ("certificate-once", again, before, 0),
        ("certificate-good", made, b"", 0),
    ):
        with pytest.raises(NotAccepted) as refused:
            judge_certificate(certificate, root, listed=listed, earlier=earlier, at=at)
        assert refused.value.rule == rule


def test_every_rule_is_broken_by_a_test() -> None:
    tables: tuple[Sequence[Rule[Any]], ...] = (ROOT_RULES, LIST_RULES, CERTIFICATE_RULES)
    rules = {rule.name for table in tables for rule in table}
    apart = {"root-self-signed", "root-dates", "root-known", "list-dates", "list-newer"}
    apart |= {"certificate-once", "certificate-good"}
    assert rules == {*ROOTS, *LISTS, *CERTIFICATES, *apart}


def test_a_file_holds_one_thing_and_nothing_large(root: PlayedRoot) -> None:
    certificate, listed = root.certificate, root.listed()
    key = (root.directory / "root.key").read_bytes()
    for octets in (b"", b"x", certificate * 2, certificate + key, key, listed):
        with pytest.raises(NotAccepted, match="alone"):
            read_certificate(octets, "the root")
    for octets in (b"", listed * 2, certificate, listed[:-40]):
        with pytest.raises(NotAccepted, match="alone"):
            read_list(octets)
    for read, octets in (
        (lambda one: read_certificate(one, "it"), certificate.ljust(LONGEST_CERTIFICATE + 1)),
        (read_list, listed.ljust(LONGEST_LIST + 1)),
    ):
        with pytest.raises(NotAccepted):
            read(octets)


@given(place=st.integers(0, 1200), other=st.integers(0, 255), whole=st.binary(max_size=300))
def test_no_octets_make_more_than_a_refusal(
    root: PlayedRoot, lists: bytes, place: int, other: int, whole: bytes
) -> None:
    made = bytearray(read_certificate(root.certificate, "the root").public_bytes(Encoding.DER))
    made[place % len(made)] = other
    listed = bytearray(lists)
    listed[place % len(listed)] = other
    for one in (bytes(made), bytes(listed), whole):
        for judged in (judge_root, lambda octets: judge_list(octets, root)):
            try:
                judged(one)
            except NotAccepted as refused:
                assert refused.rule
