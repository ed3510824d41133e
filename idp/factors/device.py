"""Browsers that proved a resident before, so that a stranger's wrong answers cannot shut them out.

The value of the device cookie is ``DEVICE.MARK.MARK...``: a random name of the browser, and for
each resident that it proved (the last few, newest first) a keyed hash over both. Nothing in it
tells who they are, and it opens nothing: it is a budget of wrong answers of its own.
"""

import hmac
import re
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass

from config.runtime.entropy import Entropy
from idp.residents.port import NOBODY, Resident
from keystore.door import Door, Mac, MacPurpose

COOKIE = "device"
"""The cookie's name for ``Call.cookie`` and ``Answer.set_cookie``."""

MAX_AGE = 180 * 86_400
"""Seconds that the browser keeps the cookie; each login renews it."""

MOST_RESIDENTS = 4
_MARK_BYTES = 16
_SHAPE = re.compile(r"[A-Za-z0-9_-]{22}(?:\.[A-Za-z0-9_-]{22}){0,4}")
_NO_DEVICE = "A" * 22


@dataclass(frozen=True, slots=True)
class Recognition:
    """``device`` is the name of a browser that proved the resident before: for ``Attempt.device``.

    ``marks`` are those that its cookie holds then, by the newest key first; ``remember`` takes them
    instead of asking for them again.
    """

    device: str | None = None
    marks: tuple[str, ...] = ()


async def recognise(door: Door, cookie: str | None, resident: Resident | None) -> Recognition:
    """Return whether this browser proved ``resident`` before.

    A cookie with marks costs one call of the door, whether or not there is a resident.
    """
    device, marks = _parts(cookie)
    if not marks:
        return Recognition()
    expected = _marks(await _macs(door, device, resident.id if resident else NOBODY))
    known = False
    for mark in marks:
        for each in expected:
            known |= hmac.compare_digest(mark, each)
    if resident is None:
        return Recognition()
    return Recognition(device if known else None, expected)


async def remember(
    door: Door, entropy: Entropy, cookie: str | None, resident_id: str, mine: Sequence[str] = ()
) -> str:
    """Return the value of the cookie to set after ``resident_id`` was proven in this browser.

    ``mine`` are the marks of ``recognise`` for the same cookie and person, where it was asked.
    """
    device, marks = _parts(cookie)
    if device == _NO_DEVICE:
        device = entropy.token(16)
    mine = mine or _marks(await _macs(door, device, resident_id))
    others = [mark for mark in marks if mark not in mine]
    return ".".join([device, mine[0], *others[: MOST_RESIDENTS - 1]])


def _parts(cookie: str | None) -> tuple[str, list[str]]:
    if cookie is None or not _SHAPE.fullmatch(cookie):
        return _NO_DEVICE, []
    device, *marks = cookie.split(".")
    return device, marks[:MOST_RESIDENTS]


async def _macs(door: Door, device: str, resident_id: str) -> Sequence[Mac]:
    return await door.mac(MacPurpose.DEVICE, f"{device}\0{resident_id}".encode())


def _marks(macs: Sequence[Mac]) -> tuple[str, ...]:
    return tuple(urlsafe_b64encode(mac.value[:_MARK_BYTES]).rstrip(b"=").decode() for mac in macs)
