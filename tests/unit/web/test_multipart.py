"""Forms with files, read strictly: what a browser sends is read, everything else refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.runtime.malformed import Malformed
from config.runtime.web.multipart import LARGEST_HEAD, Part, is_multipart, parts

KIND = "multipart/form-data; boundary=----WebKitFormBoundary7MA4YWxkTrZu0gW"
MARK = b"------WebKitFormBoundary7MA4YWxkTrZu0gW"


def field(name: str, content: bytes, filename: str | None = None, more: str = "") -> bytes:
    """One field as browsers send it."""
    file = "" if filename is None else f'; filename="{filename}"\r\nContent-Type: text/plain'
    head = f'Content-Disposition: form-data; name="{name}"{file}{more}\r\n\r\n'
    return MARK + b"\r\n" + head.encode() + content + b"\r\n"


def body(*fields: bytes) -> bytes:
    return b"".join(fields) + MARK + b"--\r\n"


FILE = field("file", b"octets", "a.pdf")


NAMES = st.text(st.characters(exclude_characters='"\r\n%', codec="utf-8"), max_size=50)


@pytest.mark.spec("RFC 7578 §4")
@given(
    st.dictionaries(
        st.from_regex(r"[a-z_]{1,20}", fullmatch=True),
        st.tuples(
            st.binary(max_size=300).filter(lambda octets: b"\r\n" + MARK not in octets),
            st.none() | NAMES,
        ),
        min_size=1,
        max_size=3,
    )
)
def test_what_a_browser_sends_is_read(sent: dict[str, tuple[bytes, str | None]]) -> None:
    octets = body(*(field(name, content, file) for name, (content, file) in sent.items()))
    assert parts(KIND, octets, 3) == {name: Part(*told) for name, told in sent.items()}


@given(st.binary(max_size=400), st.integers(0, 200), st.integers(0, 60))
def test_nothing_but_malformed_comes_of_any_octets(noise: bytes, place: int, gone: int) -> None:
    usual = body(FILE, field("digest", b"ab"))
    for octets in (noise, usual[:place] + noise + usual[place + gone :], MARK + b"\r\n" + noise):
        try:
            parts(KIND, octets, 3)
        except Malformed as refusal:
            assert refusal.status in (400, 413)


@pytest.mark.parametrize(
    "octets",
    [
        b"before\r\n" + body(FILE),
        body(FILE) + b"after",
        body(FILE)[:-4],
        MARK + b"--\r\n",
        body(FILE, FILE),
        body(field("", b"")),
        body(field("a", b"", more="\r\nContent-Transfer-Encoding: base64")),
        body(field("a", b"", more="\r\ncontent-disposition: form-data")),
        body(field("a", b"", more="\r\nno colon")),
        body(field("a", b"", more="; filename*=UTF-8''a")),
        body(field("a", b"", "n" * LARGEST_HEAD)),
        body(field("a", b"", "ä").replace("ä".encode(), b"\xff")),
        FILE + MARK + b"x\r\n" + FILE[len(MARK) + 2 :] + MARK + b"--",
    ],
)
def test_what_two_readers_would_read_differently_is_refused(octets: bytes) -> None:
    with pytest.raises(Malformed) as refusal:
        parts(KIND, octets, 3)
    assert refusal.value.status == 400


def test_there_are_few_fields() -> None:
    with pytest.raises(Malformed) as refusal:
        parts(KIND, body(*(field(name, b"") for name in "abcd")), 3)
    assert refusal.value.status == 413


@pytest.mark.parametrize("ending", ["", "; boundary=", "; boundary=a b", f"; boundary={'a' * 71}"])
def test_a_form_tells_its_boundary(ending: str) -> None:
    assert is_multipart(f"multipart/form-data{ending}")
    with pytest.raises(Malformed) as refusal:
        parts(f"multipart/form-data{ending}", body(FILE), 3)
    assert refusal.value.status == 415


def test_names_and_boundaries_may_be_quoted() -> None:
    octets = body(field("file", b"", "a %22b%22.pdf"))
    kind = f'Multipart/Form-Data; boundary="{MARK[2:].decode()}"'
    assert parts(kind, octets, 1)["file"].filename == 'a "b".pdf'
    assert not is_multipart("application/pdf") and not is_multipart(None)
