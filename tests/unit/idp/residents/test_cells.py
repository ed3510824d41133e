"""A cell opens with its person's key, in its own row, unaltered; and in no other way."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.runtime.entropy import SystemEntropy
from keystore.cells import Cells, row
from keystore.door import BadSeal

KEY = bytes(range(32))
CELLS = Cells(KEY, SystemEntropy())
HERE = row("attribute", "person", "name", "ar")


@given(st.binary(max_size=200))
def test_what_was_sealed_opens(plaintext: bytes) -> None:
    assert CELLS.open(CELLS.seal(plaintext, HERE), HERE) == plaintext


@given(st.binary(max_size=80))
def test_no_other_bytes_open(sealed: bytes) -> None:
    with pytest.raises(BadSeal):
        CELLS.open(sealed, HERE)
    with pytest.raises(BadSeal):
        CELLS.open(b"\x01" + sealed, HERE)


@given(st.integers(0, 8 * 64 - 1))
def test_a_changed_bit_does_not_open(bit: int) -> None:
    sealed = bytearray(CELLS.seal(b"Amina", HERE))
    bit %= 8 * len(sealed)
    sealed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(BadSeal):
        CELLS.open(bytes(sealed), HERE)


@pytest.mark.parametrize(
    "elsewhere",
    [
        row("attribute", "person", "name", ""),
        row("attribute", "person", "nam", "ear"),
        row("attribute", "other", "name", "ar"),
        row("secret", "person", "name", "ar"),
        row("attribute", "person", "name"),
    ],
)
def test_a_moved_cell_does_not_open(elsewhere: bytes) -> None:
    with pytest.raises(BadSeal):
        CELLS.open(CELLS.seal(b"Amina", HERE), elsewhere)


def test_another_persons_key_does_not_open() -> None:
    with pytest.raises(BadSeal):
        Cells(bytes(32), SystemEntropy()).open(CELLS.seal(b"Amina", HERE), HERE)
    with pytest.raises(BadSeal):
        Cells(b"short", SystemEntropy())


def test_equal_values_look_different_and_short_ones_look_alike() -> None:
    assert CELLS.seal(b"Amina", HERE) != CELLS.seal(b"Amina", HERE)
    assert len(CELLS.seal(b"Ng Bo", HERE)) == len(CELLS.seal(b"Thandiwe Nomvula Khumalo", HERE))


@given(st.lists(st.text(max_size=4), max_size=4), st.lists(st.text(max_size=4), max_size=4))
def test_different_rows_have_different_names(one: list[str], other: list[str]) -> None:
    assert (row(*one) == row(*other)) == (one == other)
