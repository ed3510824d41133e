"""The process in which a PKCS#11 module runs, so that a module that hangs or crashes can be killed.

Started by ``keystore.pkcs11.keeper`` with one end of a socket pair; it ends when the other end
does.
"""

import os
import socket
import threading

import msgspec

from config.runtime.clock import SystemClock
from config.runtime.entropy import SystemEntropy
from keystore.backends.backend import Algorithm
from keystore.pkcs11.errors import PinRefused, Pkcs11Error
from keystore.pkcs11.library import Library
from keystore.pkcs11.messages import Opening, Outcome, Reply, Request, frame, unframe
from keystore.pkcs11.operations import Operations
from keystore.pkcs11.pin import NoPin, PinSource
from keystore.pkcs11.token import Token
from keystore.pkcs11.uri import Pkcs11Uri
from keystore.pkcs11.work import Crew

LOST = 75
"""Exit code (EX_TEMPFAIL): the token could not be reached again from this process."""

_SECONDS_TO_STOP = 0.5
_REQUESTS = msgspec.msgpack.Decoder(list[Request])
_OPENING = msgspec.msgpack.Decoder(Opening)


class Line:
    """The child's end of the socket pair; any thread may send."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._sending = threading.Lock()
        self._received = bytearray()

    def send(self, reply: Reply) -> None:
        """Send one answer; that nobody listens any more is no error here."""
        message = frame([reply])
        with self._sending:
            try:
                self._connection.sendall(message)
            except OSError:
                return

    def frames(self) -> list[bytes]:
        """Return the bodies of the frames that arrived next, nothing at the end."""
        found: list[bytes] = []
        while not found:
            received = self._connection.recv(1 << 18)
            if not received:
                return []
            self._received += received
            unframe(self._received, found.append)
        return found


def main(descriptor: int) -> None:
    """Serve one token until the socket pair ends."""
    line = Line(socket.socket(fileno=descriptor))
    first, *early = line.frames() or [b""]
    if not first:
        return
    opening = _OPENING.decode(first)
    for name, value in opening.variables.items():
        os.putenv(name, value)  # read by the module's own getenv
    line.send(Reply(serial=0, outcome=Outcome.LOADED))
    opened = _opened(opening, line)
    if opened is not None:
        library, crew = opened
        _serve(line, crew, early)
        code = LOST if crew.lost.is_set() else 0
        if crew.stop(_SECONDS_TO_STOP) and not code:
            library.finalize()
        os._exit(code)  # a thread that hangs in the module must not keep the process


def _opened(opening: Opening, line: Line) -> tuple[Library, Crew] | None:
    entropy = SystemEntropy()
    try:
        library = Library(opening.module, opening.reserved)
        pin = PinSource(file=opening.pin_file, variable=opening.pin_variable)
        token = Token(library, Pkcs11Uri.parse(opening.address), pin, entropy)
        token.open()
    except (PinRefused, NoPin) as failure:
        line.send(Reply(serial=0, outcome=Outcome.PIN_REFUSED, reason=str(failure)))
        return None
    except (Pkcs11Error, OSError, AttributeError) as failure:
        line.send(Reply(serial=0, outcome=Outcome.UNAVAILABLE, reason=str(failure)))
        return None
    verified = frozenset(Algorithm(name) for name in opening.verified)
    crew = Crew(
        Operations(token, entropy, verified=verified), SystemClock(), opening.threads, line.send
    )
    crew.start()
    line.send(Reply(serial=0, outcome=Outcome.DONE))
    return library, crew


def _serve(line: Line, crew: Crew, bodies: list[bytes]) -> None:
    threading.Thread(target=_leave_when_lost, args=(crew,), daemon=True).start()
    while True:
        for body in bodies:
            for request in _REQUESTS.decode(body):
                crew.take(request)
        bodies = line.frames()
        if not bodies:
            return


def _leave_when_lost(crew: Crew) -> None:
    crew.lost.wait()
    crew.stop(_SECONDS_TO_STOP / 5)  # whoever is about to answer may do so
    os._exit(LOST)
