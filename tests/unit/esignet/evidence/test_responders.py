"""What responders of another authority say of it: believed when proved, else no time-stamp."""

import asyncio
import datetime
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509 import ocsp
from hypothesis import example, given
from hypothesis import strategies as st

from config.runtime.clock import SystemClock
from config.settings.esignet import TimestampSource
from esignet.evidence.timestamps.port import NotStamped
from esignet.evidence.timestamps.rfc3161 import ExternalStamps
from keystore.checking.paths import load
from keystore.checking.revocation import answers
from keystore.checking.status import Link, NoStatus, judge_status, status_request
from keystore.signing.digests import HashAlgorithm
from keystore.signing.door import Imprint
from tests.external_tsa import Tsa, tsa
from tests.ocsp_responder import REPLY, OpensslResponder
from tests.receiver import status
from tests.small_pki import Holder, SmallPki

pytestmark = pytest.mark.server

PKI, OTHER = SmallPki(), SmallPki()
LINK: Link = (PKI.stamper.certificate, PKI.issuing.certificate)
IMPRINT = Imprint(HashAlgorithm.SHA256, HashAlgorithm.SHA256.of(b"a contract"))
END = OpensslResponder(issuer=PKI.issuing, by=PKI.responder, index={PKI.stamper: "V"})
TOP = OpensslResponder(issuer=PKI.root, by=PKI.root, index={PKI.issuing: "V"})
Twist = Callable[[bytes], bytes]


@pytest.fixture
async def authority() -> AsyncIterator[Tsa]:
    async with tsa(PKI) as made:
        made.responders = {"/end": END.answer, "/top": TOP.answer}
        yield made


def asked(authority: Tsa, tmp_path: Path, *paths: str, **changes: object) -> ExternalStamps:
    """The source whose responders are at these paths."""
    responders = tuple(map(authority.at, paths or authority.responders))
    made = authority.source(tmp_path, **{"responders": responders, **changes})  # type: ignore[arg-type]
    assert isinstance(made, ExternalStamps)
    return made


class Clock:
    """The right time, moved by hand."""

    by = 0

    def now(self) -> int:
        return SystemClock().now() + self.by

    def elapsed(self) -> float:
        return SystemClock().elapsed() + self.by


@pytest.mark.spec("RFC 6960 §3.2")
async def test_each_certificate_of_the_path_is_told_to_be_good_once(
    authority: Tsa, tmp_path: Path
) -> None:
    source = asked(authority, tmp_path)
    before = len(END.asked), len(TOP.asked)
    for _ in range(2):
        made = await source.stamped([IMPRINT])
        assert made.evidence.certificates == (PKI.stamper.der, *PKI.stamper.chain)
        assert not made.evidence.crls
        for link in (LINK, (PKI.issuing.certificate, PKI.root.certificate)):
            [answer] = answers(*link, made.evidence.ocsp, ())
            assert answer.revoked_at is None
    # who does not know the second certificate is asked first, and the next one then
    assert (len(END.asked) - before[0], len(TOP.asked) - before[1]) == (2, 1)
    await source.close()


def nonce_of(request: ocsp.OCSPRequest) -> bytes:
    return request.extensions.get_extension_for_class(x509.OCSPNonce).value.nonce


@pytest.mark.spec("RFC 9654 §2.1")
async def test_a_question_has_a_nonce_of_its_own_and_names_one_certificate(
    authority: Tsa, tmp_path: Path
) -> None:
    for _ in range(2):
        await asked(authority, tmp_path).standing.responders.good(LINK)
    first, second = map(ocsp.load_der_ocsp_request, END.asked[-2:])
    assert first.serial_number == PKI.stamper.certificate.serial_number
    nonces = {nonce_of(one) for one in (first, second)}
    assert len(nonces) == 2 and all(len(one) == 32 for one in nonces)


async def test_lists_and_responders_complete_each_other(authority: Tsa, tmp_path: Path) -> None:
    authority.crls = {"/root.crl": PKI.crl()}
    source = asked(authority, tmp_path, "/end", lists=(authority.at("/root.crl"),))
    made = await source.stamped([IMPRINT])
    assert made.evidence.crls == (authority.crls["/root.crl"],)
    assert len(made.evidence.ocsp) == 1 and answers(*LINK, made.evidence.ocsp, ())
    authority.crls["/root.crl"] = PKI.crl(PKI.root, PKI.issuing)
    again = asked(authority, tmp_path, "/end", lists=(authority.at("/root.crl"),))
    with pytest.raises(NotStamped, match="revoked"):
        await again.stamped([IMPRINT])
    for one in (source, again):
        await one.close()


async def test_the_responder_that_the_certificate_names_is_asked(tmp_path: Path) -> None:
    async with tsa(PKI) as authority:
        pki = SmallPki(authority.at(""))
        authority.pki = pki
        end = OpensslResponder(issuer=pki.issuing, by=pki.responder, index={pki.stamper: "V"})
        top = OpensslResponder(issuer=pki.root, by=pki.root, index={pki.issuing: "V"})
        authority.responders["/ocsp"] = lambda request: (
            top
            if ocsp.load_der_ocsp_request(request).serial_number
            == pki.issuing.certificate.serial_number
            else end
        ).answer(request)
        source = authority.source(tmp_path, responders=("certificate",))
        made = await source.stamped([IMPRINT])
        assert len(made.evidence.ocsp) == 2
        assert (len(end.asked), len(top.asked)) == (1, 1)
        await source.close()


@pytest.mark.attack("A3")
@pytest.mark.parametrize("inside", ["http://10.0.0.1", "http://127.0.0.1:9", "ldap://a.example"])
async def test_an_address_that_a_certificate_names_never_leads_inside(
    tmp_path: Path, inside: str
) -> None:
    pki = SmallPki(inside)
    authority = Tsa(pki, url="https://tsa.example/tsr")
    made = authority.source(tmp_path, loopback=False, responders=("certificate",))
    assert isinstance(made, ExternalStamps)
    with pytest.raises(NotStamped, match="revocation: a responder is not there: address"):
        await made.standing.responders.good((pki.stamper.certificate, pki.issuing.certificate))
    await made.close()


async def test_a_certificate_that_names_nobody_is_not_proved_good(
    authority: Tsa, tmp_path: Path
) -> None:
    made = asked(authority, tmp_path, responders=("certificate",))
    with pytest.raises(NotStamped, match="names no responder"):
        await made.standing.responders.good((PKI.root.certificate, PKI.root.certificate))


def openssl(by: Holder, index: dict[Holder, str], *options: str) -> Twist:
    """What openssl answers."""
    made = OpensslResponder(issuer=PKI.issuing, by=by, index=index, options=options)
    return made.answer


def told(at: datetime.timedelta, holder: Holder = PKI.stamper, pki: SmallPki = PKI) -> Twist:
    """An answer without a nonce that was made before or after now, good for an hour."""
    made = pki.ocsp(holder, datetime.datetime.now(datetime.UTC) + at)
    return lambda _: status(200, made, REPLY)


def to_another_question(_: bytes) -> bytes:
    return END.answer(status_request(LINK, bytes(32)))


HOUR = datetime.timedelta(hours=1)
REFUSED: dict[str, tuple[str, Callable[[], Twist]]] = {
    "revoked": ("is revoked", lambda: openssl(PKI.responder, {PKI.stamper: "R"})),
    "unknown": ("does not know", lambda: openssl(PKI.responder, {PKI.signer: "V"})),
    "overdue": ("overdue", lambda: told(-2 * HOUR)),
    "of the future": ("future", lambda: told(HOUR)),
    "replayed": ("another question", lambda: to_another_question),
    "no responder": ("not of whom", lambda: openssl(PKI.signer, {PKI.stamper: "V"})),
    "responder of others": ("not of whom", lambda: openssl(OTHER.responder, {PKI.stamper: "V"})),
    "of another certificate": ("not of whom", lambda: told(0 * HOUR, PKI.signer)),
    "of another authority": ("not of whom", lambda: told(0 * HOUR, OTHER.stamper, OTHER)),
    "later": ("try_later", lambda: lambda _: status(200, bytes.fromhex("30030a0103"), REPLY)),
    "garbage": ("cannot be read", lambda: lambda _: status(200, b"garbage", REPLY)),
    "nothing": ("cannot be read", lambda: lambda _: status(200, b"", REPLY)),
    "too big": ("not there: size", lambda: lambda _: status(200, bytes(40_000), REPLY)),
    "a page": ("not there: type", lambda: lambda _: status(200, b"", "content-type: text/html")),
    "an error": ("not there: status", lambda: lambda _: status(500)),
    "elsewhere": ("not there: redirect", lambda: lambda _: status(302, b"", "location: /end")),
}


@pytest.mark.parametrize(("reason", "twist"), REFUSED.values(), ids=REFUSED)
@pytest.mark.spec("RFC 6960 §3.2")
async def test_what_does_not_tell_that_it_is_good_is_refused(
    authority: Tsa, tmp_path: Path, reason: str, twist: Callable[[], Twist]
) -> None:
    authority.responders = {"/end": twist()}
    source = asked(authority, tmp_path)
    with pytest.raises(NotStamped, match=f"revocation: .*{reason}"):
        await source.standing.responders.good(LINK)
    authority.responders["/end"] = END.answer
    assert await source.standing.responders.good(LINK), "what was refused is not kept"
    await source.close()


async def test_no_time_stamp_is_taken_of_whom_nobody_calls_good(
    authority: Tsa, tmp_path: Path
) -> None:
    authority.responders["/end"] = openssl(PKI.responder, {PKI.stamper: "R"})
    source = asked(authority, tmp_path)
    with pytest.raises(NotStamped, match="revocation: "):
        await source.stamped([IMPRINT])
    await source.close()


async def test_who_never_answers_is_not_waited_for(authority: Tsa, tmp_path: Path) -> None:
    authority.answer = None
    responders = replace(asked(authority, tmp_path, "/silent").standing.responders, seconds=0.1)
    async with asyncio.timeout(30):
        with pytest.raises(NotStamped, match="not there: timeout"):
            await responders.good(LINK)
        await authority.gone.wait()


async def test_an_answer_is_kept_until_the_next_is_due(authority: Tsa, tmp_path: Path) -> None:
    count, clock = [0], Clock()

    def good(_: bytes) -> bytes:
        count[0] += 1
        at = datetime.datetime.fromtimestamp(clock.now(), datetime.UTC)
        return status(200, PKI.ocsp(PKI.stamper, at), REPLY)

    authority.responders = {"/end": good}
    responders = asked(authority, tmp_path, clock=clock).standing.responders
    first = await asyncio.gather(*(responders.good(LINK) for _ in range(5)))
    assert len(set(first)) == count[0] == 1
    clock.by = 3000
    assert await responders.good(LINK) == first[0]
    clock.by = 3700
    assert await responders.good(LINK) != first[0] and count[0] == 2


async def test_who_does_not_say_when_the_next_is_due_is_asked_again_soon(
    authority: Tsa, tmp_path: Path
) -> None:
    clock = Clock()
    authority.responders["/end"] = openssl(PKI.responder, {PKI.stamper: "V"})
    responders = asked(authority, tmp_path, "/end", clock=clock).standing.responders
    response = await responders.good(LINK)
    assert await responders.good(LINK) == response
    clock.by = 700
    with pytest.raises(NotStamped, match="overdue"):  # as this clock is ahead of openssl's
        await responders.good(LINK)


def test_named_addresses_and_others_are_not_mixed() -> None:
    with pytest.raises(ValueError, match="alone"):
        TimestampSource(responders=("certificate", "http://a.example"))


RESPONSE = PKI.ocsp(PKI.stamper)


@given(st.binary(max_size=60))
@example(b"\x30\x03\x0a\x01\x00")
def test_whatever_comes_is_judged_or_refused(octets: bytes) -> None:
    with pytest.raises(NoStatus):
        judge_status(octets, LINK, bytes(32), SystemClock().now())


def test_a_certificate_that_says_a_thing_twice_is_nobodys() -> None:
    twice = b"\x55\x1d\x0f", b"\x55\x1d\x0e"  # its use of keys becomes another name of its key
    assert load([PKI.signer.der.replace(*twice)]) == []
    with pytest.raises(NoStatus, match=r"cannot be read|not of whom"):
        judge_status(RESPONSE.replace(*twice), LINK, bytes(32), SystemClock().now())


@pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")
@given(st.integers(0, len(RESPONSE) - 1), st.integers(1, 255))
def test_an_answer_that_was_changed_is_refused_or_says_the_same(at: int, by: int) -> None:
    changed = RESPONSE[:at] + bytes([RESPONSE[at] ^ by]) + RESPONSE[at + 1 :]
    now = SystemClock().now()
    with suppress(NoStatus):
        assert judge_status(changed, LINK, bytes(32), now) < now + 3601
