"""Frames survive any cutting of the stream, and nothing else gets through."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keystore.backends.backend import Algorithm
from keystore.door import MacPurpose, SealPurpose, TokenKind
from keystore.service import document_frames, frames
from keystore.signing.plans import Plan

IDS = st.integers(0, 2**53)
OCTETS = st.binary(max_size=300)
TEXT = st.text(max_size=50)
REQUESTS = st.one_of(
    st.builds(
        frames.Sign,
        IDS,
        TEXT,
        st.lists(st.tuples(st.sampled_from(TokenKind), TEXT, OCTETS), max_size=4),
    ),
    st.builds(frames.MakeMacs, IDS, st.sampled_from(MacPurpose), st.lists(OCTETS, max_size=4)),
    st.builds(frames.Seal, IDS, st.sampled_from(SealPurpose), OCTETS, OCTETS),
    st.builds(frames.Open, IDS, st.sampled_from(SealPurpose), OCTETS, OCTETS),
    st.builds(frames.Published, IDS, TEXT),
    st.builds(frames.Rotate, IDS, TEXT, st.sampled_from(Algorithm), st.booleans()),
    st.builds(frames.ListKeys, IDS),
)


@settings(deadline=None)
@given(sent=st.lists(REQUESTS, max_size=8), sizes=st.lists(st.integers(1, 200), min_size=1))
def test_a_stream_is_read_however_it_is_cut(sent: list[frames.Request], sizes: list[int]) -> None:
    stream = b"".join(frames.encode(request) for request in sent)
    reader, received, place = frames.FrameReader(), [], 0
    while place < len(stream):
        for size in sizes:
            received += reader.feed(stream[place : place + size], frames.REQUESTS)
            place += size
    assert received == sent


@settings(deadline=None)
@given(st.binary(max_size=500))
def test_noise_is_a_bad_frame_or_waits_for_more(noise: bytes) -> None:
    try:
        frames.FrameReader().feed(noise, frames.REQUESTS)
    except frames.BadFrame:
        return


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_a_whole_frame_of_noise_is_refused(noise: bytes) -> None:
    with pytest.raises(frames.BadFrame):
        frames.FrameReader().feed(len(noise).to_bytes(4, "big") + noise, frames.REQUESTS)


def test_a_frame_that_announces_too_much_is_refused_before_it_is_kept() -> None:
    with pytest.raises(frames.BadFrame):
        frames.FrameReader().feed((frames.LONGEST_FRAME + 1).to_bytes(4, "big"), frames.REQUESTS)
    with pytest.raises(frames.BadFrame):
        frames.encode(frames.MakeMacs(1, MacPurpose.LOOKUP, [b"x" * frames.LONGEST_FRAME]))


def test_deep_nesting_is_refused() -> None:
    deep = b"\x91" * 100_000 + b"\xc0"
    with pytest.raises(frames.BadFrame):
        frames.FrameReader().feed(len(deep).to_bytes(4, "big") + deep, frames.REQUESTS)


@pytest.mark.attack("A34")
def test_no_verb_takes_octets_to_sign() -> None:
    """Every request that carries octets names a purpose; only claims of a token kind are signed."""
    signing = [one for one in frames.Request.__args__ if "sign" in one.__struct_config__.tag]
    assert signing == [frames.Sign, document_frames.SignDocuments]
    octets = [
        plan.__name__
        for plan in Plan.__args__
        if any(field.type is bytes for field in msgspec.structs.fields(plan))
    ]
    # Their content is hashed in the key service and held against the digest that was approved.
    assert octets == ["JwsPlan", "CosePlan"]
