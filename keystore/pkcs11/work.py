"""The threads of the child: each takes a part of a request, has a session do it, and answers."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from queue import SimpleQueue

import msgspec

from config.runtime.clock import Clock
from keystore.backends.backend import Algorithm, Sealing
from keystore.pkcs11.errors import Pkcs11Error, Recoverable
from keystore.pkcs11.keys import UnfitKey
from keystore.pkcs11.messages import Outcome, Reply, Request, Verb
from keystore.pkcs11.operations import NoSuchKey, Operations
from keystore.pkcs11.public import BadSignature

_DIVISIBLE = frozenset({Verb.SIGN, Verb.MAC, Verb.ENCRYPT, Verb.DECRYPT})


class Gathering:
    """The parts of one request; the thread that finishes the last part sends the answer."""

    def __init__(self, serial: int, count: int, send: Callable[[Reply], None]) -> None:
        self._serial = serial
        self._parts: list[Reply | None] = [None] * count
        self._left = count
        self._send = send
        self._counting = threading.Lock()

    def put(self, index: int, reply: Reply) -> None:
        """Add the answer to part ``index``. A batch fails as a whole, by its first failed part."""
        with self._counting:
            self._parts[index] = reply
            self._left -= 1
            if self._left:
                return
        parts = [part for part in self._parts if part is not None]
        failed = next((part for part in parts if part.outcome is not Outcome.DONE), None)
        texts = [text for part in parts for text in part.texts]
        self._send(failed or Reply(serial=self._serial, outcome=Outcome.DONE, texts=texts))


@dataclass(frozen=True, slots=True)
class _Part:
    request: Request
    index: int
    gathering: Gathering


class Crew:
    """N threads on one token; the pool of sessions gives each its own while it works."""

    def __init__(
        self, operations: Operations, clock: Clock, threads: int, send: Callable[[Reply], None]
    ) -> None:
        self._operations = operations
        self._clock = clock
        self._send = send
        self._queue: SimpleQueue[_Part | None] = SimpleQueue()
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(threads)]
        self.lost = threading.Event()
        """Set when recovery in this process failed: a fresh process must take over."""

    def start(self) -> None:
        """Start the threads."""
        for thread in self._threads:
            thread.start()

    def stop(self, seconds: float) -> bool:
        """Let the threads end; say whether all did, each within ``seconds``."""
        for _ in self._threads:
            self._queue.put(None)
        for thread in self._threads:
            thread.join(seconds)
        return not any(thread.is_alive() for thread in self._threads)

    def take(self, request: Request) -> None:
        """Divide a request among the threads."""
        parts = self._divided(request)
        gathering = Gathering(request.serial, len(parts), self._send)
        for index, part in enumerate(parts):
            self._queue.put(_Part(part, index, gathering))

    def _divided(self, request: Request) -> list[Request]:
        count = len(request.texts)
        if count < 2 or request.verb not in _DIVISIBLE:
            return [request]
        size = -(-count // len(self._threads))
        return [
            msgspec.structs.replace(
                request,
                texts=request.texts[start : start + size],
                bound_to=request.bound_to[start : start + size],
            )
            for start in range(0, count, size)
        ]

    def _work(self) -> None:
        while (part := self._queue.get()) is not None:
            part.gathering.put(part.index, self._answer(part.request))
            if self.lost.is_set():
                return

    def _answer(self, request: Request) -> Reply:
        outcome, texts, reason = Outcome.UNAVAILABLE, list[bytes | None](), "asked too late"
        try:
            if self._clock.elapsed() < request.until:
                outcome, texts, reason = Outcome.DONE, self._done(request), ""
        except (NoSuchKey, UnfitKey) as failure:
            outcome, reason = Outcome.UNKNOWN_KEY, str(failure)
        except BadSignature as failure:
            outcome, reason = Outcome.BAD_SIGNATURE, str(failure)
        except Recoverable as failure:
            reason = str(failure)
            self.lost.set()
        except Pkcs11Error as failure:
            reason = str(failure)
        except Exception as failure:  # one defect must not cost a thread
            reason = type(failure).__name__
        return Reply(serial=request.serial, outcome=outcome, texts=texts, reason=reason)

    def _done(self, request: Request) -> list[bytes | None]:
        key, operations = request.key_id, self._operations
        match request.verb:
            case Verb.SIGN:
                return [*operations.sign(key, Algorithm(request.algorithm), request.texts)]
            case Verb.MAC:
                return [*operations.mac(key, request.texts)]
            case Verb.ENCRYPT:
                return [*operations.encrypt(key, _sealings(request))]
            case Verb.DECRYPT:
                return operations.decrypt(key, _sealings(request))
            case Verb.GENERATE:
                return [*operations.generate(Algorithm(request.algorithm), key.decode("ascii"))]
            case Verb.PUBLIC_KEY:
                return [operations.public_key(key, Algorithm(request.algorithm))]
            case Verb.DESTROY:
                operations.destroy(key)
            case Verb.PROBE:
                operations.probe()
        return []


def _sealings(request: Request) -> list[Sealing]:
    pairs = zip(request.texts, request.bound_to, strict=True)
    return [Sealing(text, bound_to) for text, bound_to in pairs]
