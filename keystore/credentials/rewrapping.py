"""Bringing stored credentials under the keys of today, so that those of before can be destroyed.

A key of a person comes under the new wrapping key inside the token. Each row is one conditional
write: whoever signs with it meanwhile has the row of before, whole, or the one of afterwards, and
who is killed leaves the rest to whoever goes on.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from config.runtime.audit.records import AuditEntry, DatabaseAudit
from config.runtime.clock import Clock
from config.runtime.database.unit import Refused
from keystore.backends.backend import UnknownKey
from keystore.backends.registry import Backends
from keystore.credentials.finding import Finding
from keystore.credentials.record import AlteredRow, CredentialRecord
from keystore.door import KeyState
from keystore.keyring import KeyRing
from keystore.purposes import Act, OwnSecret, Role
from keystore.rotation import KeyVersion

AT_ONCE = 2.0
"""Seconds after which rows that wait are left to the next look: other work goes on between."""

GRACE = 300
"""Seconds for which a key that no row needs is kept: for whoever read a row before, and for a new
credential that was under way."""

_LOG = logging.getLogger(__name__)


class Ending(Protocol):
    """What of the administration of keys is needed here."""

    async def end(self, key: KeyVersion) -> None:
        """Destroy a version on which nothing depends any more."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewrapping:
    """Moves rows, and ends the keys that they leave."""

    ring: KeyRing
    backends: Backends
    finding: Finding
    keys: Ending
    clock: Clock
    _free_since: dict[str, float] = field(default_factory=dict)
    _told: set[str] = field(default_factory=set)

    async def keep(self) -> None:
        """Move rows for a while, and end keys that none needs. Raises KeyServiceUnavailable."""
        if not self.ring.secrets(OwnSecret.WRAPPING):
            return  # the token refused to make one: nothing was ever wrapped
        until = self.clock.elapsed() + AT_ONCE
        for ring in OwnSecret:
            for key in self.ring.secrets(ring):
                if key.state is KeyState.RETIRING:
                    await self._move(key, until)
                    await self._end(key)

    async def held(self, keys: Sequence[KeyVersion]) -> dict[str, int]:
        """Return how many rows need each of these keys, by kid; those that none can need are not
        there.
        """
        mine = [key.kid for key in keys if key.ring in frozenset(OwnSecret)]
        return {kid: await self.finding.store.held(kid) for kid in mine}

    async def _move(self, key: KeyVersion, until: float) -> None:
        wrapping = self.ring.secret(OwnSecret.WRAPPING)
        if key.ring == OwnSecret.WRAPPING and not self._is_beside(key, wrapping):
            self._tell(key.kid, f"keys wrapped by {key.kid} stay: it is in another backend")
            return
        after = ""
        while waiting := await self.finding.store.behind(key.kid, after):
            for after in waiting:
                try:
                    await self._moved(after, wrapping)
                except (AlteredRow, UnknownKey) as reason:
                    self._tell(after, f"the stored credential {after} stays as it is: {reason}")
                if self.clock.elapsed() >= until:
                    return

    async def _moved(self, identifier: str, wrapping: KeyVersion) -> None:
        record = await self.finding.store.find(identifier)
        if record is None:
            return
        await self.finding.binding.check(record)
        moved = replace(
            await self._rewrapped(record, wrapping),
            bound_by=self.ring.secret(OwnSecret.BINDING).kid,
        )
        if moved == record:
            return
        bound = await self.finding.binding.bound(moved)
        entry = _entry(bound, self.clock.now())
        write = self.finding.store.change(record, bound)
        try:
            await self.finding.store.database.submit(write, DatabaseAudit().write(entry))
        except Refused:  # deleted, or moved by another key service
            return

    async def _rewrapped(self, record: CredentialRecord, to: KeyVersion) -> CredentialRecord:
        if record.wrapped_by == to.kid:
            return record
        known = self.ring.secrets(OwnSecret.WRAPPING)
        old = next((key for key in known if key.kid == record.wrapped_by), None)
        if old is None:
            raise UnknownKey("the key that wrapped it is gone")
        if not self._is_beside(old, to):
            return record
        self.ring.note(Act.OPEN, OwnSecret.WRAPPING, old)
        self.ring.note(Act.SEAL, OwnSecret.WRAPPING, to)
        blob = await self.backends.of(to.ref).rewrapped(
            old.ref, record.blob, record.algorithm, to.ref
        )
        return replace(record, wrapped_by=to.kid, blob=blob)

    async def _end(self, key: KeyVersion) -> None:
        now = self.clock.elapsed()
        if await self.finding.store.is_needed(key.kid):
            self._free_since.pop(key.kid, None)
        elif now >= self._free_since.setdefault(key.kid, now) + GRACE:
            await self.keys.end(key)
            del self._free_since[key.kid]

    def _is_beside(self, old: KeyVersion, new: KeyVersion) -> bool:
        return self.backends.of(old.ref) is self.backends.of(new.ref)

    def _tell(self, what: str, text: str) -> None:
        """Tell an operator once."""
        if what not in self._told:
            self._told.add(what)
            _LOG.error("%s", text)


def _entry(record: CredentialRecord, now: int) -> AuditEntry:
    return AuditEntry(
        at=now,
        actor=Role.OPERATOR,
        action="credential.rewrapped",
        about=record.id,
        details={
            "client": record.client_id,
            "serial": record.serial,
            "wrapped_by": record.wrapped_by,
            "bound_by": record.bound_by,
        },
    )
