"""Request parameters as asked: empty means absent, hardly any may appear twice (RFC 6749 §3.1)."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from idp.protocol.errors import InvalidRequest

REPEATABLE = frozenset(("resource", "audience"))
"""Lists whose members each have a parameter of their own (RFC 8707 §2, RFC 8693 §2.1): addresses
and names without spaces, kept as one space-delimited value."""

LONGEST = 16_384
"""Characters of one value at most: a ``claims`` request in several languages fits."""

NOTHING_LONGER: Mapping[str, int] = MappingProxyType({})


class Parameters(dict[str, str]):
    """What was asked. ``AuthorizationRequest`` and its like are what passed every check."""

    @classmethod
    def parse(
        cls, pairs: Iterable[tuple[str, str]], longer: Mapping[str, int] = NOTHING_LONGER
    ) -> "Parameters":
        """Return the parameters, or raise InvalidRequest for one that is repeated or too long.

        ``longer`` names those that may have more than LONGEST characters, and how many.
        """
        parameters = cls()
        seen = set()
        for name, value in pairs:
            listed = name in REPEATABLE
            if name in seen and not listed:
                raise InvalidRequest(f"{name[:64]} appears more than once")
            if len(value) > longer.get(name, LONGEST) or "\0" in value:
                raise InvalidRequest(f"{name[:64]} is too long or malformed")
            if listed and " " in value:
                raise InvalidRequest(f"{name[:64]} is too long or malformed")
            seen.add(name)
            if value:
                parameters[name] = f"{parameters[name]} {value}" if name in parameters else value
                if listed and len(parameters[name]) > LONGEST:
                    raise InvalidRequest(f"{name} is too long or malformed")
        return parameters

    def require(self, name: str) -> str:
        """Return the value, or raise InvalidRequest."""
        try:
            return self[name]
        except KeyError:
            raise InvalidRequest(f"{name} is missing") from None

    def words(self, name: str) -> tuple[str, ...]:
        """Return a space-delimited list such as scope (RFC 6749 §3.3), each word once."""
        return tuple(dict.fromkeys(word for word in self.get(name, "").split(" ") if word))
