"""Keeping an authority going whose root lies elsewhere: what was certified is used, and replaced.

The key that a root certified takes over; a successor begins when half of a certificate's life is
over; and the log says in time what has to be brought.
"""

import logging
from contextlib import suppress

from config.runtime.clock import Clock
from keystore.administration import KeyAdministration
from keystore.authority.authority import Authority, expires_at
from keystore.authority.expiring import troubles
from keystore.authority.own_keys import OwnKeys
from keystore.authority.profiles import DAY
from keystore.authority.showing import Showing
from keystore.backends.backend import Algorithm
from keystore.door import KeyState
from keystore.purposes import OwnRing
from keystore.rotation import KeyVersion
from keystore.stores.interfaces import KeysChanged
from keystore.x509.parsed import parsed

_LOG = logging.getLogger(__name__)


class OfflineUpkeep:
    """Done again and again, after ``authority`` was refreshed."""

    def __init__(
        self,
        keys: OwnKeys,
        administration: KeyAdministration,
        authority: Authority,
        showing: Showing,
        clock: Clock,
    ) -> None:
        self._keys = keys
        self._administration = administration
        self._authority = authority
        self._showing = showing
        self._clock = clock
        self._told_at = -DAY

    async def keep(self) -> None:
        """Do what is due. Raises KeyServiceUnavailable, DatabaseUnavailable."""
        await self.choose()
        await self._succeed()
        now = self._clock.now()
        if now >= self._told_at + DAY:
            self._told_at = now
            for trouble in troubles(await self._showing.shown(now), now):
                _LOG.warning("%s", trouble)

    async def choose(self) -> None:
        """Let the newest key that was certified meanwhile take over, and certify what is below."""
        waiting = [one for one in self._kept(KeyState.PUBLISHED) if self._is_certified(one)]
        if waiting:
            await self._administration.choose(waiting[0])
            await self._authority.refresh()

    async def _succeed(self) -> None:
        """Begin a key whose request can be taken to the root, in the middle of a certificate."""
        active = self._kept(KeyState.ACTIVE)
        if not active or self._kept(KeyState.PUBLISHED):
            return
        own = self._authority.of(active[0].kid)
        if own is None:
            return
        begins = parsed(own.certificate).not_valid_before_utc.timestamp()
        if self._clock.now() >= (begins + expires_at(own)) / 2:
            with suppress(KeysChanged):  # another key service began it
                await self._administration.rotate(OwnRing.ISSUING, Algorithm.ES256, emergency=False)

    def _kept(self, state: KeyState) -> list[KeyVersion]:
        return [one for one in self._keys.kept(OwnRing.ISSUING) if one.state is state]

    def _is_certified(self, key: KeyVersion) -> bool:
        own = self._authority.of(key.kid)
        return own is not None and expires_at(own) > self._clock.now()
