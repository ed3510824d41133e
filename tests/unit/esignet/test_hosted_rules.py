"""What a person is shown of a text, and of a document as it was given."""

from hypothesis import given
from hypothesis import strategies as st

from esignet.protocol.hosted import PER_PAGE, given_part, is_text, pages_of
from keystore.signing.digests import HashAlgorithm

SHA256 = HashAlgorithm.SHA256


@given(st.binary(max_size=300))
def test_any_octets_are_shown_or_not_and_nothing_turns_around(content: bytes) -> None:
    shown = "".join(pages_of(content))
    assert not set(shown) & set("\u202e\u202a\u2066\u200b\u200f\u0000\u001b\u061c\ufeff")


@given(st.text(max_size=3 * PER_PAGE))
def test_every_character_is_on_a_page(text: str) -> None:
    pages = pages_of(text.encode("utf-8", "surrogatepass"))
    if pages:
        assert all(0 < len(page) <= PER_PAGE for page in pages)
        assert len("".join(pages)) >= len(text.lstrip("\ufeff").replace("\r\n", "\n"))


@given(
    st.binary(max_size=200), st.sampled_from((b"", b"\n", b"\r\n", b"\r")), st.binary(max_size=99)
)
def test_what_was_added_behind_a_document_is_left_out(
    body: bytes, end: bytes, added: bytes
) -> None:
    document = body + b"%%EOF" + end
    signed = document + b" " + added.replace(b"%%EOF", b"") + b"\n%%EOF\n"
    assert given_part(signed, SHA256.of(document), SHA256) == document
    assert given_part(signed, bytes(32), SHA256) == signed


def test_which_types_are_texts() -> None:
    assert all(map(is_text, ("text/plain", "application/json", "image/svg+xml", "text/html")))
    assert not any(map(is_text, ("application/pdf", "image/png", "application/octet-stream")))
