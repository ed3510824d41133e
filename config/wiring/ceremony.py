"""The ceremony of the certificate authority, put together from the settings."""

import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
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
from keystore.authority.ceremony import hold, own_keys
from keystore.authority.offline import Brought, OfflineRoot
from keystore.authority.offline_ceremony import ask, bring
from keystore.authority.offline_upkeep import OfflineUpkeep
from keystore.authority.showing import Showing
from keystore.authority.transcript import Artefact, Transcript
from keystore.backends.keyfile import KeyFile
from keystore.backends.registry import Backends
from keystore.backends.software import SoftwareBackend
from keystore.batches import Batches
from keystore.keyring import KeyRing
from keystore.stores.database import DatabaseKeyRecords

REQUEST = "issuing.csr"
_OF_US = "of the certificate authority"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Table:
    """What a ceremony is held at."""

    administration: KeyAdministration
    authority: Authority
    showing: Showing
    offline: OfflineRoot
    upkeep: OfflineUpkeep


class CeremonyRoom:
    """Holds ceremonies on the keys of a deployment, or on throwaway ones."""

    def __init__(self, settings: Settings, clock: Clock, entropy: Entropy) -> None:
        if not settings.esignet.address:
            raise SettingsError("esignet.address: certificates name where the service is")
        self._settings = settings
        self._clock = clock
        self._entropy = entropy

    @property
    def has_own_root(self) -> bool:
        """Return whether the root's key is in this key service."""
        return self._settings.esignet.root_key == "own"

    async def held(self, witnesses: Sequence[str]) -> Transcript:
        """Return the transcript of a ceremony on the deployment's own keys."""
        async with self._deployment() as table:
            made = await self._hold(table)
            return await self._written(table, f"Ceremony {_OF_US}", made, witnesses)

    async def rehearsed(self, directory: Path, witnesses: Sequence[str]) -> Transcript:
        """Return the transcript of a ceremony on keys that are made in ``directory``.

        Where the root is elsewhere it ends with the request.
        """
        async with self._throwaway(directory) as table:
            made = await (self._hold(table) if self.has_own_root else self._ask(table, REQUEST))
            what = f"Rehearsal (throwaway keys) {_OF_US}"
            return await self._written(table, what, made, witnesses)

    async def asked(self, name: str, witnesses: Sequence[str]) -> Transcript:
        """Return the transcript with the request to the root, which is called ``name``."""
        async with self._deployment() as table:
            made = await self._ask(table, name)
            return await self._written(table, f"Request {_OF_US} to its root", made, witnesses)

    async def brought(
        self, brought: Brought, witnesses: Sequence[str], *, keeps: bool
    ) -> Transcript:
        """Return the transcript of what a root elsewhere brought, and keep it if asked to."""
        async with self._deployment() as table:
            await table.administration.refresh()
            made, notes = await bring(table.offline, table.upkeep, brought, keeps=keeps)
            what = "Certificate and list" if brought.certificate else "List"
            what = f"{what} of the root, for the certificate authority"
            what = what if keeps else f"Dry run (nothing was kept): {what}"
            return await self._written(table, what, made, witnesses, notes)

    async def _hold(self, table: _Table) -> list[Artefact]:
        return await hold(
            table.administration,
            table.authority,
            table.showing,
            own_rings(self._settings.esignet),
            self._clock.now(),
        )

    async def _ask(self, table: _Table, name: str) -> list[Artefact]:
        rings = own_rings(self._settings.esignet)
        return [await ask(table.administration, table.offline, rings, name)]

    async def _written(
        self,
        table: _Table,
        what: str,
        made: Sequence[Artefact],
        witnesses: Sequence[str],
        notes: Sequence[str] = (),
    ) -> Transcript:
        return Transcript(
            what=what,
            at=self._clock.now(),
            witnesses=witnesses,
            keys=await own_keys(table.administration),
            artefacts=made,
            notes=notes,
        )

    @asynccontextmanager
    async def _deployment(self) -> AsyncIterator[_Table]:
        backends = backends_of(self._settings, self._clock, self._entropy)
        async with self._laid(self._settings.keys.database, backends) as table:
            yield table

    @asynccontextmanager
    async def _throwaway(self, directory: Path) -> AsyncIterator[_Table]:
        secret = self._entropy.token().encode()
        file = KeyFile(directory / "keys.enc", secret, self._entropy, cost=(1, 64, 1))
        backends = Backends.only(SoftwareBackend(file, self._entropy, allowed=True))
        async with self._laid(rehearsal_database(directory), backends) as table:
            yield table

    @asynccontextmanager
    async def _laid(self, url: str, backends: Backends) -> AsyncIterator[_Table]:
        database = await open_database(url)
        records = DatabaseKeyRecords(database, self._entropy)
        ring = KeyRing(records, Batches(backends), self._clock)
        try:
            yield self._table(database, backends, records, ring)
            await ring.flush()
        finally:
            await database.close()
            await backends.close()

    def _table(
        self,
        database: OpenDatabase,
        backends: Backends,
        records: DatabaseKeyRecords,
        ring: KeyRing,
    ) -> _Table:
        settings, clock = self._settings, self._clock
        kept = policies(settings.lifetimes, settings.esignet)
        administration = KeyAdministration(ring, records, backends, kept, clock)
        naming = naming_of(settings.esignet)
        authority = Authority(database, ring, naming, clock, self._entropy)
        showing = Showing(authority, database)
        return _Table(
            administration=administration,
            authority=authority,
            showing=showing,
            offline=OfflineRoot(
                database=database, keys=ring, authority=authority, naming=naming, clock=clock
            ),
            upkeep=OfflineUpkeep(ring, administration, authority, showing, clock),
        )


def rehearsal_database(directory: Path) -> str:
    """Return the address of the throwaway database in ``directory``."""
    return f"sqlite:///{directory / 'keys.db'}"


def prepared_rehearsal() -> "tempfile.TemporaryDirectory[str]":
    """Return a directory for a rehearsal, its database with every table; it goes when closed."""
    directory = tempfile.TemporaryDirectory(prefix="symbolon-rehearsal-")
    migrate(rehearsal_database(Path(directory.name)), KEYSTORE)
    return directory
