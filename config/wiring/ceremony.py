"""The ceremony of the certificate authority, put together from the settings."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from config.runtime.clock import Clock
from config.runtime.database.connect import OpenDatabase, open_database
from config.runtime.entropy import Entropy
from config.settings import Settings, SettingsError
from config.wiring.documents import naming_of, own_rings
from config.wiring.keys import backends_of, policies
from config.wiring.migrations import KEYSTORE, migrate
from keystore.administration import KeyAdministration
from keystore.authority.authority import Authority
from keystore.authority.ceremony import Transcript, hold
from keystore.authority.showing import Showing
from keystore.backends.keyfile import KeyFile
from keystore.backends.registry import Backends
from keystore.backends.software import SoftwareBackend
from keystore.batches import Batches
from keystore.keyring import KeyRing
from keystore.stores.database import DatabaseKeyRecords


class CeremonyRoom:
    """Holds ceremonies on the keys of a deployment, or on throwaway ones."""

    def __init__(self, settings: Settings, clock: Clock, entropy: Entropy) -> None:
        if not settings.esignet.address:
            raise SettingsError("esignet.address: certificates name where the service is")
        self._settings = settings
        self._clock = clock
        self._entropy = entropy

    async def held(self, witnesses: Sequence[str]) -> Transcript:
        """Return the transcript of a ceremony on the deployment's own keys."""
        backends = backends_of(self._settings, self._clock, self._entropy)
        database = await open_database(self._settings.keys.database)
        try:
            return await self._hold(database, backends, witnesses, is_rehearsal=False)
        finally:
            await database.close()
            await backends.close()

    async def rehearsed(self, directory: Path, witnesses: Sequence[str]) -> Transcript:
        """Return the transcript of a ceremony on keys that are made in ``directory``."""
        secret = self._entropy.token().encode()
        file = KeyFile(directory / "keys.enc", secret, self._entropy, cost=(1, 64, 1))
        backends = Backends.only(SoftwareBackend(file, self._entropy, allowed=True))
        database = await open_database(rehearsal_database(directory))
        try:
            return await self._hold(database, backends, witnesses, is_rehearsal=True)
        finally:
            await database.close()
            await backends.close()

    async def _hold(
        self,
        database: OpenDatabase,
        backends: Backends,
        witnesses: Sequence[str],
        *,
        is_rehearsal: bool,
    ) -> Transcript:
        records = DatabaseKeyRecords(database, self._entropy)
        ring = KeyRing(records, Batches(backends), self._clock)
        administration = KeyAdministration(
            ring,
            records,
            backends,
            policies(self._settings.lifetimes, self._settings.esignet.seal_days),
            self._clock,
        )
        naming = naming_of(self._settings.esignet)
        authority = Authority(database, ring, naming, self._clock, self._entropy)
        now = self._clock.now()
        rings = own_rings(self._settings.esignet)
        showing = Showing(authority, database)
        keys, made = await hold(administration, authority, showing, rings, now)
        await ring.flush()
        return Transcript(
            at=now, witnesses=witnesses, is_rehearsal=is_rehearsal, keys=keys, artefacts=made
        )


def rehearsal_database(directory: Path) -> str:
    """Return the address of the throwaway database in ``directory``."""
    return f"sqlite:///{directory / 'keys.db'}"


def prepared_rehearsal() -> "tempfile.TemporaryDirectory[str]":
    """Return a directory for a rehearsal, its database with every table; it goes when closed."""
    directory = tempfile.TemporaryDirectory(prefix="symbolon-rehearsal-")
    migrate(rehearsal_database(Path(directory.name)), KEYSTORE)
    return directory
