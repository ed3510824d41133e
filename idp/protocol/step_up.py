"""Step-up: a resource demands more authentication than a token rests on (RFC 9470)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from idp.protocol.errors import InsufficientUserAuthentication, InvalidRequest
from idp.protocol.grant import Authorization

_LEVELS = re.compile(r"[\x20\x21\x23-\x5b\x5d-\x7e]{0,500}\Z", re.ASCII)
_SECONDS = re.compile(r"[0-9]{1,10}\Z", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What a resource demands: one of ``acr_values``, proven at most ``max_age`` seconds ago."""

    acr_values: tuple[str, ...] = ()
    max_age: int | None = None

    @classmethod
    def of(cls, asked: Mapping[str, str]) -> "Demand":
        """Read a demand from ``acr_values`` and ``max_age``; InvalidRequest when malformed."""
        levels, max_age = asked.get("acr_values", ""), asked.get("max_age")
        if not _LEVELS.match(levels):
            raise InvalidRequest("acr_values are words")
        if max_age is not None and not _SECONDS.match(max_age):
            raise InvalidRequest("max_age must be a number of seconds")
        return cls(
            acr_values=tuple(levels.split()),
            max_age=None if max_age is None else int(max_age),
        )

    def check(self, authorization: Authorization, now: int) -> None:
        """Raise InsufficientUserAuthentication, which says what would be enough (§3)."""
        if self.acr_values and authorization.acr not in self.acr_values:
            raise self._refusal("a higher level of authentication is needed")
        auth_time = authorization.auth_time
        if self.max_age is not None and (auth_time is None or now - auth_time > self.max_age):
            raise self._refusal("a more recent authentication is needed")

    def _refusal(self, description: str) -> InsufficientUserAuthentication:
        demands = {}
        if self.acr_values:
            demands["acr_values"] = " ".join(self.acr_values)
        if self.max_age is not None:
            demands["max_age"] = str(self.max_age)
        return InsufficientUserAuthentication(description, demands)
