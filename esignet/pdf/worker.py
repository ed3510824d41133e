"""The process that reads and writes PDF: one document at a time, within its bounds of memory.

Started by ``esignet.pdf.pool`` with a pipe on each side; it ends when the pipe does.
"""

import hashlib
import resource
import sys
from collections.abc import Callable
from dataclasses import replace
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
    Lent,
    Prepare,
    Preview,
    Request,
    Step,
    ToArchive,
    ToStamp,
    framed,
)
from esignet.pdf.sealed import Continued, SealedFile
from keystore.streams import Shape

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
    if request.lent is None:
        whole = BytesIO(request.pdf)
        return _worked(request.step, whole, whole.getvalue, whole=True)
    continued = _continued(request.lent, request.pdf)
    pdf = cast(BinaryIO, continued)
    return _worked(request.step, pdf, lambda: bytes(continued.tail), whole=False)


def _worked(step: Step, pdf: BinaryIO, written: Callable[[], bytes], *, whole: bool) -> object:
    match step:
        case Prepare(item=item, wish=wish):
            prepared = pades_stream.prepare(pdf, item, wish)
            return replace(prepared, content=written())
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


def _continued(lent: Lent, tail: bytes) -> Continued:
    shape = Shape(name=lent.name, size=lent.size)
    file = SealedFile(file=lent.file, key=lent.key, shape=shape)
    return Continued(file.opened(), lent.size, tail)


def _digest(pdf: BinaryIO, algorithm: str) -> bytes:
    hashed = hashlib.new(algorithm)
    for piece in pades_stream.to_archive(pdf):
        hashed.update(piece)
    return hashed.digest()


def _answer(answers: BinaryIO, answer: Answer) -> None:
    answers.write(framed(msgspec.msgpack.encode(answer)))
    answers.flush()


if __name__ == "__main__":
    main(int(sys.argv[1]))
