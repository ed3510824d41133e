"""The process in which a PKCS#11 module runs, so that a module that hangs or crashes can be killed.

Started by ``keystore.pkcs11.keeper`` with one end of a socket pair; it ends when the other end
does.
"""

import os
import socket

import msgspec

from config.runtime.clock import SystemClock
from config.runtime.entropy import SystemEntropy
from keystore.backends.backend import Algorithm
from keystore.pkcs11.crew import Crew
from keystore.pkcs11.ephemeral import EphemeralKeys
from keystore.pkcs11.errors import PinRefused, Pkcs11Error
from keystore.pkcs11.library import Library
from keystore.pkcs11.line import Line
from keystore.pkcs11.messages import Opening, Outcome, Reply
from keystore.pkcs11.operations import Operations
from keystore.pkcs11.pin import NoPin, PinSource
from keystore.pkcs11.token import Token
from keystore.pkcs11.uri import Pkcs11Uri
from keystore.pkcs11.work import Work

LOST = 75
"""Exit code (EX_TEMPFAIL): the token could not be reached again from this process."""

_SECONDS_TO_STOP = 0.5
_OPENING = msgspec.msgpack.Decoder(Opening)


def main(descriptor: int) -> None:
    """Serve one token until the socket pair ends."""
    line = Line(socket.socket(fileno=descriptor))
    frames = line.frames()
    if not frames:
        return
    opening = _OPENING.decode(frames[0])  # alone: the key service waits for the answer
    for name, value in opening.variables.items():
        os.putenv(name, value)  # read by the module's own getenv
    line.send([Reply(serial=0, outcome=Outcome.LOADED)])
    opened = _opened(opening, line)
    if opened is None:
        return
    library, crew = opened
    ended = crew.run(_SECONDS_TO_STOP)
    if ended and not crew.lost:
        library.finalize()
    os._exit(LOST if crew.lost else 0)  # a thread that hangs in the module must not keep us


def _opened(opening: Opening, line: Line) -> tuple[Library, Crew] | None:
    entropy = SystemEntropy()
    try:
        library = Library(opening.module, opening.reserved)
        pin = PinSource(file=opening.pin_file, variable=opening.pin_variable)
        token = Token(library, Pkcs11Uri.parse(opening.address), pin, entropy)
        token.open()
    except PinRefused as failure:
        line.send([Reply(serial=0, outcome=Outcome.PIN_REFUSED, reason=str(failure))])
        return None
    except (Pkcs11Error, NoPin, OSError, AttributeError) as failure:
        line.send([Reply(serial=0, outcome=Outcome.UNAVAILABLE, reason=str(failure))])
        return None
    verified = frozenset(Algorithm(name) for name in opening.verified)
    line.send([Reply(serial=0, outcome=Outcome.DONE)])
    operations = Operations(token, entropy, verified=verified)
    clock = SystemClock()
    work = Work(operations, EphemeralKeys(token, operations, clock), clock)
    return library, Crew(work, opening.threads, line)
