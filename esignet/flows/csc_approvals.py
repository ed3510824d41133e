"""Whose approval a call of the CSC API brings: in its token, or in the member SAD."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from esignet.protocol.csc.approval import Approved, approved
from esignet.protocol.csc.authorizing import Authorizing
from esignet.protocol.csc.faults import (
    HASH_NOT_AUTHORIZED,
    INVALID_AUTHENTICATION,
    SAD_EXPIRED,
    CscError,
    invalid,
    missing,
)
from esignet.protocol.history import ApiSignature


class Caller(Protocol):
    """Who calls: what the access token says, which was checked, and its proof too (RFC 9449).

    ``details`` are its ``authorization_details``, ``bound_to`` the thumbprint of the key or
    certificate that its holder proves to have, or empty.
    """

    @property
    def client_id(self) -> str: ...
    @property
    def subject(self) -> str: ...
    @property
    def scope(self) -> frozenset[str]: ...
    @property
    def details(self) -> Sequence[Mapping[str, Any]]: ...
    @property
    def expires_at(self) -> int: ...
    @property
    def bound_to(self) -> str: ...


class NoToken(Exception):
    """The text is no access token for this service, or it is past its time (``expired``).

    ``error`` and ``description`` say what is wrong (RFC 6750 §3.1, RFC 9449 §7.1) with what came in
    ``scheme``; ``nonce`` is what the next proof has to hold (RFC 9449 §9).
    """

    def __init__(
        self,
        error: str = "invalid_token",
        description: str = "the access token is not good for this service",
        scheme: str = "Bearer",
        nonce: str | None = None,
        *,
        expired: bool = False,
    ) -> None:
        super().__init__(description)
        self.error = error
        self.description = description
        self.scheme = scheme
        self.nonce = nonce
        self.expired = expired


class Tokens(Protocol):
    """Reads access tokens that come in a body, without a proof of their own."""

    async def read(self, token: str, now: int) -> Caller:
        """Return what a token of ours says, or raise NoToken."""
        ...


@dataclass(frozen=True, slots=True)
class Presented:
    """Who calls, and the ``token`` with which, brought in ``scheme``.

    ``nonce`` is what the caller's next proof has to hold, if that is new (RFC 9449 §8.2).
    """

    caller: Caller
    token: str
    scheme: str = "Bearer"
    nonce: str | None = None


@dataclass(frozen=True, slots=True)
class Given:
    """What was approved, and by whom: ``subject`` is what the client calls the person."""

    approved: Approved
    client_id: str
    subject: str


class Keeps(Protocol):
    """Keeps for people what was signed with their approvals (`esignet.flows.history`)."""

    async def keep(self, given: Given, signed: ApiSignature, now: int) -> None:
        """Note it for the person, or raise DatabaseUnavailable or KeyServiceUnavailable."""
        ...


@dataclass(frozen=True, slots=True)
class Approvals:
    """Finds approvals and says what they cover."""

    tokens: Tokens

    async def of(self, presented: Presented, sad: str, now: int) -> Given:
        """Return what was approved; ``sad`` is empty where the token itself is the approval.

        A SAD is an access token of the scope ``credential`` of the same client and person, bound to
        the same key if to any: what was taken from somebody else opens nothing.
        """
        caller = presented.caller
        if sad and sad != presented.token:
            caller = await self._read(sad, now)
            if not _same(caller, presented.caller):
                raise invalid("SAD")
        found = approved(caller.details)
        if found is None:
            raise invalid("SAD") if sad else missing("string", "SAD")
        return Given(found, caller.client_id, caller.subject)

    async def sad(self, presented: Presented, asked: Authorizing, now: int) -> dict[str, Any]:
        """Return the SAD for what the caller's own token approves (credentials/authorize)."""
        found = approved(presented.caller.details)
        if found is None:
            raise CscError(INVALID_AUTHENTICATION)
        _judge(found, asked)
        return {"SAD": presented.token, "expiresIn": presented.caller.expires_at - now}

    async def extended(self, presented: Presented, asked: Authorizing, now: int) -> dict[str, Any]:
        """Return the SAD again, for no longer than before: other digests need the person."""
        _judge((await self.of(presented, asked.sad, now)).approved, asked)
        left = (await self._read(asked.sad, now)).expires_at - now
        return {"SAD": asked.sad, "expiresIn": left}

    async def _read(self, sad: str, now: int) -> Caller:
        try:
            return await self.tokens.read(sad, now)
        except NoToken as refusal:
            raise CscError(SAD_EXPIRED) if refusal.expired else invalid("SAD") from None


def _same(one: Caller, other: Caller) -> bool:
    """Return whether both are the same client's, about the same person or the client alone."""
    if one.client_id != other.client_id or one.bound_to not in ("", other.bound_to):
        return False
    return other.subject in (one.subject, other.client_id)


def _judge(found: Approved, asked: Authorizing) -> None:
    if asked.credential != found.credential:
        raise invalid("credentialID")
    if not found.covers(asked.algorithm, asked.digests):
        raise CscError(HASH_NOT_AUTHORIZED)
