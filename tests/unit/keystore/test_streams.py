"""Documents sealed in chunks: any chunking reads the same, and no chunk can stand elsewhere."""

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keystore import streams
from keystore.door import BadSeal
from keystore.streams import CHUNK, Opener, Reader, Sealer, Shape

KEY, NAME = bytes(range(32)), b"document-1"
EDGES = (1, 15, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK - 7)
OCTETS = bytes(range(251)) * (3 * CHUNK // 251 + 1)


def sealed(octets: bytes, *, key: bytes = KEY, name: bytes = NAME, piece: int = 0) -> list[bytes]:
    sealer = Sealer(key, name)
    chunks: list[bytes] = []
    step = piece or len(octets)
    for at in range(0, len(octets), step):
        chunks += sealer.add(octets[at : at + step])
    return [*chunks, sealer.end()]


def opened(chunks: Sequence[bytes], size: int, *, key: bytes = KEY, name: bytes = NAME) -> bytes:
    opener = Opener(key, Shape(name=name, size=size))
    return b"".join(opener.chunk(number, one) for number, one in enumerate(chunks))


@pytest.mark.parametrize("size", EDGES)
def test_a_document_of_any_size_comes_back(size: int) -> None:
    chunks = sealed(OCTETS[:size])
    assert len(chunks) == Shape(name=NAME, size=size).chunks
    assert all(len(one) == streams.SEALED_CHUNK for one in chunks[:-1])
    assert opened(chunks, size) == OCTETS[:size]


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 3 * CHUNK), st.integers(4_000, 3 * CHUNK))
def test_how_it_came_makes_no_difference(size: int, piece: int) -> None:
    assert sealed(OCTETS[:size], piece=piece) == sealed(OCTETS[:size])


def test_nothing_of_it_can_be_read_without_its_key() -> None:
    chunks = sealed(b"A secret contract. " * 90_000)
    assert b"secret" not in b"".join(chunks)
    with pytest.raises(BadSeal, match="chunk 0"):
        opened(chunks, 19 * 90_000, key=bytes(32))


def test_the_end_comes_once_and_never_of_nothing() -> None:
    with pytest.raises(ValueError, match="not empty"):
        Sealer(KEY, NAME).end()
    sealer = Sealer(KEY, NAME)
    assert list(sealer.add(b"a")) == []
    sealer.end()
    with pytest.raises(ValueError, match="ends once"):
        sealer.end()
    with pytest.raises(BadSeal, match="32 octets"):
        Sealer(b"short", NAME)


def reader(sealed_at: Callable[[int], bytes]) -> Reader:
    return Reader(Opener(KEY, Shape(name=NAME, size=SIZE)), sealed_at)


SIZE = 2 * CHUNK + 100
CHUNKS = sealed(OCTETS[:SIZE])
OTHERS = sealed(OCTETS[:SIZE], name=b"document-2")


@pytest.mark.parametrize(
    ("chunks", "size", "named"),
    [
        pytest.param([CHUNKS[1], CHUNKS[0], CHUNKS[2]], SIZE, "chunk 0", id="reordered"),
        pytest.param([CHUNKS[0], CHUNKS[0], CHUNKS[2]], SIZE, "chunk 1", id="repeated"),
        pytest.param([CHUNKS[0], CHUNKS[2]], CHUNK + 100, "chunk 1", id="one left out"),
        pytest.param(CHUNKS[:2], 2 * CHUNK, "chunk 1", id="end cut off"),
        pytest.param(CHUNKS[:1], CHUNK, "chunk 0", id="all but the first cut off"),
        pytest.param([*CHUNKS, CHUNKS[2]], 3 * CHUNK + 100, "chunk 2", id="continued"),
        pytest.param([OTHERS[0], *CHUNKS[1:]], SIZE, "chunk 0", id="of another document"),
        pytest.param([*CHUNKS[:2], OTHERS[2]], SIZE, "chunk 2", id="end of another document"),
        pytest.param([*CHUNKS[:2], CHUNKS[2][:-1]], SIZE, "chunk 2", id="a chunk cut"),
        pytest.param([*CHUNKS[:2], b""], SIZE, "chunk 2", id="nothing"),
        pytest.param(CHUNKS, SIZE - 1, "chunk 2 has another length", id="a size that is wrong"),
    ],
)
def test_chunks_stand_where_they_stood(chunks: list[bytes], size: int, named: str) -> None:
    with pytest.raises(BadSeal, match=named):
        opened(chunks, size)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, len(CHUNKS) - 1), st.integers(0, 99), st.integers(1, 255))
def test_no_octet_can_be_changed(number: int, place: int, by: int) -> None:
    changed = bytearray(CHUNKS[number])
    changed[place] ^= by
    chunks = [*CHUNKS[:number], bytes(changed), *CHUNKS[number + 1 :]]
    with pytest.raises(BadSeal, match=f"chunk {number}"):
        opened(chunks, SIZE)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, SIZE + 10), st.integers(0, CHUNK + 10)), max_size=8))
def test_any_place_can_be_read(places: list[tuple[int, int]]) -> None:
    document = reader(CHUNKS.__getitem__)
    for at, count in places:
        document.seek(at)
        assert document.read(count) == OCTETS[:SIZE][at : at + count]
    assert document.seek(0, 2) == SIZE
    assert document.seek(-5, 1) == SIZE - 5
    assert document.read() == OCTETS[SIZE - 5 : SIZE]


def test_few_chunks_are_asked_for_twice() -> None:
    asked: list[int] = []

    def sealed_at(number: int) -> bytes:
        asked.append(number)
        return CHUNKS[number]

    document = reader(sealed_at)
    for at in (0, CHUNK, 2 * CHUNK, 5, CHUNK + 5, 2 * CHUNK + 5):
        document.seek(at)
        document.read(3)
    assert asked == [0, 1, 2]


def test_a_reader_finds_what_was_changed() -> None:
    document = reader(OTHERS.__getitem__)
    with pytest.raises(BadSeal, match="chunk 0"):
        document.read(1)
    with pytest.raises(ValueError, match="before the start"):
        document.seek(-1)
