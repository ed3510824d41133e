"""What a signature request may say."""

import base64
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from esignet.protocol.asking import BadRequest, Order, asked, encoded
from idp.authorization_details.credential import documents
from keystore.signing.digests import MOST, HashAlgorithm

SHA256 = HashAlgorithm.SHA256
DIGEST = SHA256.of(b"a contract")
LARGEST = 1000


def document(**changes: object) -> dict[str, Any]:
    usual = {"name": "a.pdf", "media_type": "application/pdf", "digest": encoded(DIGEST)}
    return {key: value for key, value in {**usual, **changes}.items() if value is not None}


def body(*documents: object, **changes: object) -> dict[str, Any]:
    return {"format": "cades", "documents": list(documents or [document()]), **changes}


@given(st.lists(st.binary(max_size=30), min_size=1, max_size=10))
def test_contents_are_read_as_they_were_written(contents: list[bytes]) -> None:
    whole = [content or b"\0" for content in contents]
    listed = [
        document(name=f"{n}", digest=None, content=base64.b64encode(one).decode())
        for n, one in enumerate(whole)
    ]
    found = asked(body(*listed), LARGEST)
    assert [one.content for one in found.documents] == whole
    assert (found.level, found.algorithm, found.envelope) == ("B-LT", SHA256, "detached")


@given(
    st.one_of(
        st.text(min_size=1, max_size=160),
        st.text(st.sampled_from("a.b \u0301\u0300\u200b\u202e\ufe0f\xad"), min_size=1, max_size=20),
    )
)
@example("Vertrag für Ünal.pdf")
@example("عقد.pdf")
@example("a" * 140)
def test_a_name_that_is_taken_is_shown_by_the_issuer_too(name: str) -> None:
    """What a person would not see is refused here, before anybody was asked to sign it."""
    try:
        found = asked(body(document(name=name)), LARGEST)
    except BadRequest:
        return
    label = found.documents[0].name
    told = {"hash": encoded(DIGEST), "label": label, "hashType": "sodr"}
    [shown] = documents({"hashAlgorithmOID": SHA256.oid, "documentDigests": [told]})
    assert shown.label == name


def test_a_large_content_is_read_in_pieces() -> None:
    octets = bytes(range(256)) * 4096
    text = base64.b64encode(octets).decode()
    (found,) = asked(body(document(digest=None, content=text)), len(octets)).documents
    assert found.content == octets
    broken = f"{text[:262144]}={text[262145:]}"
    with pytest.raises(BadRequest):
        asked(body(document(digest=None, content=broken)), len(octets))


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ([], 400),
        (None, 400),
        ({}, 400),
        (body(further=1), 400),
        (body(document(further=1)), 400),
        (body("a"), 400),
        ({**body(), "documents": []}, 400),
        ({**body(), "documents": [document(name=str(n)) for n in range(MOST + 1)]}, 400),
        (body(document(), document()), 400),
        (body(document(content="AAAA")), 400),
        (body(document(digest=None)), 400),
        (body(document(name="../a")), 400),
        (body(document(name="a\nb")), 400),
        (body(document(name="a" * 141)), 400),
        (body(document(name=" a")), 400),
        (body(document(name="a  b")), 400),
        (body(document(name=7)), 400),
        (body(document(name="a\u3164b.pdf")), 400),
        (body(document(name="a" + "\u0301" * 5)), 400),
        (body(document(name="a\u202egnp.pdf")), 400),
        ({**body(), "signers": []}, 400),
        ({**body(), "signers": [{"label": "a"}] * 21}, 400),
        ({**body(), "signers": [{"label": ""}]}, 400),
        ({**body(), "signers": [{"name": "Ana"}]}, 400),
        ({**body(), "signers": ["Ana"]}, 400),
        (body(order="random"), 422),
        (body(expires_in=59), 400),
        (body(expires_in=True), 400),
        (body(expires_in=2592001), 400),
        (body(document(media_type="pdf")), 400),
        (body(document(digest=encoded(DIGEST) + "=")), 400),
        (body(document(digest=encoded(DIGEST)[:-1])), 400),
        (body(document(digest="é" * 43)), 400),
        (body(document(digest=None, content="A===")), 400),
        (body(document(digest=None, content="AAA")), 400),
        (body(document(digest=None, content="A AA")), 400),
        (body(document(digest=None, content="éAAA")), 400),
        (body(document(digest=None, content="A" * 2000)), 413),
        (body(level="B-X"), 422),
        (body(envelope="wrapped"), 422),
        (body(hashAlgorithmOID="1.3.14.3.2.26"), 422),
        (body(hashAlgorithmOID=HashAlgorithm.SHA512.oid), 400),
    ],
)
def test_what_is_wrong_is_refused(wrong: object, status: int) -> None:
    with pytest.raises(BadRequest) as refusal:
        asked(wrong, LARGEST)
    assert refusal.value.status == status


def test_signers_are_named_and_have_an_order() -> None:
    alone = asked(body(), LARGEST)
    assert (alone.signers, alone.order, alone.lifetime) == (("",), Order.SEQUENTIAL, 3600)
    named = [{"label": "Buyer"}, {"label": "Seller"}]
    both = asked(body(signers=named, order="any", expires_in=86400), LARGEST)
    assert (both.signers, both.order, both.lifetime) == (("Buyer", "Seller"), Order.ANY, 86400)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["format", "level", "documents", "name", "content", "digest", "label", "document"]
            ),
            inner,
        )
    ),
)


@given(JSON)
def test_nothing_else_than_a_refusal_comes_of_other_json(value: object) -> None:
    one = {**document(digest=None), "content": value}
    others = [{**body(), name: value} for name in ("documents", "signers", "order", "expires_in")]
    for wrong in (value, body(value), body(one), *others, body(signers=[value])):
        with suppress(BadRequest):
            asked(wrong, LARGEST)


@given(st.text(), st.sampled_from(["name", "media_type", "digest", "content"]))
def test_refusals_repeat_nothing_that_was_sent(text: str, member: str) -> None:
    sent = f"ana-{text}"
    try:
        asked(body(document(**{"digest": None, member: sent})), LARGEST)
    except BadRequest as refusal:
        assert sent not in refusal.description
