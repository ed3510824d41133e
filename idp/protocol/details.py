"""Rich authorization requests: ``authorization_details`` (RFC 9396).

What a type demands and how a person sees it is a file of ``idp.authorization_details`` each; what
holds for all of them is here.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from idp.protocol import json_text, signing
from idp.protocol.errors import InvalidAuthorizationDetails

LONGEST = 16_384
"""Characters of the parameter at most; more where documents to be signed are pushed."""

MOST = 20
"""Details in one request at most: a person reads every one."""

Detail = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Row:
    """A line of what a person sees. ``label`` is a text of ours, in English.

    ``value`` is what the client said; where ``is_ours`` it is a text of ours as well, and is
    translated like the label.
    """

    label: str
    value: str
    is_ours: bool = False


@dataclass(frozen=True, slots=True)
class Shown:
    """How one detail stands on the consent page. ``heading`` is a text of ours, in English."""

    heading: str
    rows: tuple[Row, ...]


class DetailType(Protocol):
    """One type of authorization details. To add one, write a file and name it in the settings."""

    @property
    def name(self) -> str:
        """Return the value of ``type``."""
        ...

    @property
    def texts(self) -> Collection[str]:
        """Return every text of ours that it may show, in English: catalogues must have them."""
        ...

    def check(self, detail: Mapping[str, Any]) -> None:
        """Raise InvalidAuthorizationDetails unless it is well formed: no member is unknown."""
        ...

    def shown(self, detail: Mapping[str, Any]) -> Shown:
        """Return how a person sees a detail that was checked."""
        ...

    def within(self, wanted: Mapping[str, Any], granted: Mapping[str, Any]) -> bool:
        """Return whether ``wanted`` allows nothing that ``granted`` does not (§6.1)."""
        ...


def parse(
    text: str | None,
    types: Mapping[str, DetailType],
    allowed: Collection[str],
    longest: int = LONGEST,
) -> tuple[Detail, ...]:
    """Return the details, or raise InvalidAuthorizationDetails (§5).

    ``types`` are in use here, ``allowed`` are the names that the client registered. Characters
    beyond LONGEST, up to ``longest``, are for a list of documents alone.
    """
    if text is None:
        return ()
    details = _read(text, longest)
    for detail in details:
        name = detail.get("type")
        if not isinstance(name, str) or name not in types:
            raise InvalidAuthorizationDetails("an authorization details type is not supported")
        if name not in allowed:
            raise InvalidAuthorizationDetails("a type is not registered for this client")
    signing.check_length(text, details, LONGEST)
    for detail in details:
        types[detail["type"]].check(detail)
    return details


def narrowed(
    text: str | None, types: Mapping[str, DetailType], granted: Sequence[Detail]
) -> tuple[Detail, ...]:
    """Return which of the ``granted`` details a token request asks for: all, or less (§6.1)."""
    if text is None:
        return tuple(granted)
    wanted = parse(text, types, {detail["type"] for detail in granted})
    for detail in wanted:
        same = (one for one in granted if one["type"] == detail["type"])
        if not any(types[detail["type"]].within(detail, one) for one in same):
            raise InvalidAuthorizationDetails("more is asked for than was granted")
        if wanted.count(detail) > max(1, list(granted).count(detail)):  # one payment is not two
            raise InvalidAuthorizationDetails("a detail is asked for more often than was granted")
    return wanted


def _read(text: str, longest: int) -> tuple[Detail, ...]:
    if len(text) > longest:
        raise InvalidAuthorizationDetails(f"authorization_details has {longest} characters at most")
    try:
        found = json_text.read(text)
    except ValueError:
        raise InvalidAuthorizationDetails("authorization_details is not valid JSON") from None
    if not isinstance(found, list) or not 0 < len(found) <= MOST:
        raise InvalidAuthorizationDetails(f"authorization_details is an array of 1 to {MOST}")
    if not all(isinstance(detail, dict) for detail in found):
        raise InvalidAuthorizationDetails("an authorization detail is a JSON object")
    return tuple(found)
