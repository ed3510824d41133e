"""The threads of the child: each takes a part of a request, has a session do it, and answers."""

import threading
from collections import deque
from dataclasses import dataclass

import msgspec

from keystore.pkcs11.line import Line
from keystore.pkcs11.messages import Outcome, Reply, Request, Verb
from keystore.pkcs11.work import Work

_REQUESTS = msgspec.msgpack.Decoder(list[Request])
_DIVISIBLE = frozenset(
    {
        *(Verb.SIGN, Verb.MAC, Verb.ENCRYPT, Verb.DECRYPT, Verb.SIGN_ONCE, Verb.SIGN_WRAPPED),
        Verb.SIGN_WRAPPED_DIGESTS,
    }
)


class Gathering:
    """The parts of one request; whoever finishes the last part has the answer."""

    __slots__ = ("_counting", "_left", "_parts")

    def __init__(self, count: int) -> None:
        self._parts: list[Reply | None] = [None] * count
        self._left = count
        self._counting = threading.Lock()

    def put(self, index: int, reply: Reply) -> Reply | None:
        """Add the answer to part ``index``; return the whole answer if this was the last part.

        A batch fails as a whole, by its first failed part.
        """
        with self._counting:
            self._parts[index] = reply
            self._left -= 1
            if self._left:
                return None
        parts = [part for part in self._parts if part is not None]
        failed = next((part for part in parts if part.outcome is not Outcome.DONE), None)
        if failed is not None or len(parts) == 1:
            return failed or reply
        texts = [text for part in parts for text in part.texts]
        return Reply(serial=reply.serial, outcome=Outcome.DONE, texts=texts)


@dataclass(frozen=True, slots=True)
class _Part:
    request: Request
    index: int
    gathering: Gathering


class Crew:
    """N threads on one token; the pool of sessions gives each its own while it works.

    One thread at a time waits for requests; it takes its share of what came, lets the next thread
    wait, and works. So no request changes threads before it is done.
    """

    def __init__(self, work: Work, threads: int, line: Line) -> None:
        self._work = work
        self._line = line
        self._reading = threading.Lock()
        self._parts: deque[_Part] = deque()
        self._threads = [threading.Thread(target=self._live, daemon=True) for _ in range(threads)]
        self._over = threading.Event()

    @property
    def lost(self) -> bool:
        """Return whether recovery in this process failed: a fresh process must take over."""
        return self._work.lost

    def run(self, seconds: float) -> bool:
        """Work until the line ends or the token is lost; say whether every thread ended too.

        Each thread has ``seconds`` to finish what it does.
        """
        for thread in self._threads:
            thread.start()
        self._over.wait()
        for thread in self._threads:
            thread.join(seconds)
        return not any(thread.is_alive() for thread in self._threads)

    def _live(self) -> None:
        try:
            self._serve()
        finally:
            self._over.set()

    def _serve(self) -> None:
        while share := self._share():
            answers = []
            for part in share:
                whole = part.gathering.put(part.index, self._work.answer(part.request))
                if whole is not None:
                    answers.append(self._work.ended(part.request, whole))
            if answers:
                self._line.send(answers)
            if self._work.lost:
                return

    def _share(self) -> list[_Part]:
        with self._reading:
            while not self._parts:
                if self._over.is_set():
                    return []
                bodies = self._line.frames()
                if not bodies:
                    return []
                for body in bodies:
                    for request in _REQUESTS.decode(body):
                        self._parts.extend(self._divided(request))
            count = -(-len(self._parts) // len(self._threads))
            return [self._parts.popleft() for _ in range(count)]

    def _divided(self, request: Request) -> list[_Part]:
        count, threads = len(request.texts), len(self._threads)
        if count < 2 or threads < 2 or request.verb not in _DIVISIBLE:
            return [_Part(request, 0, Gathering(1))]
        size = -(-count // threads)
        starts = range(0, count, size)
        gathering = Gathering(len(starts))
        return [
            _Part(
                msgspec.structs.replace(
                    request,
                    texts=request.texts[start : start + size],
                    bound_to=request.bound_to[start : start + size],
                ),
                index,
                gathering,
            )
            for index, start in enumerate(starts)
        ]
