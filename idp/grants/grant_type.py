"""The contract of a grant type: what a client may exchange for tokens (RFC 6749 §1.3).

To add a grant type, write a module here and name its class in wiring.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from config.runtime.database.unit import Write
from idp.protocol.client import Client
from idp.protocol.details import Detail
from idp.protocol.grant import Authorization, Confirmation
from idp.protocol.parameters import Parameters
from idp.protocol.signing import CredentialChange, SigningApproval


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRequest:
    """What ``client``, which is proven, asks. ``sender`` is the key that it proved to hold,
    ``instance`` that of its attested instance.
    """

    asked: Parameters
    client: Client
    sender: Confirmation | None
    instance: Confirmation | None = None

    @property
    def binding(self) -> Confirmation | None:
        """Return what the refresh tokens are bound to: the key of whom nothing else proves.

        RFC 9449 §5, RFC 8705 §4; those of a confidential client are bound to the client itself, or
        to its attested instance.
        """
        return self.sender if self.client.is_public else self.instance


@dataclass(frozen=True, slots=True, kw_only=True)
class Redemption:
    """What a request gets once ``writes`` have happened.

    ``scope`` and ``audience`` are those of the access token; an empty audience is the
    issuer. It lives until ``ends_at`` at most.
    ``fresh`` says that the ID token answers an authorization request, and not a refresh.
    ``signature`` is what the person approved for signing, ``change`` what about their stored
    credentials, to be activated now or never; ``activated`` are the details that came of it.
    ``answer`` are further members of the token endpoint's answer, ``id_token`` further claims.
    """

    authorization: Authorization
    scope: tuple[str, ...]
    fresh: bool
    refresh_token: str | None
    writes: tuple[Write, ...]
    audience: tuple[str, ...] = ()
    ends_at: int | None = None
    answer: Mapping[str, Any] = field(default_factory=dict)
    id_token: Mapping[str, Any] = field(default_factory=dict)
    signature: SigningApproval | None = None
    change: CredentialChange | None = None
    activated: tuple[Detail, ...] = ()


class GrantType(Protocol):
    """One way to obtain tokens."""

    @property
    def name(self) -> str:
        """Return the value of ``grant_type``."""
        ...

    async def redeem(self, request: TokenRequest, now: int) -> Redemption:
        """Return what the request gets, or raise an OAuthError. Nothing is consumed yet.

        When the unit of ``writes`` is Refused, somebody was quicker: then the same request is
        judged again, and finds what the other left.
        """
        ...
