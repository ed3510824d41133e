"""The door for another process: asks the key service over its role's socket."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from config.runtime.cache import Cache
from config.runtime.clock import Clock
from keystore.authority.revoking import Reason
from keystore.backends.backend import Algorithm
from keystore.door import (
    BadSeal,
    Door,
    KeyServiceUnavailable,
    Mac,
    MacPurpose,
    NotCertified,
    NotPermitted,
    Order,
    PublishedKey,
    SealPurpose,
)
from keystore.seals.organization import NewOrganization, OrganizationChange, ShownOrganization
from keystore.service import document_frames, frames
from keystore.service.connection import Connection
from keystore.signing.door import NotActivated

FRESH = 5.0
"""Seconds for which published keys are taken from memory without asking; a change is announced."""
_PATIENCE = 0.1
"""Seconds to wait for published keys that are known from before."""
_ISSUERS = 1024
_ADMINISTRATION = 60.0
_Expected = TypeVar("_Expected", frames.Signed, frames.Shown, frames.Macs, frames.Octets)


class KeyServiceClient(Door):
    """What a package may ask of the keys, over the socket at ``path``.

    ``deadline`` is in seconds, for each request as a whole: connecting and repeating included.
    """

    def __init__(self, path: Path, clock: Clock, *, deadline: float = 1.0) -> None:
        self._shown: Cache[str, list[PublishedKey]] = Cache(clock, entries=_ISSUERS, seconds=FRESH)
        self._last: dict[str, list[PublishedKey]] = {}
        self._connection = Connection(path, deadline, self._shown.clear)

    async def sign(self, issuer: str, orders: Sequence[Order]) -> list[str]:
        asked = [(order.kind, order.alg, order.claims) for order in orders]
        reply = await self._ask(lambda n: frames.Sign(n, issuer, asked), frames.Signed)
        return reply.tokens

    async def published(self, issuer: str) -> list[PublishedKey]:
        return await self._shown.get(issuer, lambda: self._show(issuer))

    async def macs(self, purpose: MacPurpose, messages: Sequence[bytes]) -> list[tuple[Mac, ...]]:
        asked = list(messages)
        reply = await self._ask(lambda n: frames.MakeMacs(n, purpose, asked), frames.Macs)
        return [tuple(Mac(*mac) for mac in versions) for versions in reply.macs]

    async def seal(self, purpose: SealPurpose, plaintext: bytes, bound_to: bytes) -> bytes:
        reply = await self._ask(
            lambda n: frames.Seal(n, purpose, plaintext, bound_to), frames.Octets
        )
        return reply.value

    async def open(self, purpose: SealPurpose, sealed: bytes, bound_to: bytes) -> bytes:
        reply = await self._ask(lambda n: frames.Open(n, purpose, sealed, bound_to), frames.Octets)
        return reply.value

    async def health(self) -> None:
        """Return if the key service can use its keys, or raise KeyServiceUnavailable."""
        expect(await self._connection.ask(frames.Health), frames.Done)

    async def close(self) -> None:
        """Hang up."""
        await self._connection.close()

    async def _show(self, issuer: str) -> list[PublishedKey]:
        last = self._last.get(issuer)
        deadline = _PATIENCE if last else None  # public keys are served while the service is down
        try:
            reply = await self._ask(
                lambda n: frames.Published(n, issuer), frames.Shown, deadline=deadline
            )
        except KeyServiceUnavailable:
            if last is None:
                raise
            return last
        self._last[issuer] = shown = [
            PublishedKey(kid=key.kid, alg=key.alg, state=key.state, jwk=key.jwk)
            for key in reply.keys
        ]
        return shown

    async def _ask(
        self,
        request: Callable[[int], frames.Request],
        expected: type[_Expected],
        *,
        deadline: float | None = None,
    ) -> _Expected:
        try:
            return expect(await self._connection.ask(request, deadline=deadline), expected)
        except frames.BadFrame as reason:
            raise NotPermitted("longer than a frame") from reason


class KeyOperator:
    """What an operator asks, over the operator's socket. Nothing here is repeated by itself."""

    def __init__(self, path: Path) -> None:
        self._connection = Connection(path, 1.0, lambda: None)

    async def keys(self) -> list[frames.ListedKey]:
        """Return every version that was not destroyed."""
        return expect(await self._connection.ask(frames.ListKeys), frames.Listed).keys

    async def rotate(
        self, ring: str, algorithm: Algorithm, *, emergency: bool = False
    ) -> frames.ListedKey:
        """Begin a new version of a key and return it; in an emergency it is active at once."""
        reply = await self._connection.ask(
            lambda n: frames.Rotate(n, ring, algorithm, emergency),
            repeats=0,
            deadline=_ADMINISTRATION,
        )
        return expect(reply, frames.Listed).keys[0]

    async def revoke_certificate(self, serial: str, reason: Reason) -> None:
        """Take a certificate of our authority back; raises NotPermitted when it cannot be."""
        reply = await self._connection.ask(
            lambda n: document_frames.RevokeCertificate(n, serial, reason), repeats=0
        )
        expect(reply, frames.Octets)

    async def add_organization(self, asked: NewOrganization) -> ShownOrganization:
        """Enrol an organisation; raises NotPermitted when it could not seal, or is there."""
        reply = await self._connection.ask(
            lambda n: document_frames.AddOrganization(n, asked),
            repeats=0,
            deadline=_ADMINISTRATION,
        )
        return expect(reply, document_frames.OrganizationsAre).organizations[0]

    async def organizations(self, identifier: str = "") -> list[ShownOrganization]:
        """Return one organisation, or all; raises NotPermitted where there is no such one."""
        reply = await self._connection.ask(
            lambda n: document_frames.ListOrganizations(n, identifier)
        )
        return expect(reply, document_frames.OrganizationsAre).organizations

    async def change_organization(self, change: OrganizationChange) -> ShownOrganization:
        """Change an organisation's keys or limit; raises NotPermitted where it seals no more."""
        reply = await self._connection.ask(
            lambda n: document_frames.ChangeOrganization(n, change), repeats=0
        )
        return expect(reply, document_frames.OrganizationsAre).organizations[0]

    async def disable_organization(self, identifier: str) -> None:
        """Let an organisation seal no more; raises NotPermitted where none does."""
        reply = await self._connection.ask(
            lambda n: document_frames.DisableOrganization(n, identifier),
            repeats=0,
            deadline=_ADMINISTRATION,
        )
        expect(reply, frames.Octets)

    async def advance(self) -> None:
        """Make the moves that are due now."""
        reply = await self._connection.ask(frames.Advance, deadline=_ADMINISTRATION)
        expect(reply, frames.Done)

    async def close(self) -> None:
        """Hang up."""
        await self._connection.close()


_Kind = TypeVar("_Kind", bound=frames.Reply)


def expect(reply: frames.Reply, expected: type[_Kind]) -> _Kind:
    """Return the reply if it is of the kind expected, or raise what the key service refused."""
    if isinstance(reply, expected):
        return reply
    if isinstance(reply, frames.Refused):
        match reply.kind:
            case "not_permitted":
                raise NotPermitted(reply.reason)
            case "not_activated":
                raise NotActivated(reply.reason)
            case "not_certified":
                raise NotCertified(reply.reason)
            case "bad_seal":
                raise BadSeal(reply.reason)
        raise KeyServiceUnavailable(reply.reason)
    raise KeyServiceUnavailable("the key service answered something else")
