"""Containers are read by every tool that reads ZIP, and by us only when all read them alike."""

import io
import struct
import subprocess
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from esignet.formats import container
from esignet.formats.format import FormatError

FILES = {"a.txt": b"a" * 3000, "META-INF/signature.p7s": b"\x30\x00", "ö.xml": b"<x/>", "e": b""}


def written() -> bytes:
    return container.write(container.ASIC_E, FILES)


def zipped(*entries: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    octets = io.BytesIO()
    with zipfile.ZipFile(octets, "w", method) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return octets.getvalue()


@pytest.mark.spec("ETSI EN 319 162-1 Annex A.1")
def test_mimetype_is_first_and_plain() -> None:
    octets = written()
    assert octets[30:38] == b"mimetype"
    assert octets[38 : 38 + len(container.ASIC_E)] == container.ASIC_E.encode()
    assert struct.unpack_from("<HH", octets, 26) == (8, 0)


def test_what_was_written_is_read_by_us_and_others(tmp_path: Path) -> None:
    octets = written()
    assert container.read(octets) == {"mimetype": container.ASIC_E.encode(), **FILES}
    with zipfile.ZipFile(io.BytesIO(octets)) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in FILES} == FILES
    (tmp_path / "c.zip").write_bytes(octets)
    listed = subprocess.run(
        ["python3", "-m", "zipfile", "-t", str(tmp_path / "c.zip")], capture_output=True, check=True
    )
    assert b"Done" in listed.stdout


def test_a_container_of_others_is_read_with_folders_and_descriptors() -> None:
    class Stream(io.RawIOBase):
        """A file that cannot be rewound, so that sizes come after each file."""

        def __init__(self) -> None:
            self.octets = b""

        def writable(self) -> bool:
            return True

        def write(self, octets: object) -> int:
            self.octets += bytes(octets)  # type: ignore[call-overload]
            return len(bytes(octets))  # type: ignore[call-overload]

    stream = Stream()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.mkdir("META-INF")
        archive.writestr("META-INF/x", b"x" * 100)
    assert container.read(stream.octets) == {"META-INF/x": b"x" * 100}


@pytest.mark.parametrize(
    "name",
    ["../x", "/x", "a/../b", "a\\b", "C:x", "a//b", "./a", "x\x00y", "a ", "", "x" * 600, "a\nb"],
)
def test_a_name_that_leads_elsewhere_is_refused(name: str) -> None:
    with pytest.raises(FormatError):
        container.check_name(name)
    with pytest.raises(FormatError):
        container.write(container.ASIC_E, {name: b""})


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_files_of_one_name_are_refused() -> None:
    for names in (("a", "a"), ("a", "A")):
        with pytest.raises(FormatError, match="same name"):
            container.read(zipped(*((name, b"") for name in names)))


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    with pytest.raises(FormatError, match="grows"):
        container.read(zipped(("a", bytes(50_000_000))))


def test_a_size_that_lies_is_refused() -> None:
    octets = bytearray(zipped(("a", bytes(50_000))))
    for place in (22, octets.index(b"PK\x01\x02") + 24):
        octets[place : place + 4] = struct.pack("<I", 10)
    with pytest.raises(FormatError, match="size"):
        container.read(bytes(octets))


def test_what_lies_between_and_around_files_is_refused() -> None:
    octets = written()
    with pytest.raises(FormatError):
        container.read(b"#!/bin/sh\n" + octets)
    with pytest.raises(FormatError):
        container.read(octets + b"x")


def test_a_directory_that_names_another_file_than_lies_there_is_refused() -> None:
    octets = zipped(("good.txt", b"x"), method=zipfile.ZIP_STORED)
    tail = octets.rindex(b"good.txt")
    with pytest.raises(FormatError, match="directory says"):
        container.read(octets[:tail] + b"evil.txt" + octets[tail + 8 :])


def test_mimetype_that_is_packed_or_not_first_is_refused() -> None:
    with pytest.raises(FormatError, match="mimetype"):
        container.read(zipped(("a", b""), ("mimetype", b"x"), method=zipfile.ZIP_STORED))
    with pytest.raises(FormatError, match="mimetype"):
        container.read(zipped(("mimetype", b"x" * 99)))


@given(st.binary(max_size=300))
def test_anything_else_is_refused_with_its_type(octets: bytes) -> None:
    with pytest.raises(FormatError):
        container.read(octets)


@given(st.integers(0, 10_000), st.integers(0, 255))
def test_one_changed_octet_is_refused_or_changes_nothing_that_is_signed(
    place: int, octet: int
) -> None:
    octets = bytearray(written())
    octets[place % len(octets)] = octet
    try:
        files = container.read(bytes(octets))
    except FormatError:
        return
    assert {**FILES, "mimetype": container.ASIC_E.encode()}.items() >= {
        (name, content) for name, content in files.items() if name in FILES
    }
