"""The process that reads and writes PDF: one document at a time, within its bounds of memory.

Started by ``esignet.pdf.pool`` with a pipe on each side; it ends when the pipe does.
"""

import hashlib
import resource
import sys
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from typing import BinaryIO, cast

import msgspec

from esignet.formats import pades_stream, pdf_checking
from esignet.formats.format import FormatError
from esignet.formats.pades import FORMAT
from esignet.pdf import preview
from esignet.pdf.messages import (
    HEAD,
    Answer,
    Augment,
    Check,
    Embed,
    Prepare,
    Preview,
    Request,
    Step,
    ToArchive,
    ToStamp,
    Wanted,
    framed,
)
from esignet.pdf.sealed import Continued
from keystore.streams import Opener, Reader, Shape

_REQUEST = msgspec.msgpack.Decoder(Request)


@dataclass(frozen=True, slots=True)
class Pipe:
    """Frames in, frames out."""

    requests: BinaryIO
    answers: BinaryIO

    def read(self) -> bytes | None:
        """Return the next frame, None when there are no more."""
        head = self.requests.read(HEAD)
        return self.requests.read(int.from_bytes(head, "big")) if head else None

    def write(self, message: Answer | Wanted) -> None:
        """Write a frame."""
        self.answers.write(framed(msgspec.msgpack.encode(message)))
        self.answers.flush()

    def chunk(self, number: int) -> bytes:
        """Return a sealed chunk of the PDF that is lent."""
        self.write(Wanted(number))
        return self.read() or b""


def main(memory: int) -> None:
    """Answer requests until there are no more. ``memory`` bounds the address space, in octets."""
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a document must not stay behind on disk
    pipe = Pipe(sys.stdin.buffer, sys.stdout.buffer)
    sys.stdout = sys.stderr
    while (message := pipe.read()) is not None:
        pipe.write(_answered(message, pipe))


def _answered(message: bytes, pipe: Pipe) -> Answer:
    try:
        result = _result(_REQUEST.decode(message), pipe)
        return Answer(result=msgspec.Raw(msgspec.msgpack.encode(result)))
    except FormatError as refusal:
        return Answer(refusal=str(refusal))
    except (MemoryError, RecursionError):
        return Answer(refusal="the PDF is too large or too deep to be worked on")
    except Exception as fault:  # one document must not end the process that others wait for
        return Answer(refusal=f"the PDF cannot be worked on ({type(fault).__name__})")


def _result(request: Request, pipe: Pipe) -> object:
    lent = request.lent
    if lent is None:
        whole = BytesIO(request.pdf)
        return _worked(request.step, whole, whole.getvalue, whole=True)
    opener = Opener(lent.key, Shape(name=lent.name, size=lent.size))
    continued = Continued(Reader(opener, pipe.chunk), lent.size, request.pdf)
    pdf = cast(BinaryIO, continued)
    return _worked(request.step, pdf, lambda: bytes(continued.tail), whole=False)


def _worked(step: Step, pdf: BinaryIO, written: Callable[[], bytes], *, whole: bool) -> object:
    match step:
        case Prepare(item=item, wish=wish):
            prepared = pades_stream.prepare(pdf, item, wish)
            return pades_stream.kept(prepared, pdf, written())
        case ToStamp():
            return pades_stream.to_stamp(pdf)
        case ToArchive(algorithm=algorithm):
            return _digest(pdf, algorithm.value)
        case Augment(level=level, evidence=evidence):
            pades_stream.augment(pdf, level, evidence)
            return written()
        case Preview(page=page):
            return preview.seen(pdf, page)
        case Check():
            return pdf_checking.found(pdf, whole=whole)
        case Embed(prepared=prepared, signed=signed):
            return FORMAT.embed(prepared, signed)


def _digest(pdf: BinaryIO, algorithm: str) -> bytes:
    hashed = hashlib.new(algorithm)
    for piece in pades_stream.to_archive(pdf):
        hashed.update(piece)
    return hashed.digest()


if __name__ == "__main__":
    main(int(sys.argv[1]))
