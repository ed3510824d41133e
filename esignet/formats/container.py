"""Containers of ETSI EN 319 162-1 (ASiC): ZIP written plainly and read strictly.

Reading takes what every reader reads alike and refuses the rest: what the directory says and what
lies in front of each file agree, files follow one another without gaps, names lead nowhere, occur
once, and nothing grows beyond its bounds.
"""

import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from esignet.formats.format import FormatError

MIMETYPE = "mimetype"
ASIC_S = "application/vnd.etsi.asic-s+zip"
ASIC_E = "application/vnd.etsi.asic-e+zip"

MOST_FILES = 2_000
LARGEST_FILE = 512 * 1024 * 1024
LARGEST_SUM = 1024 * 1024 * 1024
MOST_GROWTH = 200
"""How many times larger than its packed form a file of more than a mebibyte may be."""

_LOCAL = struct.Struct("<4sHHHHHIIIHH")
_CENTRAL = struct.Struct("<4sHHHHHHIIIHHHHHII")
_END = struct.Struct("<4sHHHHIIH")
_LOCAL_SIGN, _CENTRAL_SIGN, _END_SIGN = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
_STORED, _DEFLATED = 0, 8
_ENCRYPTED, _DESCRIBED, _UTF8 = 0x0001, 0x0008, 0x0800
_NEW_YEAR_1980 = 0x0021
_MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """A file as the directory describes it."""

    name: str
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    offset: int


def write(mimetype: str, files: Mapping[str, bytes]) -> bytes:
    """Return a container: ``mimetype`` first, stored and without extra field (Annex A.1).

    FormatError: a name that a reader may refuse, or too much of anything.
    """
    if MIMETYPE in files:
        raise FormatError("a file of a container may not be called mimetype")
    _bounded(len(files) + 1, sum(map(len, files.values())))
    body, directory = bytearray(), bytearray()
    for name, content in {MIMETYPE: mimetype.encode(), **files}.items():
        check_name(name)
        packed = content if name == MIMETYPE else _deflated(content)
        method = _STORED if packed is content else _DEFLATED
        encoded = name.encode()
        flags = 0 if encoded.isascii() else _UTF8
        common = (flags, method, 0, _NEW_YEAR_1980, zlib.crc32(content), len(packed), len(content))
        offset = len(body)
        body += _LOCAL.pack(_LOCAL_SIGN, 20, *common, len(encoded), 0) + encoded + packed
        places = (len(encoded), 0, 0, 0, 0, 0, offset)
        directory += _CENTRAL.pack(_CENTRAL_SIGN, 20, 20, *common, *places) + encoded
    count = len(files) + 1
    end = _END.pack(_END_SIGN, 0, 0, count, count, len(directory), len(body), 0)
    return bytes(body + directory + end)


def read(octets: bytes) -> dict[str, bytes]:
    """Return the files of a container in their order, ``mimetype`` too when it is there.

    FormatError: it is no container, or one that readers may read differently.
    """
    try:
        return _read(octets)
    except (struct.error, zlib.error, UnicodeDecodeError) as fault:
        raise FormatError("the container is damaged") from fault


def check_name(name: str) -> None:
    """Raise FormatError unless ``name`` is a relative path that means one place everywhere."""
    parts = name.split("/")
    plain = name.isprintable() and not set(name) & set('\\:*?"<>|') and len(name.encode()) <= 512
    if not plain or any(part in ("", ".", "..") or part != part.strip() for part in parts):
        raise FormatError("a file of a container has a name that is not allowed")


def _read(octets: bytes) -> dict[str, bytes]:
    start, count, directory_end = _end(octets)
    entries = sorted(_directory(octets, start, count, directory_end), key=lambda one: one.offset)
    _bounded(len(entries), sum(entry.size for entry in entries))
    files: dict[str, bytes] = {}
    folded: set[str] = set()
    place = 0
    for entry in entries:
        check_name(entry.name.removesuffix("/"))
        if entry.name.casefold() in folded:
            raise FormatError("two files of the container have the same name")
        folded.add(entry.name.casefold())
        if entry.offset != place:
            raise FormatError("octets between the files of the container")
        content, place = _content(octets, entry)
        if not entry.name.endswith("/"):
            files[entry.name] = content
    if place != start:
        raise FormatError("octets between the files of the container and its directory")
    return files


def _end(octets: bytes) -> tuple[int, int, int]:
    """Return where the directory starts, its count of files, and where it ends."""
    place = octets.rfind(_END_SIGN, max(0, len(octets) - _END.size - 0xFFFF))
    if place < 0:
        raise FormatError("this is no container")
    _, disk, first, here, count, size, start, comment = _END.unpack_from(octets, place)
    whole = place + _END.size + comment == len(octets) and start + size == place
    if disk or first or here != count or not whole:
        raise FormatError("the directory of the container does not agree with it")
    return start, count, place


def _directory(octets: bytes, start: int, count: int, end: int) -> Iterator[_Entry]:
    for _ in range(count):
        fields = _CENTRAL.unpack_from(octets, start)
        name, extra, comment = fields[10:13]
        if fields[0] != _CENTRAL_SIGN:
            raise FormatError("the directory of the container is damaged")
        begins = start + _CENTRAL.size
        yield _Entry(
            name=octets[begins : begins + name].decode("utf-8"),
            flags=fields[3],
            method=fields[4],
            crc=fields[7],
            packed=fields[8],
            size=fields[9],
            offset=fields[16],
        )
        start = begins + name + extra + comment
    if start != end:
        raise FormatError("the directory of the container is damaged")


def _content(octets: bytes, entry: _Entry) -> tuple[bytes, int]:
    """Return a file's content and where the next one begins."""
    head = _LOCAL.unpack_from(octets, entry.offset)
    begins = entry.offset + _LOCAL.size
    name = octets[begins : begins + head[9]]
    described = bool(entry.flags & _DESCRIBED)
    sizes = (entry.crc, entry.packed, entry.size)
    same = head[:1] + head[2:4] == (_LOCAL_SIGN, entry.flags, entry.method)
    same = same and name == entry.name.encode()
    if not same or not (head[6:9] == sizes or (described and head[6:9] == (0, 0, 0))):
        raise FormatError("a file of the container is not what the directory says")
    if entry.flags & _ENCRYPTED:
        raise FormatError("a file of the container is encrypted")
    if entry.name == MIMETYPE and (entry.offset, entry.method, head[10]) != (0, _STORED, 0):
        raise FormatError("mimetype is not the first file, stored and without extra field")
    begins += head[9] + head[10]
    packed = octets[begins : begins + entry.packed]
    content = _unpacked(packed, entry)
    ends = begins + entry.packed
    return content, ends + (_descriptor(octets, ends, sizes) if described else 0)


def _unpacked(packed: bytes, entry: _Entry) -> bytes:
    if entry.size > max(_MEBIBYTE, MOST_GROWTH * entry.packed):
        raise FormatError("a file of the container grows too much when it is unpacked")
    if entry.method == _STORED:
        content = packed
    elif entry.method == _DEFLATED:
        unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
        content = unpacker.decompress(packed, entry.size + 1)
        if not unpacker.eof or unpacker.unused_data:
            raise FormatError("a file of the container has another size than it says")
    else:
        raise FormatError("a file of the container is packed in an unknown way")
    if len(content) != entry.size or zlib.crc32(content) != entry.crc:
        raise FormatError("a file of the container is damaged")
    return content


def _descriptor(octets: bytes, place: int, sizes: tuple[int, int, int]) -> int:
    """Return how long the descriptor after a file is, with or without its signature."""
    described = struct.pack("<III", *sizes)
    for form in (b"PK\x07\x08" + described, described):
        if octets.startswith(form, place):
            return len(form)
    raise FormatError("a file of the container is not what its descriptor says")


def _deflated(content: bytes) -> bytes:
    packer = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)
    packed = packer.compress(content) + packer.flush()
    small = len(packed) < len(content) and len(content) <= MOST_GROWTH * len(packed)
    return packed if small else content


def _bounded(count: int, total: int) -> None:
    if count > MOST_FILES or total > LARGEST_SUM:
        raise FormatError("the container holds too much")
