"""Authenticator codes against the vectors of RFC 4226 and RFC 6238."""

from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from config.runtime.entropy import SystemEntropy
from idp.factors import totp

SEED = b"12345678901234567890"


@pytest.mark.spec("RFC 4226 Appendix D")
@pytest.mark.parametrize(
    ("counter", "code"),
    list(
        enumerate(
            [
                *("755224", "287082", "359152", "969429", "338314"),
                *("254676", "287922", "162583", "399871", "520489"),
            ]
        )
    ),
)
def test_codes_of_rfc_4226(counter: int, code: str) -> None:
    assert totp.code(SEED, counter) == code


@pytest.mark.spec("RFC 6238 Appendix B")
@pytest.mark.parametrize(
    ("time", "eight_digits"),
    [
        (59, "94287082"),
        (1111111109, "07081804"),
        (1111111111, "14050471"),
        (1234567890, "89005924"),
        (2000000000, "69279037"),
        (20000000000, "65353130"),
    ],
)
def test_codes_of_rfc_6238(time: int, eight_digits: str) -> None:
    assert totp.code(SEED, time // totp.STEP) == eight_digits[2:]
    assert totp.matching_step(SEED, eight_digits[2:], time, 0) == time // totp.STEP


@pytest.mark.parametrize(
    ("window", "accepted"), [(0, {0}), (1, {-1, 0, 1}), (2, {-2, -1, 0, 1, 2})]
)
def test_steps_within_the_window_are_accepted(window: int, accepted: set[int]) -> None:
    now = 1_111_111_111
    step = now // totp.STEP
    for distance in range(-4, 5):
        code = totp.code(SEED, step + distance)
        found = totp.matching_step(SEED, code, now, window)
        assert found == (step + distance if distance in accepted else None)


def test_the_first_second_of_time_has_no_step_before_it() -> None:
    assert totp.matching_step(SEED, "755224", 0, 1) == 0


@pytest.mark.parametrize("digits", ["", "0", "0755224", "75522", "abcdef", "７５５２２４"])
def test_what_is_no_code_matches_no_step(digits: str) -> None:
    assert totp.matching_step(SEED, digits, 0, 1) is None


def test_the_address_in_the_qr_code_holds_what_an_application_needs() -> None:
    address = totp.otpauth(SEED, "Ein Dienst: Ümlaut & Co", "log in?")
    parts = urlsplit(address)
    assert (parts.scheme, parts.netloc) == ("otpauth", "totp")
    assert unquote(parts.path) == "/Ein Dienst  Ümlaut & Co:log in?"
    assert parse_qs(parts.query, strict_parsing=True) == {
        "secret": ["GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"],
        "issuer": ["Ein Dienst  Ümlaut & Co"],
        "algorithm": ["SHA1"],
        "digits": ["6"],
        "period": ["30"],
    }
    assert "+" not in address, "some applications show it instead of a space"


@pytest.mark.spec("RFC 4226 §4")
def test_a_new_seed_has_160_bits() -> None:
    seeds = {totp.new_seed(SystemEntropy()) for _ in range(4)}
    assert {len(seed) for seed in seeds} == {20}
    assert len(seeds) == 4
