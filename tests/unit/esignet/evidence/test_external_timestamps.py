"""Time-stamps of somebody else's authority: believed for what they prove, refused by name."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from config.runtime.clock import SystemClock
from config.runtime.destinations import NotAllowed, Rules, destination
from config.settings import SettingsError
from config.settings.esignet import TimestampSource
from esignet.evidence.timestamps.order import InOrder
from esignet.evidence.timestamps.port import NotStamped, TimestampsUnavailable
from keystore.checking.revocation import is_current
from keystore.checking.timestamp import read_token
from keystore.der.reader import NotDer, read
from keystore.der.writer import integer, sequence, tlv
from keystore.signing.digests import HashAlgorithm
from keystore.signing.door import Imprint
from keystore.timestamping.asking import Refused, request_of, token_of
from keystore.timestamping.messages import read_request
from tests.external_tsa import POLICY, REPLY, Tsa, tsa
from tests.receiver import status
from tests.small_pki import SmallPki

pytestmark = pytest.mark.server

PKI, OTHER = SmallPki(), SmallPki()
SHA256 = HashAlgorithm.SHA256
IMPRINT = Imprint(SHA256, SHA256.of(b"a contract"))
ANOTHER = Imprint(SHA256, SHA256.of(b"another"))
Twist = Callable[[bytes], bytes]


@pytest.fixture
async def authority() -> AsyncIterator[Tsa]:
    async with tsa(PKI) as made:
        yield made


class LateClock:
    """A clock ten minutes behind the authority's."""

    def now(self) -> int:
        return SystemClock().now() - 600

    def elapsed(self) -> float:
        return SystemClock().elapsed()


def stamps(request: bytes) -> bytes:
    return status(200, PKI.stamp_response(request), REPLY)


def nonce_of(request: bytes) -> int:
    nonce = read_request(request).nonce
    assert nonce is not None
    return nonce


def nothing_after(request: bytes) -> bytes:
    return status(200, PKI.stamp_response(request) + b"\x00", REPLY)


def two_tokens(request: bytes) -> bytes:
    granted = PKI.stamp_response(request)
    token = PKI.token(b"a contract")
    inner = granted[4 if granted[1] == 0x82 else 3 :]
    return status(200, sequence(inner, token), REPLY)


REFUSED: dict[str, tuple[str, Twist, dict[str, object]]] = {
    "another nonce": ("nonce", lambda r: stamps(request_of(IMPRINT, nonce_of(r) + 1)), {}),
    "no nonce": ("nonce", lambda r: stamps(request_of(IMPRINT)), {}),
    "another imprint": ("imprint", lambda r: stamps(request_of(ANOTHER, nonce_of(r))), {}),
    "another hash": (
        "imprint",
        lambda r: stamps(
            request_of(Imprint(HashAlgorithm.SHA512, HashAlgorithm.SHA512.of(b"")), nonce_of(r))
        ),
        {},
    ),
    "another policy": (
        "policy",
        lambda r: stamps(request_of(IMPRINT, nonce_of(r))),
        {"policy": "1.3.6.1.4.1.59999.2"},
    ),
    "a policy it has not": ("refused", stamps, {"policy": "1.3.6.1.4.1.59999.2"}),
    "somebody else": ("authority", lambda r: status(200, OTHER.stamp_response(r), REPLY), {}),
    "a clock that is wrong": ("time", stamps, {"clock": LateClock()}),
    "garbage": ("malformed", lambda r: status(200, b"\x30\x03abc", REPLY), {}),
    "no DER": ("malformed", lambda r: status(200, b"<html>", REPLY), {}),
    "nothing": ("malformed", lambda r: status(200, b"", REPLY), {}),
    "more after it": ("malformed", nothing_after, {}),
    "two tokens": ("malformed", two_tokens, {}),
    "no token": ("malformed", lambda r: status(200, sequence(sequence(integer(0))), REPLY), {}),
    "a token of nothing": (
        "token",
        lambda r: status(200, sequence(sequence(integer(0)), sequence()), REPLY),
        {},
    ),
    "a page": ("type", lambda r: status(200, b"<html>", "content-type: text/html"), {}),
    "too large": ("size", lambda r: status(200, bytes(40_000), REPLY), {}),
    "an error": ("status", lambda r: status(500), {}),
    "elsewhere": ("redirect", lambda r: status(307, b"", "location: /other"), {}),
    "half an answer": ("network", lambda r: stamps(r)[:-20], {}),
}


@pytest.mark.parametrize(("reason", "twist", "changes"), REFUSED.values(), ids=REFUSED)
@pytest.mark.spec("RFC 3161 §2.4.2")
async def test_what_proves_nothing_is_refused_by_name(
    authority: Tsa, tmp_path: Path, reason: str, twist: Twist, changes: dict[str, object]
) -> None:
    authority.answer = twist
    source = authority.source(tmp_path, **changes)  # type: ignore[arg-type]
    with pytest.raises(NotStamped) as lack:
        await source.stamped([IMPRINT])
    assert lack.value.reason == reason
    await source.close()


async def test_a_refusal_says_what_the_authority_said(authority: Tsa, tmp_path: Path) -> None:
    source = authority.source(tmp_path, policy="1.3.6.1.4.1.59999.2")
    with pytest.raises(NotStamped, match=r"refused: status 2 \(unaccepted_policy\)"):
        await source.stamped([IMPRINT])


async def test_each_imprint_gets_a_token_with_the_path_to_the_anchor(
    authority: Tsa, tmp_path: Path
) -> None:
    source = authority.source(tmp_path, policy=POLICY)
    made = await source.stamped([IMPRINT, ANOTHER])
    read = [read_token(token) for token in made.tokens]
    assert [one.imprint for one in read] == [IMPRINT.digest, ANOTHER.digest]
    assert made.evidence.certificates == (PKI.stamper.der, *PKI.stamper.chain)
    assert not made.ours, "our responder knows nothing about it"
    first, second = map(read_request, authority.asked)
    assert first.certificates and first.policy == POLICY
    assert first.nonce != second.nonce
    await source.close()


async def test_who_never_answers_is_passed_over(authority: Tsa, tmp_path: Path) -> None:
    authority.answer = None
    async with tsa(OTHER) as next_one:
        slow = authority.source(tmp_path, timeout=2)  # a connection takes its time, too
        order = InOrder([slow, next_one.source(tmp_path)])
        made = await order.stamped([IMPRINT])
        assert made.evidence.certificates[-1] == OTHER.stamper.chain[-1]
        async with asyncio.timeout(30):
            await authority.gone.wait()
        with pytest.raises(NotStamped, match="timeout"):
            await slow.stamped([IMPRINT])
        await order.close()


async def test_what_is_refused_falls_to_the_next_and_is_logged(
    authority: Tsa, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    authority.answer = REFUSED["another nonce"][1]
    async with tsa(OTHER) as next_one:
        order = InOrder([authority.source(tmp_path), next_one.source(tmp_path)])
        made = await order.stamped([IMPRINT])
        assert read_token(made.tokens[0]).certificate == OTHER.stamper.der
        assert "no time-stamp of 127.0.0.1: nonce" in caplog.text
        next_one.answer = REFUSED["garbage"][1]
        with pytest.raises(TimestampsUnavailable):
            await order.stamped([IMPRINT])
        await order.close()


async def test_what_fails_again_and_again_is_left_in_peace(authority: Tsa, tmp_path: Path) -> None:
    authority.answer = REFUSED["garbage"][1]
    clock = HandClock()
    source = authority.source(tmp_path, clock)
    for _ in range(3):
        with pytest.raises(NotStamped, match="malformed"):
            await source.stamped([IMPRINT])
    with pytest.raises(NotStamped, match="open"):
        await source.stamped([IMPRINT])
    assert len(authority.asked) == 3
    authority.answer = authority.granted
    clock.passed += 60
    assert await source.stamped([IMPRINT, ANOTHER])
    await source.close()


class HandClock:
    """The right time, and durations by hand."""

    passed = 0.0

    def now(self) -> int:
        return SystemClock().now()

    def elapsed(self) -> float:
        return self.passed


async def test_plain_http_is_for_demonstrations_alone(tmp_path: Path) -> None:
    async with tsa(PKI) as here:
        with pytest.raises(SettingsError, match="only https"):
            here.source(tmp_path, loopback=False)
        assert here.source(tmp_path, loopback=True)


@pytest.mark.parametrize(
    "changes",
    [
        {"anchors": ""},
        {"anchors": "missing.pem"},
        {"anchors": "x"},
        {"lists": ("ftp://lists.example/root.crl",)},
        {"lists": ("http://[::1/root.crl",)},
        {"lists": ("http://lists.example:port/root.crl",)},
    ],
)
async def test_settings_that_cannot_work_are_told(
    authority: Tsa, tmp_path: Path, changes: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x").write_text("no certificate")
    with pytest.raises(SettingsError, match=r"esignet\.timestamps"):
        authority.source(tmp_path, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("changes", [{"policy": "policy"}, {"timeout": 0.0}, {"timeout": 61.0}])
def test_a_source_is_judged_when_settings_are_read(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        TimestampSource(**changes)  # type: ignore[arg-type]


def lists_of(authority: Tsa) -> tuple[str, ...]:
    """What the source names, with good lists there."""
    authority.crls = {"/root.crl": PKI.crl(), "/issuing.crl": PKI.crl(PKI.issuing)}
    return tuple(map(authority.at, authority.crls))


async def test_lists_that_are_named_come_with_the_time_stamp(
    authority: Tsa, tmp_path: Path
) -> None:
    source = authority.source(tmp_path, lists=lists_of(authority))
    for _ in range(2):
        made = await source.stamped([IMPRINT, ANOTHER])
        assert made.evidence.crls == tuple(authority.crls.values())
    assert sorted(authority.looked) == ["/issuing.crl", "/root.crl"], "each is fetched once"
    await source.close()


LACKING: dict[str, tuple[str, Callable[[], dict[str, bytes]]]] = {
    "revoked": (
        "a certificate is revoked",
        lambda: {"/issuing.crl": PKI.crl(PKI.issuing, PKI.stamper)},
    ),
    "authority revoked": (
        "a certificate is revoked",
        lambda: {"/root.crl": PKI.crl(PKI.root, PKI.issuing)},
    ),
    "not there": ("not there: status", lambda: {"/issuing.crl": b""}),
    "garbage": ("no current list", lambda: {"/issuing.crl": b"garbage"}),
    "of somebody else": ("no current list", lambda: {"/issuing.crl": OTHER.crl(OTHER.issuing)}),
    "overdue": ("no current list", lambda: {"/issuing.crl": PKI.crl(PKI.issuing, days=0)}),
    "too large": ("not there: size", lambda: {"/issuing.crl": bytes(1 << 21)}),
}


@pytest.mark.parametrize(("reason", "changed"), LACKING.values(), ids=LACKING)
@pytest.mark.spec("RFC 5280 §6.3")
async def test_lists_that_do_not_tell_that_it_is_good_leave_it_out(
    authority: Tsa, tmp_path: Path, reason: str, changed: Callable[[], dict[str, bytes]]
) -> None:
    source = authority.source(tmp_path, lists=lists_of(authority))
    authority.crls |= changed()
    with pytest.raises(NotStamped, match=f"revocation: .*{reason}"):
        await source.stamped([IMPRINT])
    await source.close()


def test_a_list_is_current_until_the_next_is_due() -> None:
    made, now = PKI.crl(days=1), SystemClock().now()
    assert is_current(made, now)
    assert not is_current(made, now + 86_400), "an old list may hide what was revoked since"
    assert not is_current(b"garbage", now)


def test_plain_http_is_for_lists_alone() -> None:
    rules = Rules(ports=frozenset((80,)), plain=True)
    assert destination("http://lists.example/root.crl", rules).port == 80
    with pytest.raises(NotAllowed):
        destination("http://lists.example/root.crl", Rules(ports=frozenset((80,))))
    with pytest.raises(NotAllowed):
        destination("http://lists.example:8080/root.crl", rules)


@given(st.binary(max_size=60) | st.binary(max_size=60).map(lambda octets: tlv(0x30, octets)))
@example(sequence(sequence(integer(2), sequence(), tlv(0x03, b""))))
@example(sequence(sequence(integer(2), tlv(0x03, b"\x00" + bytes(range(250))))))
def test_whatever_comes_is_a_token_or_refused(octets: bytes) -> None:
    with suppress(Refused, NotDer):
        assert read(token_of(octets)).tag == 0x30
