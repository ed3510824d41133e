"""Which one-time keys a token's child may hold, so that each is used once and none is forgotten.

A key is named before it is made. So it can be taken back whatever became of the answer, and what
was never taken back still ends, after ``life`` seconds or with the child.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

from keystore.backends.backend import Algorithm, UnknownKey
from keystore.pkcs11.messages import Outcome, Reply


class _State(Enum):
    MAKING = auto()
    UNWANTED = auto()  # being made, and nobody waits for it any more
    HELD = auto()
    LEAVING = auto()


@dataclass(slots=True)
class _Handle:
    algorithm: Algorithm
    state: _State = _State.MAKING
    forgotten: asyncio.TimerHandle | None = None


class Handles:
    """The names of one-time keys from before they are made until they are destroyed for certain."""

    def __init__(self, destroy: Callable[[bytes], None], life: float) -> None:
        """``destroy`` has a key destroyed in the child, and sees to it that ``gone`` is called."""
        self._destroy = destroy
        self._life = life
        self._handles: dict[bytes, _Handle] = {}

    def __len__(self) -> int:
        return len(self._handles)

    def expect(self, name: bytes, algorithm: Algorithm) -> None:
        """Note a key that is about to be made."""
        self._handles[name] = _Handle(algorithm)

    def made(self, name: bytes, reply: Reply | None) -> None:
        """Note how the making ended."""
        handle = self._handles.get(name)
        if handle is None:
            return
        if reply is None or reply.outcome is not Outcome.DONE:
            del self._handles[name]
        elif handle.state is _State.UNWANTED:
            self._leave(name, handle)
        else:
            handle.state = _State.HELD
            loop = asyncio.get_running_loop()
            handle.forgotten = loop.call_later(self._life, self.unwanted, name)

    def unwanted(self, name: bytes) -> None:
        """Take back a key that nobody will use: now, or as soon as it is made."""
        handle = self._handles.get(name)
        if handle is None:
            return
        if handle.state is _State.MAKING:
            handle.state = _State.UNWANTED
        elif handle.state is _State.HELD:
            self._leave(name, handle)

    def take(self, name: bytes, algorithm: Algorithm) -> None:
        """Note that a key is used now, by this caller alone. Raises UnknownKey.

        A key of another algorithm is destroyed: whoever asks for that has lost their way.
        """
        handle = self._handles.get(name)
        if handle is None or handle.state is not _State.HELD:
            raise UnknownKey("no one-time key of this name")
        if handle.algorithm is not algorithm:
            self._leave(name, handle)
            raise UnknownKey(f"the one-time key is not for {algorithm}")
        _leaving(handle)

    def leave(self, name: bytes) -> bool:
        """Note that a key is destroyed by this caller; False if there is nothing to destroy."""
        handle = self._handles.get(name)
        if handle is None or handle.state is not _State.HELD:
            return False
        _leaving(handle)
        return True

    def gone(self, name: bytes) -> None:
        """Note that a key was destroyed."""
        self._handles.pop(name, None)

    def all_gone(self) -> None:
        """Note that the child ended, and every key with it.

        What is still to be made stays expected: its making waits for the next child.
        """
        for name, handle in list(self._handles.items()):
            if handle.state in (_State.HELD, _State.LEAVING):
                _leaving(handle)
                del self._handles[name]

    def _leave(self, name: bytes, handle: _Handle) -> None:
        _leaving(handle)
        self._destroy(name)


def _leaving(handle: _Handle) -> None:
    handle.state = _State.LEAVING
    if handle.forgotten is not None:
        handle.forgotten.cancel()
