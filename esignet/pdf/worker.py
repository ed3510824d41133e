"""The process that reads and writes PDF: one document at a time, within its bounds of memory.

Started by ``esignet.pdf.pool`` with a pipe on each side; it ends when the pipe does.
"""

import resource
import sys
from typing import BinaryIO

import msgspec

from esignet.formats.format import FormatError
from esignet.formats.pades import FORMAT
from esignet.pdf.messages import (
    HEAD,
    Answer,
    Augment,
    Check,
    Embed,
    Prepare,
    Request,
    ToArchive,
    ToStamp,
    framed,
)

_REQUEST = msgspec.msgpack.Decoder(Request)


def main(memory: int) -> None:
    """Answer requests until there are no more. ``memory`` bounds the address space, in octets."""
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a document must not stay behind on disk
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    sys.stdout = sys.stderr
    while head := requests.read(HEAD):
        message = requests.read(int.from_bytes(head, "big"))
        _answer(answers, _answered(message))


def _answered(message: bytes) -> Answer:
    try:
        result = _result(_REQUEST.decode(message))
        return Answer(result=msgspec.Raw(msgspec.msgpack.encode(result)))
    except FormatError as refusal:
        return Answer(refusal=str(refusal))
    except (MemoryError, RecursionError):
        return Answer(refusal="the PDF is too large or too deep to be worked on")
    except Exception as fault:  # one document must not end the process that others wait for
        return Answer(refusal=f"the PDF cannot be worked on ({type(fault).__name__})")


def _result(request: Request) -> object:
    match request:
        case Prepare():
            return FORMAT.prepare([request.item], request.wish)
        case Embed():
            return FORMAT.embed(request.prepared, request.signed)
        case ToStamp():
            return FORMAT.to_stamp(request.pdf)
        case ToArchive():
            return FORMAT.to_archive(request.pdf, ())
        case Augment():
            return FORMAT.augment(request.pdf, request.level, request.evidence)
        case Check():
            return FORMAT.check(request.pdf, ())


def _answer(answers: BinaryIO, answer: Answer) -> None:
    answers.write(framed(msgspec.msgpack.encode(answer)))
    answers.flush()


if __name__ == "__main__":
    main(int(sys.argv[1]))
