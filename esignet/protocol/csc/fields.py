"""Reading the members of a request: null is as good as absent, unknown members are passed over."""

from binascii import Error, a2b_base64, b2a_base64
from collections.abc import Mapping
from dataclasses import dataclass

from esignet.protocol.csc.faults import MALFORMED, CscError, Fault, invalid, missing

LONGEST = 4096
"""Characters of a text, except for tokens and documents."""

LONGEST_TOKEN = 262_144
"""Characters of a SAD, which is an access token with the hash of a list of digests."""


@dataclass(frozen=True, slots=True)
class Fields:
    """The members of one JSON object of a request."""

    members: Mapping[str, object]

    @classmethod
    def of(cls, body: object, fault: Fault = MALFORMED) -> "Fields":
        """Return the members of ``body``, or refuse what is no object with ``fault``."""
        if not isinstance(body, dict):
            raise CscError(fault)
        return cls(body)

    def has(self, name: str) -> bool:
        """Return whether ``name`` is there and not null."""
        return self.members.get(name) is not None

    def text(self, name: str, longest: int = LONGEST) -> str:
        """Return a text that must be there."""
        value = self.members.get(name)
        if not isinstance(value, str) or not value:
            raise missing("string", name)
        if len(value) > longest:
            raise invalid(name)
        return value

    def maybe_text(self, name: str, longest: int = LONGEST) -> str | None:
        """Return a text that may be there."""
        return self._checked_text(name, longest) if self.has(name) else None

    def word(self, name: str, words: tuple[str, ...]) -> str:
        """Return one of ``words``, the first of which is meant where nothing is said."""
        found = self.maybe_text(name)
        if found is not None and found not in words:
            raise invalid(name)
        return words[0] if found is None else found

    def flag(self, name: str) -> bool:
        """Return a truth value, false where nothing is said."""
        value = self.members.get(name)
        if value is not None and not isinstance(value, bool):
            raise invalid(name)
        return bool(value)

    def whole(self, name: str) -> int:
        """Return a whole number that must be there; v1 clients write it as text too."""
        value = self.members.get(name)
        if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 10:
            return int(value)
        if type(value) is not int:
            raise missing("integer", name)
        return value

    def listed(self, name: str) -> list[object]:
        """Return a list that must be there."""
        value = self.members.get(name)
        if not isinstance(value, list):
            raise missing("array", name)
        return value

    def _checked_text(self, name: str, longest: int) -> str:
        value = self.members[name]
        if not isinstance(value, str) or len(value) > longest:
            raise invalid(name)
        return value


def from_base64(text: object, fault: Fault) -> bytes:
    """Return the octets of base64 with its padding (RFC 4648 §4), or refuse it with ``fault``.

    Bits beyond the octets would be a second way to write the same: refused.
    """
    if isinstance(text, str) and text.isascii():
        try:
            octets = a2b_base64(text, strict_mode=True)
        except Error:
            raise CscError(fault) from None
        if b2a_base64(octets, newline=False).decode() == text:
            return octets
    raise CscError(fault)
