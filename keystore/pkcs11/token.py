"""The token that one process is logged in to: sentinel session, pool of sessions, recovery."""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import sleep
from typing import TypeVar

from config.runtime.entropy import Entropy
from keystore.pkcs11.errors import Busy, PinRefused, Pkcs11Error, Recoverable, TokenGone
from keystore.pkcs11.library import Library, TokenDescription
from keystore.pkcs11.pin import PinSource
from keystore.pkcs11.session import Session
from keystore.pkcs11.uri import Pkcs11Uri

_Result = TypeVar("_Result")

_ATTEMPTS_TO_OPEN = 4
_FIRST_PAUSE = 0.02


class Token:
    """Sessions of one token. Login is per token and process, so one sentinel session holds it.

    Every method may be called by any thread. A session is used by one thread at a time.
    """

    def __init__(
        self, library: Library, address: Pkcs11Uri, pin: PinSource, entropy: Entropy
    ) -> None:
        self._library = library
        self._address = address
        self._pin = pin
        self._entropy = entropy
        self._opening = threading.Lock()
        self._idle: deque[Session] = deque()
        self._sentinel: Session | None = None
        self._slot = 0
        self._refusal: PinRefused | None = None
        self.generation = 0
        """Changes whenever the token was opened again: handles found before are worth nothing."""

    def open(self) -> None:
        """Find the token and log in. Raises Pkcs11Error or NoPin.

        Repeated with growing pauses: a token whose processes start together is sometimes not seen
        at once.
        """
        with self._opening:
            for attempt in range(_ATTEMPTS_TO_OPEN):
                try:
                    return self._open()
                except (Recoverable, Busy):
                    if attempt == _ATTEMPTS_TO_OPEN - 1:
                        raise
                    jitter = 1 + self._entropy.bytes(1)[0] / 256
                    sleep(_FIRST_PAUSE * 2**attempt * jitter)

    def use(self, operation: Callable[[Session], _Result], *, writing: bool = False) -> _Result:
        """Return what ``operation`` makes of a session; once more after recovery if that may help.

        The operation must be repeatable. Raises Recoverable if recovery did not help.
        """
        generation = self.generation
        try:
            return self._attempt(operation, writing)
        except Recoverable:
            self._reopen(generation)
        return self._attempt(operation, writing)

    def _attempt(self, operation: Callable[[Session], _Result], writing: bool) -> _Result:
        with self._writing() if writing else self._checked_out() as session:
            return operation(session)

    @contextmanager
    def _checked_out(self) -> Iterator[Session]:
        session = self._take()
        try:
            yield session
        except Pkcs11Error:
            session.close()  # an operation may still be active in it
            raise
        if session.generation == self.generation:
            self._idle.append(session)
        else:
            session.close()

    def _take(self) -> Session:
        self._library.refuse_fork()
        while True:
            try:
                session = self._idle.pop()
            except IndexError:
                return self._session()
            if session.generation == self.generation:
                return session
            session.close()

    @contextmanager
    def _writing(self) -> Iterator[Session]:
        session = self._session(writing=True)
        try:
            yield session
        finally:
            session.close()

    def _session(self, *, writing: bool = False) -> Session:
        return Session(self._library, self._slot, generation=self.generation, writing=writing)

    def _reopen(self, generation: int) -> None:
        with self._opening:
            if self.generation == generation:  # otherwise another thread was faster
                self._open()

    def _open(self) -> None:
        if self._refusal is not None:
            raise self._refusal
        token = self.find()
        self._slot = token.slot
        sentinel = self._session()
        try:
            self._library.login(sentinel.handle, token, self._pin.read())
        except PinRefused as refusal:
            self._refusal = refusal
            sentinel.close()
            raise
        except BaseException:
            sentinel.close()
            raise
        before, self._sentinel = self._sentinel, sentinel
        self.generation += 1
        # The old sentinel goes last: closing a token's only session would log everyone out.
        if before is not None:
            before.close()

    def find(self) -> TokenDescription:
        """Return what the token says of itself. Raises TokenGone if it is not there."""
        found = [token for token in self._library.tokens() if self._address.names(token)]
        if len(found) != 1:
            raise TokenGone(0xE0, f"C_GetSlotList found {len(found)} tokens for {self._address}:")
        return found[0]
