"""The token that one process is logged in to: sentinel session, pool of sessions, recovery."""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import sleep
from typing import TypeVar

from config.runtime.entropy import Entropy
from keystore.pkcs11.errors import Busy, PinRefused, Recoverable, TokenGone
from keystore.pkcs11.library import Library, TokenDescription
from keystore.pkcs11.pin import PinSource
from keystore.pkcs11.session import Session
from keystore.pkcs11.uri import Pkcs11Uri

_Result = TypeVar("_Result")

_ATTEMPTS_TO_OPEN = 4
_FIRST_PAUSE = 0.02
_SECONDS_FOR_A_SESSION = 0.3


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
        self._keeping: deque[Session] = deque()
        self._returned = threading.Condition()
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

    def use(
        self,
        operation: Callable[[Session], _Result],
        *,
        writing: bool = False,
        keeping: bool = False,
    ) -> _Result:
        """Return what ``operation`` makes of a session; once more after recovery if that may help.

        The operation must be repeatable. With ``keeping`` it makes keys that end with the session:
        such a session stays open for them as long as the token is itself, and the operation leaves
        nothing active in it. Raises Recoverable if recovery did not help.
        """
        generation = self.generation
        try:
            return self._attempt(operation, writing, keeping)
        except Recoverable:
            self._reopen(generation)
        return self._attempt(operation, writing, keeping)

    def _attempt(
        self, operation: Callable[[Session], _Result], writing: bool, keeping: bool
    ) -> _Result:
        with self._writing() if writing else self._checked_out(keeping) as session:
            return operation(session)

    @contextmanager
    def _checked_out(self, keeping: bool) -> Iterator[Session]:
        session = self._take(keeping)
        try:
            yield session
        except BaseException as failure:
            if keeping and not isinstance(failure, Recoverable):
                self._give_back(session)
            else:
                session.close()  # an operation may still be active in it
            raise
        self._give_back(session)

    def _give_back(self, session: Session) -> None:
        if session.generation != self.generation:
            session.close()
            return
        with self._returned:
            (self._keeping if session.keeps_keys else self._idle).append(session)
            self._returned.notify()

    def _take(self, keeping: bool) -> Session:
        self._library.refuse_fork()
        own, other = self._idle, self._keeping
        if keeping:
            own, other = other, own
        session = self._pop(own)
        try:
            session = session or self._session()
        except Busy:
            session = self._borrowed(own, other)
            if session is None:
                raise
        session.keeps_keys = session.keeps_keys or keeping
        return session

    def _borrowed(self, own: deque[Session], other: deque[Session]) -> Session | None:
        """Return a session that another thread gives back, where the token allows no further."""
        with self._returned:
            self._returned.wait_for(lambda: own or other, _SECONDS_FOR_A_SESSION)
        return self._pop(own) or self._pop(other)

    def _pop(self, pool: deque[Session]) -> Session | None:
        while True:
            try:
                session = pool.pop()
            except IndexError:
                return None
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
        while self._keeping:  # keys of the time before have no name any more: they end here
            self._pop(self._keeping)

    def find(self) -> TokenDescription:
        """Return what the token says of itself. Raises TokenGone if it is not there."""
        found = [token for token in self._library.tokens() if self._address.names(token)]
        if len(found) != 1:
            raise TokenGone(0xE0, f"C_GetSlotList found {len(found)} tokens for {self._address}:")
        return found[0]
