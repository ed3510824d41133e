"""login_hint between the request and the first page: it may be a telephone number.

So it stands neither in an address nor in the database, but in the browser that brought it.
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode

from config.runtime.web import Answer, Call

HINT = "symbolon-hint"
LONGEST = 256
MAX_AGE = 600

_SHAPE = re.compile(r"([A-Za-z0-9_-]{16,64})\.([A-Za-z0-9_-]{1,1400})", re.ASCII)


def keep_hint(answer: Answer, call: Call, login_id: str, hint: str | None) -> None:
    """Give the browser the hint of this login, in place of that of the login before."""
    if hint is not None and len(hint) <= LONGEST:
        packed = urlsafe_b64encode(hint.encode()).rstrip(b"=").decode()
        answer.set_cookie(HINT, f"{login_id}.{packed}", secure=call.secure, max_age=MAX_AGE)


def kept_hint(call: Call, login_id: str) -> str:
    """Return the hint that came with this login, or ""."""
    match = _SHAPE.fullmatch(call.cookie(HINT) or "")
    if match is None or match[1] != login_id:
        return ""
    try:
        return urlsafe_b64decode(match[2] + "=" * (-len(match[2]) % 4)).decode()
    except ValueError:
        return ""
