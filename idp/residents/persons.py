"""The key of each person: made, sealed by the key service, opened for one request.

Nothing here is kept between requests but a decoy, on which a request for somebody who is not there
does the same work as for somebody who is.
"""

from asyncio import Lock
from dataclasses import dataclass

from config.runtime.entropy import Entropy
from idp.residents.port import NOBODY
from keystore.cells import KEY_BYTES, Cells, row
from keystore.door import Door, SealPurpose

_DECOY_ROW = row(NOBODY)
_DECOY_TEXT = b"+00000000000000"


@dataclass(frozen=True, slots=True)
class NewPerson:
    """A person's key, just made: sealed for the row, and ready to seal cells with."""

    wrapped_key: bytes
    cells: Cells


@dataclass(frozen=True, slots=True)
class Decoy:
    """The key and the only cell of nobody."""

    wrapped_key: bytes
    cells: Cells
    cell: bytes

    def work(self) -> None:
        """Open a cell, as would be done for somebody who has one."""
        self.cells.open(self.cell, _DECOY_ROW)


class Persons:
    """Makes and opens the keys of persons through the door to the key service."""

    __slots__ = ("_decoy", "_door", "_entropy", "_making")

    def __init__(self, door: Door, entropy: Entropy) -> None:
        self._door = door
        self._entropy = entropy
        self._decoy: Decoy | None = None
        self._making = Lock()

    def name(self, now: int) -> str:
        """Return a new internal identifier: 80 random bits behind the time.

        In the order of time, so that those who come together lie together in every index.
        """
        return f"{now:010x}{self._entropy.bytes(10).hex()}"

    async def make(self, resident_id: str) -> NewPerson:
        """Return a new key for the resident of this internal identifier."""
        key = self._entropy.bytes(KEY_BYTES)
        wrapped = await self._door.seal(SealPurpose.PERSON, key, resident_id.encode())
        return NewPerson(wrapped, Cells(key, self._entropy))

    async def open(self, resident_id: str, wrapped_key: bytes | None) -> Cells:
        """Return the cells of a person; with ``wrapped_key`` None, those of nobody.

        Raises keystore.door.BadSeal when the key was moved here from another person's row.
        """
        decoy = await self.decoy()
        if wrapped_key is None:
            resident_id, wrapped_key = NOBODY, decoy.wrapped_key
        key = await self._door.open(SealPurpose.PERSON, wrapped_key, resident_id.encode())
        return Cells(key, self._entropy)

    async def decoy(self) -> Decoy:
        """Return the decoy, which the first request makes, whoever it is for."""
        async with self._making:
            if self._decoy is None:
                nobody = await self.make(NOBODY)
                cell = nobody.cells.seal(_DECOY_TEXT, _DECOY_ROW)
                self._decoy = Decoy(nobody.wrapped_key, nobody.cells, cell)
        return self._decoy
