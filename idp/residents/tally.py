"""What came of the rows of an import: counted, and the refused ones written to a file."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import msgspec


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Rows by what came of them. ``partly`` were taken without a handle that is somebody else's."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    rejected: int = 0
    partly: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            added=self.added + other.added,
            changed=self.changed + other.changed,
            unchanged=self.unchanged + other.unchanged,
            rejected=self.rejected + other.rejected,
            partly=self.partly + other.partly,
        )

    @property
    def rows(self) -> int:
        """Return how many rows there were."""
        return self.added + self.changed + self.unchanged + self.rejected


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a row was not taken, or (``taken``) what of it was not. Never repeats a value."""

    line: int
    column: str
    reason: str
    taken: bool = False


class Rejections:
    """The file of refused rows, one JSON object a line; there is none while nothing is refused.

    What a crash left behind the last committed batch (``size`` bytes) is cut off and written anew.
    """

    def __init__(self, path: Path, size: int) -> None:
        self._path = path
        self._size = size
        self._file: BinaryIO | None = None

    def __enter__(self) -> Self:
        if self._path.exists():
            if self._size:
                os.truncate(self._path, self._size)
            else:
                self._path.unlink()
        return self

    def write(self, refusals: Iterable[Refusal]) -> int:
        """Write durably; return the size of the file. Call it before the batch is committed."""
        lines = b"".join(msgspec.json.encode(refusal) + b"\n" for refusal in refusals)
        if lines:
            if self._file is None:
                self._file = self._path.open("ab")
            self._file.write(lines)
            self._file.flush()
            os.fsync(self._file.fileno())
            self._size = self._file.tell()
        return self._size

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._file is not None:
            self._file.close()
