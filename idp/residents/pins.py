"""How PINs that come with imported rows are hashed: outside the event loop, some at once."""

from collections.abc import Callable
from dataclasses import dataclass

from argon2 import PasswordHasher
from argon2.low_level import Type


@dataclass(frozen=True, slots=True)
class PinHashing:
    """``encode`` makes an encoded string from a PIN; it blocks, so it is run in ``threads``."""

    encode: Callable[[str], str]
    threads: int

    @classmethod
    def argon2id(cls, *, memory: int, rounds: int, threads: int) -> "PinHashing":
        """Return argon2id (RFC 9106) with ``memory`` in KiB and one lane."""
        hasher = PasswordHasher(time_cost=rounds, memory_cost=memory, parallelism=1, type=Type.ID)
        return cls(hasher.hash, threads)
