"""Strict reading of application/x-www-form-urlencoded text: bodies and query strings alike."""

from config.runtime.malformed import Malformed

MOST_FIELDS = 100
"""More fields than any request of ours has; a bound on the work that a stranger can ask for."""

_DIGITS = "0123456789abcdefABCDEF"
_OCTETS = {
    f"{high}{low}".encode(): bytes((int(high + low, 16),)) for high in _DIGITS for low in _DIGITS
}


def fields(body: bytes) -> list[tuple[str, str]]:
    """Return the name-value pairs of ``body`` in their order, duplicates included.

    WHATWG URL §5.1, but strict: a wrong percent-encoding, text that is not UTF-8, or a NUL raises
    Malformed where a lenient reader would guess (and PostgreSQL refuses a NUL that SQLite stores).
    """
    if b"\0" in body or b"%00" in body:
        raise Malformed("NUL is not allowed")
    try:
        pairs = body.decode().split("&")
        if len(pairs) > MOST_FIELDS:
            raise Malformed("too many fields", 413)
        found = []
        for pair in pairs:
            if pair:
                name, _, value = pair.partition("=")
                if "%" in pair or "+" in pair:
                    name, value = _plain(name), _plain(value)
                found.append((name, value))
        return found
    except UnicodeDecodeError:
        raise Malformed("not UTF-8") from None
    except KeyError:
        raise Malformed("wrong percent-encoding") from None


def _plain(text: str) -> str:
    """Undo ``+`` and percent-encoding; KeyError when two hexadecimal digits do not follow a %."""
    text = text.replace("+", " ")
    if "%" not in text:
        return text
    first, *others = text.encode().split(b"%")
    return b"".join([first, *[_OCTETS[part[:2]] + part[2:] for part in others]]).decode()
