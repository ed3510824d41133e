"""A person's own list of what they signed: noted in the unit of the signature, read by them alone.

Entries are kept by a hash of the person as one client's signatures know them. Which hashes are one
person's, only the issuer of their access token can tell; no entry says it.
"""

import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

from config.runtime.database.unit import Refused, Write
from config.runtime.entropy import Entropy
from esignet.flows.csc_approvals import Caller, Given
from esignet.flows.hosted import Parties
from esignet.protocol.activation_subject import approval_hash, signer_hash
from esignet.protocol.history import ApiSignature, Before, Entry, Told, shown
from esignet.protocol.signature_request import SignatureRequest
from esignet.stores.history import PageAsked, SealedEntry, Signatures
from keystore.cells import KEY_BYTES, Cells, row
from keystore.door import BadSeal, Door, SealPurpose

_log = logging.getLogger("symbolon.esignet")
_TOLD = msgspec.msgpack.Decoder(Told)

_ID_DIGITS = 32
"""Of a hash: so many stand for an approval."""


class NoSuchEntry(Exception):
    """The person has no such entry."""


class NotTheirs(Exception):
    """The token is nobody's in person, or its client does not act for the person alone."""


class People(Protocol):
    """Knows as whom a person signs for each client."""

    async def signers(self, caller: Caller) -> frozenset[str] | None:
        """Return every hash of the person of an access token; None where it is a client's own."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Noting:
    """Notes what was signed. Entries are kept ``lifetime`` seconds; none with 0."""

    store: Signatures
    door: Door
    entropy: Entropy
    lifetime: int

    async def noted(
        self, request: SignatureRequest, labels: Sequence[str], now: int
    ) -> Sequence[Write]:
        """Return what notes that the slot of a request that is worked on was signed."""
        if not self.lifetime:
            return ()
        entry = Entry(
            id=self.entropy.token(16),
            signer=request.slots[request.place].signer,
            client_id=request.client_id,
            signed_at=now,
            format=request.format,
            level=request.level,
            count=len(labels),
            expires_at=now + self.lifetime,
        )
        return (self.store.added(await self._sealed(entry, Told(labels=tuple(labels)))),)

    async def keep(self, given: Given, signed: ApiSignature, now: int) -> None:
        """Note what an approval that a client brought was used for: once, however often.

        It comes before the signature is handed out: nothing leaves that the person does not find.
        Raises DatabaseUnavailable, KeyServiceUnavailable.
        """
        activation = given.approved.activation
        signer = signer_hash(activation)
        if not self.lifetime or not signer:
            return
        entry = Entry(
            id=approval_hash(activation)[:_ID_DIGITS],
            signer=signer,
            client_id=given.client_id,
            signed_at=now,
            format=" ".join(sorted(signed.formats)),
            level=" ".join(sorted(signed.levels)),
            count=len(signed.digests),
            expires_at=now + self.lifetime,
        )
        sealed = await self._sealed(entry, signed.told)
        with suppress(Refused):  # it stands there already
            await self.store.database.submit(self.store.added(sealed))

    async def _sealed(self, entry: Entry, told: Told) -> SealedEntry:
        key, where = self.entropy.bytes(KEY_BYTES), _where(entry)
        sealed = await self.door.seal(SealPurpose.HISTORY, key, where)
        return SealedEntry(
            entry, sealed, Cells(key, self.entropy).seal(msgspec.msgpack.encode(told), where)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """Lists and erases. ``own`` are clients that act for people alone: every other client sees
    what was signed for itself, and erases nothing.
    """

    store: Signatures
    people: People
    parties: Parties
    door: Door
    entropy: Entropy
    own: frozenset[str]

    async def page(
        self, caller: Caller, before: Before, limit: int, now: int
    ) -> tuple[list[dict[str, Any]], Before | None]:
        """Return the newest entries behind a place, and where the next page begins.

        Raises NotTheirs.
        """
        asked = PageAsked(before, limit + 1, now)
        client = "" if caller.client_id in self.own else caller.client_id
        found = [
            one
            for signer in sorted(await self._signers(caller))
            for one in await self.store.page(signer, asked, client)
        ]
        found.sort(key=lambda one: (one.entry.signed_at, one.entry.id), reverse=True)
        some, names = found[:limit], dict[str, Mapping[str, str]]()
        told = [await self._shown(one, names) for one in some]
        if len(found) <= limit:
            return told, None
        return told, Before(some[-1].entry.signed_at, some[-1].entry.id)

    async def erase(self, caller: Caller, identifier: str) -> None:
        """Destroy one entry of the person's; raises NoSuchEntry, NotTheirs."""
        signers = await self._signers(caller)
        if caller.client_id not in self.own:
            raise NotTheirs
        signer = await self.store.signer_of(identifier)
        if signer is None or signer not in signers:
            raise NoSuchEntry
        try:
            await self.store.database.submit(self.store.removed(identifier, signer))
        except Refused:
            raise NoSuchEntry from None

    async def _signers(self, caller: Caller) -> frozenset[str]:
        signers = await self.people.signers(caller)
        if signers is None:
            raise NotTheirs
        return signers

    async def _shown(self, sealed: SealedEntry, names: dict[str, Mapping[str, str]]) -> Any:
        entry, where = sealed.entry, _where(sealed.entry)
        try:
            key = await self.door.open(SealPurpose.HISTORY, sealed.key, where)
            told = _TOLD.decode(Cells(key, self.entropy).open(sealed.told, where))
        except BadSeal:  # the rest of the list is still theirs to see
            _log.error("what is told of an entry does not open in its row")
            told = Told()
        if entry.client_id not in names:
            party = await self.parties.find(entry.client_id)
            names[entry.client_id] = party.names if party else {"": entry.client_id}
        return shown(entry, told, names[entry.client_id])


def _where(entry: Entry) -> bytes:
    return row("signature_history", entry.id, entry.signer)
