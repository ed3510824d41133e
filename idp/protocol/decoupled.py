"""A request that a person approves on another device than the one that asked.

Device authorization (RFC 8628) and backchannel authentication (OpenID Connect CIBA Core 1.0).

    PENDING -> APPROVED -> REDEEMED
       \\-----> DENIED
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from idp.protocol.grant import Authorization
from idp.protocol.login import IllegalMove

COLLECT = 60
"""Seconds that a client has at least to collect what was approved, though it was at the end."""

LINGER = 300
"""Seconds that a request which lapsed is still known, so that its client is told so."""


class Kind(StrEnum):
    """Which grant redeems it."""

    DEVICE = "device"
    BACKCHANNEL = "backchannel"


class Status(StrEnum):
    PENDING = "pending"
    APPROVED = "approved"
    DENIED = "denied"
    REDEEMED = "redeemed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoupled:
    """``digest`` is SHA-256 of the device_code or auth_req_id that the client holds.

    ``asked`` are the parameters of the client's request, ``code_digest`` the keyed hash of what
    the person types to find it (user_code), None where it is not typed. ``resident_id`` is whom a
    backchannel request names, ``asked_from`` the network of a device. ``interval`` is the least
    time between two polls, in seconds.
    ``notify`` is what the client wants to be told when it is over (CIBA ping and push), ``number``
    what the person must type to approve ("" where nothing), ``mistakes`` how often another was.

    A redeemed request stays as a tombstone, so that a replay revokes what the first use produced;
    its ``user_code`` is free again.
    """

    digest: bytes
    kind: Kind
    issuer: str
    client_id: str
    asked: tuple[tuple[str, str], ...]
    interval: int
    created_at: int
    expires_at: int
    code_digest: bytes | None = None
    resident_id: str | None = None
    asked_from: str = ""
    binding_message: str = ""
    notify: dict[str, Any] | None = None
    number: str = ""
    mistakes: int = 0
    status: Status = Status.PENDING
    authorization: Authorization | None = None
    revision: int = 0

    def is_over(self, now: int) -> bool:
        """Return whether it lapsed."""
        return self.expires_at <= now

    def approve(self, authorization: Authorization, now: int) -> "Decoupled":
        """The person agreed, in time."""
        if self.is_over(now):
            raise IllegalMove("the request is over")
        return self._moved(
            Status.PENDING,
            status=Status.APPROVED,
            authorization=authorization,
            expires_at=self.expires_at + COLLECT,
        )

    def deny(self) -> "Decoupled":
        """The person refused, or could not prove enough."""
        return self._moved(Status.PENDING, status=Status.DENIED)

    def mistake(self) -> "Decoupled":
        """The person typed another number than the client shows."""
        return self._moved(Status.PENDING, mistakes=self.mistakes + 1)

    def redeem(self, until: int) -> "Decoupled":
        """The client gets its tokens: once. The tombstone stays ``until`` they end, and says no
        more than whose it was.
        """
        return self._moved(
            Status.APPROVED,
            status=Status.REDEEMED,
            asked=(),
            asked_from="",
            code_digest=None,
            expires_at=until,
        )

    def _moved(self, stage: Status, **changes: Any) -> "Decoupled":
        if self.status is not stage:
            raise IllegalMove(f"not possible when {self.status}")
        return replace(self, revision=self.revision + 1, **changes)
