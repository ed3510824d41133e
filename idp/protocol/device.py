"""Device authorization: user codes, and where its requests end (RFC 8628)."""

from collections.abc import Mapping
from typing import Any
from unicodedata import category, decimal

from config.settings.features import Features
from idp.protocol.authorization import ReplyTo
from idp.protocol.case import Case, Endpoint
from idp.protocol.client import Client
from idp.protocol.details import DetailType
from idp.protocol.parameters import Parameters

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:device_code"

INTERVAL = 5
"""Seconds between two polls of a device (RFC 8628 §3.2)."""

RANDOM_DIGITS = 11
"""Random digits of a user code; one more is their check."""

LONGEST_TYPED = 64
"""Characters of a typed user code at most."""

KEPT = (
    "scope",
    "acr_values",
    "max_age",
    "claims",
    "claims_locales",
    "ui_locales",
    "nonce",
    "prompt",
    "display",
    "authorization_details",
    "resource",
    "grant_id",
    "grant_management_action",
)
"""Parameters that are kept until the person comes: no credential, nothing that names a person."""

_GROUP = 4
_LOOK_ALIKES = str.maketrans("OoQDIiLl|ZzSsBb", "000011111225588")
_STEPS = (  # a quasigroup without fixed points: H. M. Damm, 2004
    "0317598642",
    "7092154863",
    "4206871359",
    "1750983426",
    "6123045978",
    "3674209581",
    "5869720134",
    "8945362017",
    "9438617205",
    "2581436790",
)


def user_code(digits: str) -> str:
    """Return the user code of 11 random ``digits``: these and their check digit.

    How it resists guessing (RFC 8628 §5.1, §6.1). There are 10^11 codes, as many as 36.5 bits; the
    check digit keeps slips of the finger away, and a guesser can compute it. A deployment that
    gives out one code a second has 600 alive (600 s each), so that one guess hits with probability
    600 / 10^11 = 6 * 10^-9. Browsers where nobody is signed in may guess 1,000 times an hour all
    together (``limits.device_guesses``), then people have to sign in first, with a budget of 10 an
    hour each: 6 * 10^-6 hits an hour, one in 19 years. At a hundred codes a second it is still one
    in ten weeks of guessing that nobody noticed. And who hits is not signed in as anybody: they
    can only let a stranger's device in under their own name.

    Digits are typed with the remote control of a television, on every keypad and in every script.
    """
    return digits + str(_damm(digits))


def shown(code: str) -> str:
    """Return a user code as people read it: groups of four digits."""
    return "-".join(code[start : start + _GROUP] for start in range(0, len(code), _GROUP))


def typed(text: str) -> str | None:
    """Return the user code that was typed; None when it is none, or holds a slip of the finger.

    Case, spaces, dashes and other punctuation do not matter, digits of every script are read, and
    letters that look like digits are taken for them (RFC 8628 §6.1).
    """
    if len(text) > LONGEST_TYPED:
        return None
    digits = []
    for character in text.translate(_LOOK_ALIKES):
        value = decimal(character, None)
        if value is not None:
            digits.append(str(value))
        elif not (character.isspace() or category(character)[0] in "PCS"):
            return None
    code = "".join(digits)
    return code if len(code) == RANDOM_DIGITS + 1 and _damm(code) == 0 else None


def end_page(issuer: str) -> ReplyTo:
    """Return where the person's browser ends: it goes back to no client."""
    return ReplyTo(f"{issuer.rstrip('/')}/device/done", "query", None, issuer)


def case(
    issuer: str,
    asked: Parameters,
    client: Client,
    detail_types: Mapping[str, DetailType],
    features: Features,
) -> Case:
    """Return what is judged of a device's request: when it comes, and when the person comes."""
    return Case(
        asked=asked,
        client=client,
        reply_to=end_page(issuer),
        endpoint=Endpoint.DEVICE,
        detail_types=detail_types,
        features=features,
    )


def device_answer(issuer: str, device_code: str, user_code: str, lifetime: int) -> dict[str, Any]:
    """Return the answer to the device (RFC 8628 §3.2); ``lifetime`` is in seconds."""
    page = f"{issuer.rstrip('/')}/device"
    return {
        "device_code": device_code,
        "user_code": shown(user_code),
        "verification_uri": page,
        "verification_uri_complete": f"{page}/{shown(user_code)}",
        "expires_in": lifetime,
        "interval": INTERVAL,
    }


def _damm(digits: str) -> int:
    """Return the check digit: it finds every wrong digit and every two that were swapped.

    Of digits with their check digit it is 0.
    """
    interim = 0
    for digit in digits:
        interim = int(_STEPS[interim][int(digit)])
    return interim
