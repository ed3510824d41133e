"""Strict reading of multipart/form-data: the files that a form of ours sends (RFC 7578)."""

import re
from dataclasses import dataclass

from config.runtime.malformed import Malformed

FORM = "multipart/form-data"

LARGEST_HEAD = 2048
"""Octets of the headers of one part: a long name in UTF-8 fits."""

_BOUNDARY = re.compile(
    r"multipart/form-data *; *boundary=(?:([0-9A-Za-z'+_.-]{1,70})"
    r"|\"([0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-])\")",
    re.ASCII | re.IGNORECASE,
)
_DISPOSITION = re.compile(r'form-data; *name="([^"]{1,100})"(?:; *filename="([^"]*)")?')


@dataclass(frozen=True, slots=True)
class Part:
    """What stands in one field. ``filename`` is None where the field holds no file."""

    content: bytes
    filename: str | None


def is_multipart(content_type: str | None) -> bool:
    """Return whether a body of this type is a form with files."""
    return (content_type or "").partition(";")[0].strip().lower() == FORM


def parts(content_type: str, body: bytes, most: int) -> dict[str, Part]:
    """Return the fields by name: ``most`` of them at most, each once; or raise Malformed.

    Nothing may stand before the first boundary or after the last, which no browser sends: what two
    readers would read differently is read by neither.
    """
    mark = b"--" + _boundary(content_type)
    if not body.startswith(mark + b"\r\n"):
        raise Malformed("the form does not begin with its boundary")
    found: dict[str, Part] = {}
    between, place = b"\r\n" + mark, len(mark) + 2
    while True:
        if len(found) == most:
            raise Malformed("too many fields", 413)
        start = body.find(b"\r\n\r\n", place, place + LARGEST_HEAD)
        end = body.find(between, start + 4)
        if start < 0 or end < 0:
            raise Malformed("a field of the form does not end")
        name, filename = _named(body[place:start])
        if name in found:
            raise Malformed("a field stands twice")
        found[name] = Part(body[start + 4 : end], filename)
        place = end + len(between)
        if body[place : place + 5] in (b"--", b"--\r\n"):
            return found
        if not body.startswith(b"\r\n", place):
            raise Malformed("the form does not end with its boundary")
        place += 2


def _boundary(content_type: str) -> bytes:
    match = _BOUNDARY.fullmatch(content_type.strip())
    if match is None:
        raise Malformed(f"the content type must be {FORM} with a boundary", 415)
    return (match[1] or match[2]).encode()


def _named(head: bytes) -> tuple[str, str | None]:
    """Return the field's name and its file's, from the headers of a part (RFC 7578 §4.2)."""
    try:
        lines = head.decode().split("\r\n")
    except UnicodeDecodeError:
        raise Malformed("the headers of a field are not UTF-8") from None
    headers = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or name.lower() in headers:
            raise Malformed("wrong headers of a field")
        headers[name.lower()] = value.strip(" \t")
    if "content-transfer-encoding" in headers:
        raise Malformed("fields are sent as they are (RFC 7578 §4.7)")
    match = _DISPOSITION.fullmatch(headers.get("content-disposition", ""))
    if match is None:
        raise Malformed("a field has no name")
    return match[1], match[2] and match[2].replace("%22", '"')
