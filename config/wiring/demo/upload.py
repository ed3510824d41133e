"""A file from a form of the sample relying party: bounded, and refused in words (RFC 7578)."""

import re
from dataclasses import dataclass

from starlette.requests import Request

MOST = 10 * 1024 * 1024
"""Octets of a file."""

_AROUND = 16 * 1024
"""Octets of a form beside its file."""

_LOST = 4 * MOST
"""Octets that are read and thrown away, so that a browser hears why, before it is hung up on."""

_BOUNDARY = re.compile(r'boundary=(?:"([^"]{1,70})"|([^;\s]{1,70}))')
_FILE_NAME = re.compile(r'filename="((?:[^"\\]|\\.)*)"')


class NotTaken(Exception):
    """The file is not taken; the text is for the person."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that somebody chose: its name without directories, and what is in it."""

    name: str
    content: bytes


async def uploaded_pdf(request: Request) -> Upload | None:
    """Return the PDF of a form with one file; None where none was chosen. Raises NotTaken."""
    found = _file(request.headers.get("content-type", ""), await _body(request))
    if found is None or not (found.name or found.content):
        return None
    if len(found.content) > MOST:
        raise NotTaken(f"The file is larger than {MOST >> 20} MB.")
    if not found.content.startswith(b"%PDF-"):
        raise NotTaken("The file is not a PDF. Save your document as PDF, and choose that file.")
    return found


async def _body(request: Request) -> bytes:
    body, read = bytearray(), 0
    async for piece in request.stream():
        read += len(piece)
        if read > _LOST:
            break
        if read <= MOST + _AROUND:
            body += piece
    if read > MOST + _AROUND:
        raise NotTaken(f"The file is larger than {MOST >> 20} MB.")
    return bytes(body)


def _file(content_type: str, body: bytes) -> Upload | None:
    """Return the first part that has a file name, None for a form without one."""
    boundary = _BOUNDARY.search(content_type)
    if not content_type.startswith("multipart/form-data") or boundary is None:
        return None
    line = b"\r\n--" + (boundary[1] or boundary[2]).encode()
    for part in (b"\r\n" + body).split(line)[1:]:
        head, _, content = part.partition(b"\r\n\r\n")
        named = _FILE_NAME.search(head.decode(errors="replace"))
        if named:
            return Upload(_plain(named[1]), content)
    return None


def _plain(name: str) -> str:
    """Return the last part of a path, without what no page should show."""
    last = re.split(r"[/\\]", name)[-1]
    return "".join(letter for letter in last if letter.isprintable())[:100].strip()
