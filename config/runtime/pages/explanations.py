"""What people are told when a page cannot be shown: texts that the pages of every product share.

A product adds its own: which of its exceptions is explained by what, and where the way on leads.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum


class Onward(Enum):
    """Where the way on leads; a product knows the addresses, and what stands on the first."""

    HOME = ""
    HERE = "Go on from where you are"
    AGAIN = "Try again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What people are told; texts are the originals of the catalogues.

    ``refers`` shows the request id for support.
    """

    heading: str
    lines: tuple[str, ...]
    status: int
    onward: Onward = Onward.HOME
    refers: bool = False


FORGED = Explanation(
    heading="We could not accept this form",
    lines=("It did not come from this page. Nothing was changed.",),
    status=403,
    onward=Onward.HERE,
)
AWAY = Explanation(
    heading="This does not work at the moment",
    lines=("Please wait a little and try again. Nothing was lost.",),
    status=503,
    onward=Onward.AGAIN,
    refers=True,
)

_WAIT = "Please wait a little and try again."
_NO_PAGE = Explanation(heading="There is no such page", lines=("Check the address.",), status=404)
_TOO_MUCH = Explanation(
    heading="That was too much at once",
    lines=("What was sent is too long. Go back and make it shorter.",),
    status=413,
)

FAILURES: Mapping[int, Explanation] = {
    400: Explanation(
        heading="We could not read that",
        lines=("The address or the form is not complete.",),
        status=400,
    ),
    403: replace(FORGED, onward=Onward.HOME),
    404: _NO_PAGE,
    405: Explanation(
        heading="This page cannot be opened like that",
        lines=("Go back to the page that you came from, and use its buttons.",),
        status=405,
    ),
    413: _TOO_MUCH,
    414: _TOO_MUCH,
    421: _NO_PAGE,
    429: Explanation(heading="Many people use this from your network", lines=(_WAIT,), status=429),
    503: replace(AWAY, lines=(_WAIT,), onward=Onward.HOME),
    500: Explanation(
        heading="Something went wrong on our side", lines=("Please try again later.",), status=500
    ),
}
"""What no endpoint answered, by its status."""
