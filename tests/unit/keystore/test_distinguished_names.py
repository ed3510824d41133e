"""Distinguished names as text (RFC 4514) and as certificates hold them."""

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from keystore.x509.certificate import read
from keystore.x509.distinguished_name import LONGEST_NAME, NotAName, parse
from tests.certificates import Wanted, made, name


def subject_of(written: x509.Name) -> object:
    return read(made(Wanted(subject=written)).der).subject


SAME = [
    ("CN=a", "cn=A"),
    ("CN=a", "2.5.4.3=a"),
    ("CN=Ada Lovelace,O=Agency", "cn = ada  lovelace , o=AGENCY".replace(" = ", "=")),
    ("OU=a+CN=b,C=KE", "CN=b+OU=a,C=KE"),
    (r"CN=James \"Jim\" Smith\, III", r"CN=James \22Jim\22 Smith\2C III"),
    (r"CN=Lu\C4\8Di\C4\87", "CN=Lučić"),
    ("CN=#0c0141", "CN=A"),
    ("CN=#13024142", "CN=ab"),
    ("emailAddress=a@b.example", "1.2.840.113549.1.9.1=#160b6140622e6578616d706c65"),
    (r"CN=\ \#a", "CN= #a".replace("= ", r"=\20")),
]


@pytest.mark.spec("RFC 4514 §4")
@pytest.mark.parametrize(("one", "other"), SAME)
def test_one_name_has_many_spellings(one: str, other: str) -> None:
    assert parse(one) == parse(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("CN=a", "O=a"),
        ("CN=a,O=b", "O=b,CN=a"),
        ("CN=a+O=b", "CN=a,O=b"),
        ("CN=a", "CN=a,C=KE"),
        ("CN=a", "CN=\N{FULLWIDTH LATIN SMALL LETTER A}"),
        ("CN=a", "CN=\N{CYRILLIC SMALL LETTER A}"),
        (r"CN=a\,O=b", "CN=a,O=b"),
    ],
)
def test_other_names_stay_others(one: str, other: str) -> None:
    assert parse(one) != parse(other)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "CN",
        "CN=",
        "CN=a,",
        ",CN=a",
        "CN=a;O=b",
        'CN="a"',
        "CN=a<b",
        "CN=\\",
        "CN=a\\z",
        "CN=\\e4",
        "nonsense=a",
        "1=a",
        "3.4.5=a",
        "01.2=a",
        "CN=#",
        "CN=#0c",
        "CN=#0c0241",
        "CN=#020101",
        "CN=#zz",
        "CN=a+cn=A",
        "CN=\0",
        "CN=" + "a" * LONGEST_NAME,
    ],
)
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(NotAName):
        parse(text)


@given(st.text(max_size=80))
def test_any_text_is_a_name_or_none(text: str) -> None:
    try:
        parse(text)
    except NotAName:
        return
    assert "=" in text


VALUE = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=30
).filter(lambda text: text.strip() and len(text.encode()) <= 64)


@given(VALUE, VALUE)
def test_what_a_certificate_holds_is_found_under_the_text_that_writes_it(
    common: str, organisation: str
) -> None:
    written = name(common, organisation)
    assert parse(written.rfc4514_string()) == subject_of(written)
