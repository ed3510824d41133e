"""Frames between the key service and the child arrive whole, however the stream is cut."""

from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keystore.pkcs11.messages import Request, Unframed, Verb, frame, unframe

BODIES = st.lists(st.binary(max_size=200), min_size=1, max_size=8)


@given(bodies=BODIES, cuts=st.lists(st.integers(0, 1700), max_size=12))
def test_any_cut_of_the_stream_gives_the_same_frames(bodies: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(len(body).to_bytes(4, "big") + body for body in bodies)
    received, found = bytearray(), list[bytes]()
    edges = [0, *sorted(cut for cut in cuts if cut < len(stream)), len(stream)]
    for start, end in pairwise(edges):
        received += stream[start:end]
        unframe(received, found.append)
    assert found == bodies
    assert not received


def test_an_absurd_length_is_refused_before_anything_is_waited_for() -> None:
    with pytest.raises(Unframed):
        unframe(bytearray(b"\xff\xff\xff\xff"), lambda body: None)


def test_a_request_survives_the_way() -> None:
    asked = Request(serial=7, verb=Verb.SIGN, until=1.5, algorithm="ES256", texts=[b"a", b""])
    found = list[bytes]()
    unframe(bytearray(frame([asked])), found.append)
    assert msgspec.msgpack.decode(found[0], type=list[Request]) == [asked]
