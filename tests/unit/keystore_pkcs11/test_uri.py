"""Key references are PKCS#11 URIs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keystore.pkcs11.library import TokenDescription
from keystore.pkcs11.uri import BadUri, Pkcs11Uri

VALUES = st.binary(max_size=24)
SYMBOLON = TokenDescription(
    slot=1, label=b"symbolon", manufacturer=b"SoftHSM project", model=b"v2", serial=b"01", flags=0
)


@pytest.mark.spec("RFC 7512 §2.3")
def test_reads_percent_encoded_octets() -> None:
    uri = Pkcs11Uri.parse("pkcs11:token=my%20token;id=%01%fF;object=a:b;type=private")
    assert uri == Pkcs11Uri(token=b"my token", id=b"\x01\xff", object=b"a:b", type=b"private")


@pytest.mark.spec("RFC 7512 §2.3")
def test_writes_the_identifier_percent_encoded_as_a_whole() -> None:
    assert str(Pkcs11Uri(token=b"symbolon", id=b"AB")) == "pkcs11:token=symbolon;id=%41%42"


@given(token=VALUES, serial=VALUES, id=VALUES, object=VALUES)
def test_what_is_written_reads_back(token: bytes, serial: bytes, id: bytes, object: bytes) -> None:
    uri = Pkcs11Uri(token=token, serial=serial, id=id, object=object)
    assert Pkcs11Uri.parse(str(uri)) == uri


@given(st.text(max_size=80).map(lambda rest: "pkcs11:" + rest) | st.text(max_size=80))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        Pkcs11Uri.parse(text)
    except BadUri:
        return


@pytest.mark.parametrize(
    "text",
    [
        "software:token=a",
        "pkcs11:token=a;token=b",
        "pkcs11:token",
        "pkcs11:unknown=a",
        "pkcs11:__class__=a",
        "pkcs11:token=a?pin-value=1234",
        "pkcs11:token=a b",
        "pkcs11:token=%0",
        "pkcs11:type=cert",
        "pkcs11:type=%ff",
        "pkcs11:token=\xe9",
        "pkcs11:;",
        "pkcs11:object=" + "a" * 1100,
    ],
)
def test_refuses(text: str) -> None:
    with pytest.raises(BadUri):
        Pkcs11Uri.parse(text)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("pkcs11:", True),
        ("pkcs11:token=symbolon", True),
        ("pkcs11:token=symbolon;serial=01;model=v2", True),
        ("pkcs11:token=symbolon;serial=02", False),
        ("pkcs11:token=symbolo", False),
    ],
)
def test_names_a_token(text: str, meant: bool) -> None:
    assert Pkcs11Uri.parse(text).names(SYMBOLON) is meant


def test_a_key_of_another_token_is_not_within() -> None:
    ours = Pkcs11Uri.parse("pkcs11:token=symbolon")
    assert Pkcs11Uri.parse("pkcs11:token=symbolon;id=%01").within(ours)
    assert Pkcs11Uri.parse("pkcs11:id=%01").within(ours)
    assert not Pkcs11Uri.parse("pkcs11:token=other;id=%01").within(ours)
