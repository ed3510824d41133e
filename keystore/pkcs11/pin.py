"""Where a token's PIN comes from: a file or an environment variable, never an argument."""

import os
from dataclasses import dataclass


class NoPin(Exception):
    """The file or variable that should hold the PIN is not there or is empty."""


@dataclass(frozen=True, slots=True)
class PinSource:
    """Names the place of a PIN. Exactly one of the two is given."""

    file: str = ""
    variable: str = ""

    def __post_init__(self) -> None:
        if bool(self.file) == bool(self.variable):
            raise ValueError("a PIN comes from a file or from an environment variable")

    def read(self) -> bytearray:
        """Return the PIN without line end; the caller wipes it. Raises NoPin."""
        raw = self._file() if self.file else self._variable()
        length = len(raw)
        while length and raw[length - 1] in b"\r\n":
            length -= 1
        if not length:
            wipe(raw)
            raise NoPin(f"no PIN in {self.file or self.variable}")
        pin = raw[:length]
        wipe(raw)
        return pin

    def _file(self) -> bytearray:
        try:
            with open(self.file, "rb", buffering=0) as source:
                raw = bytearray(512)
                length = source.readinto(raw)
        except OSError as failure:
            raise NoPin(f"{self.file}: {failure.strerror}") from None
        del raw[length:]
        return raw

    def _variable(self) -> bytearray:
        return bytearray(os.getenvb(self.variable.encode(), b""))


def wipe(secret: bytearray) -> None:
    """Overwrite a secret in place."""
    for index in range(len(secret)):
        secret[index] = 0
