"""Which PINs a person may choose: none that others guess first."""

from itertools import pairwise

SHORTEST = 6
LONGEST = 12

SHORT = "short"
GUESSED = "guessed"
BORN = "born"


def weakness(pin: str, birthdate: str) -> str:
    """Return why ``pin`` (ASCII digits) is weak: SHORT, GUESSED or BORN; "" when it is not.

    ``birthdate`` is as OpenID Connect Core 1.0 §5.1 writes it, or "".
    """
    if not SHORTEST <= len(pin) <= LONGEST:
        return SHORT
    if _repeats(pin) or _climbs(pin):
        return GUESSED
    return BORN if _is_birthday(pin, birthdate) else ""


def _repeats(pin: str) -> bool:
    """111111, 121212, 123123, 112233, 111222: fewer ideas than digits."""
    blocks = (pin[:size] * (len(pin) // size) for size in range(1, len(pin) // 2 + 1))
    pairs = len(pin) % 2 == 0 and pin[::2] == pin[1::2]
    return pin in blocks or pairs or len(set(pin)) < 3


def _climbs(pin: str) -> bool:
    """Every step is the same: 123456, 987654, 890123, 246802."""
    return len({(int(after) - int(before)) % 10 for before, after in pairwise(pin)}) == 1


def _is_birthday(pin: str, birthdate: str) -> bool:
    year, _, rest = birthdate.partition("-")
    month, _, day = rest.partition("-")
    if not (year.isdigit() and month.isdigit() and day.isdigit()):
        return False
    orders = {(year, month, day), (day, month, year), (month, day, year)}
    short = {tuple(part[-2:] for part in order) for order in orders}
    return any(pin in "".join(order) for order in orders | short)
