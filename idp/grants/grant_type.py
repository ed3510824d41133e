"""The contract of a grant type: what a client may exchange for tokens (RFC 6749 §1.3).

To add a grant type, write a module here and name its class in wiring.
"""

from dataclasses import dataclass
from typing import Protocol

from config.runtime.database.unit import Write
from idp.protocol.client import Client
from idp.protocol.grant import Authorization
from idp.protocol.parameters import Parameters


@dataclass(frozen=True, slots=True, kw_only=True)
class Redemption:
    """What a request gets once ``writes`` have happened.

    ``scope`` is that of the access token. ``fresh`` says that the ID token answers an
    authorization request, and not a refresh.
    """

    authorization: Authorization
    scope: tuple[str, ...]
    fresh: bool
    refresh_token: str | None
    writes: tuple[Write, ...]


class GrantType(Protocol):
    """One way to obtain tokens."""

    @property
    def name(self) -> str:
        """Return the value of ``grant_type``."""
        ...

    async def redeem(self, asked: Parameters, client: Client, now: int) -> Redemption:
        """Return what the request gets, or raise an OAuthError. Nothing is consumed yet.

        When the unit of ``writes`` is Refused, somebody was quicker: then the same request is
        judged again, and finds what the other left.
        """
        ...
