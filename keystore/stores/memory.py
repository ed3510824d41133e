"""Key records in memory: for tests and for tools that sign nothing that lasts."""

from collections.abc import Sequence

from keystore.rotation import KeyVersion, Move
from keystore.stores.interfaces import KeyRecords, KeysChanged, KeyUse


class MemoryKeyRecords(KeyRecords):
    """Forgets everything with its process. ``uses`` lists what was recorded, oldest first."""

    def __init__(self) -> None:
        self._keys: dict[str, KeyVersion] = {}
        self.uses: list[KeyUse] = []

    async def versions(self) -> list[KeyVersion]:
        return list(self._keys.values())

    async def change(self, added: Sequence[KeyVersion], moves: Sequence[Move]) -> None:
        taken = {(key.ring, key.algorithm, key.version) for key in self._keys.values()}
        if any((key.ring, key.algorithm, key.version) in taken for key in added):
            raise KeysChanged
        if any(self._keys.get(move.before.kid) != move.before for move in moves):
            raise KeysChanged
        self._keys |= {key.kid: key for key in added}
        self._keys |= {move.after.kid: move.after for move in moves}

    async def destroyed(self, key: KeyVersion) -> None:
        self._keys.pop(key.kid, None)

    async def record(self, uses: Sequence[KeyUse]) -> None:
        self.uses += uses
