"""A PIN comes from a file or a variable and never stays in memory longer than it must."""

from pathlib import Path

import pytest

from keystore.pkcs11.pin import NoPin, PinSource, wipe


def test_reads_a_file_without_its_line_end(tmp_path: Path) -> None:
    (tmp_path / "pin").write_bytes(b"12 34\r\n")
    assert PinSource(file=str(tmp_path / "pin")).read() == b"12 34"


def test_reads_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYMBOLON_TEST_PIN", "9876")
    assert PinSource(variable="SYMBOLON_TEST_PIN").read() == b"9876"


def test_a_missing_or_empty_source_names_the_place(tmp_path: Path) -> None:
    (tmp_path / "pin").write_bytes(b"\n")
    for source in (
        PinSource(file=str(tmp_path / "pin")),
        PinSource(file=str(tmp_path / "none")),
        PinSource(variable="SYMBOLON_NO_SUCH_PIN"),
    ):
        with pytest.raises(NoPin, match=source.file or source.variable):
            source.read()


def test_there_is_exactly_one_source() -> None:
    for places in ({}, {"file": "a", "variable": "B"}):
        with pytest.raises(ValueError, match="file or"):
            PinSource(**places)


def test_wiping_leaves_nothing() -> None:
    pin = bytearray(b"1234")
    wipe(pin)
    assert pin == bytes(4)
