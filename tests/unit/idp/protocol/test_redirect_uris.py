"""Which redirect URIs may be registered, and which requests they answer (A8, behaviour 4)."""

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.protocol.authorization import ReplyTo
from idp.protocol.client import Client
from idp.protocol.errors import InvalidRedirectUri, InvalidRequest
from idp.protocol.parameters import Parameters
from idp.protocol.redirect_uris import check

GOOD = {
    "https://rp.example/cb": "rp.example",
    "https://rp.example": "rp.example",
    "https://rp.example:8443/a/b;x=1/c?x=y&z": "rp.example",
    "https://rp.example/%7Euser/?next=%2Fa": "rp.example",
    "https://xn--bcher-kva.example/cb": "xn--bcher-kva.example",
    "https://192.0.2.1/cb": "192.0.2.1",
    "https://[2001:db8::1]/cb": "[2001:db8::1]",
    "http://127.0.0.1:8765/cb": "127.0.0.1",
    "http://[::1]:8765/cb": "[::1]",
    "http://localhost/cb": "localhost",
}
NATIVE = {
    "com.example.app:/cb": "com.example.app",
    "com.example.app:cb": "com.example.app",
}
BAD = [
    "",
    "x",
    "/cb",
    "//rp.example/cb",
    "https:",
    "https://",
    "https:///cb",
    "https:/rp.example/cb",
    "https:rp.example/cb",
    "http://rp.example/cb",
    "http://127.0.0.1.rp.example/cb",
    "http://localhost.rp.example/cb",
    "http://127.1/cb",
    "http://2130706433/cb",
    "http://0x7f.1/cb",
    "https://127.1/cb",
    "https://2130706433/cb",
    "https://0x7f000001/cb",
    "https://0177.0.0.1/cb",
    "https://192.0.2.256/cb",
    "https://1.2.3.4.5/cb",
    "HTTPS://rp.example/cb",
    "hTTps://rp.example/cb",
    "https://RP.example/cb",
    "https://rp.example./cb",
    "https://.rp.example/cb",
    "https://rp..example/cb",
    "https://-rp.example/cb",
    "https://rp_1.example/cb",
    "https://*.rp.example/cb",
    "https://rp.example/*\\",
    "https://b\u00fccher.example/cb",
    "https://rp.example/\u00fc",
    "https://rp.example/cb#",
    "https://rp.example/cb#x",
    "https://rp.example#@evil.example/",
    "https://user@rp.example/cb",
    "https://user:pw@rp.example/cb",
    "https://@rp.example/cb",
    "https://a@b@rp.example/cb",
    "https://rp.example\\@evil.example/cb",
    "https://rp.example\\.evil.example/cb",
    "https:\\\\rp.example\\cb",
    "https://rp.example/c b",
    " https://rp.example/cb",
    "https://rp.example/cb ",
    "https://rp.example/cb\n",
    "https://rp.example/\ncb",
    "https://rp.example/\tcb",
    "https://rp.example/\rcb",
    "https://rp.example/\0cb",
    "https://rp.example/\x7fcb",
    "ht\ntps://rp.example/cb",
    "https://rp.example/%",
    "https://rp.example/%2",
    "https://rp.example/%zz",
    "https://rp.example%2f@evil.example/cb",
    "https://rp.example%00.evil.example/cb",
    "https://rp.example:/cb",
    "https://rp.example:0/cb",
    "https://rp.example:65536/cb",
    "https://rp.example:99999999/cb",
    "https://rp.example:80x/cb",
    "https://rp.example:-1/cb",
    "https://[::1/cb",
    "https://::1/cb",
    "https://[x]/cb",
    "https://[fe80::1%25eth0]/cb",
    "https://rp.example/a/../cb",
    "https://rp.example/..;/cb",
    "https://rp.example/./cb",
    "https://rp.example/%2e%2e/cb",
    "https://rp.example/.%2E/cb",
    "https://rp.example/..",
    "https://rp.example/cb?code=1",
    "https://rp.example/cb?x=1&state=1",
    "https://rp.example/cb?%63ode=1",
    "https://rp.example/cb?iss",
    "https://rp.example/cb?error=x",
    "https://rp.example/cb?id_token=x",
    "https://rp.example/<script>",
    'https://rp.example/"',
    "https://rp.example/`",
    "https://rp.example/{x}",
    "https://rp.example/|",
    "https://rp.example/^",
    "javascript:alert(1)",
    "JavaScript:alert(1)",
    "java\nscript:alert(1)",
    "javascript://rp.example/%0aalert(1)",
    "data:text/html,x",
    "vbscript:x",
    "file:///etc/passwd",
    "blob:https://rp.example/x",
    "about:blank",
    "ftp://rp.example/cb",
    "ws://rp.example/cb",
    "myapp:/cb",
    "intent://rp.example/#Intent;end",
    "https://rp.example/" + "x" * 2000,
]


@pytest.mark.attack("A8")
@pytest.mark.parametrize("uri", BAD)
@pytest.mark.parametrize("kind", ["web", "native"])
def test_what_parsers_could_read_differently_is_refused(uri: str, kind: str) -> None:
    with pytest.raises(InvalidRedirectUri):
        check(uri, kind)


@pytest.mark.attack("A8")
@pytest.mark.parametrize("uri", [*GOOD, *NATIVE])
def test_plain_addresses_are_accepted(uri: str) -> None:
    assert check(uri, "native") == (GOOD | NATIVE)[uri]
    if uri in GOOD:
        assert check(uri, "web") == GOOD[uri]
    else:
        with pytest.raises(InvalidRedirectUri):
            check(uri, "web")


@pytest.mark.attack("A8")
@given(st.text(min_size=1) | st.from_regex(r"https?://[^/]{1,20}/.{0,20}"))
def test_what_is_accepted_means_the_same_to_another_parser(uri: str) -> None:
    try:
        host = check(uri, "web")
    except InvalidRedirectUri:
        return
    parts = urlsplit(uri)
    assert parts.scheme in ("https", "http")
    assert parts.hostname == host.strip("[]")
    assert (parts.username, parts.password, parts.fragment) == (None, None, "")
    assert parts.geturl() == uri


def reply_to(uri: str, *registered: str, kind: str = "web") -> ReplyTo:
    client = Client(
        client_id="c",
        issuer="https://id.example",
        names={"": "c"},
        redirect_uris=registered,
        token_endpoint_auth_method="none",
        sector="",
        application_type=kind,
    )
    return ReplyTo.for_client(client, Parameters(redirect_uri=uri, state="s"), "https://id.example")


@pytest.mark.behaviour(4)
@pytest.mark.parametrize(
    "uri",
    [
        "https://rp.example/cb/",
        "https://rp.example/CB",
        "https://rp.example/cb?x=1",
        "https://rp.example/cb#",
        "https://rp.example/cb#x",
        "https://rp.example/%63b",
        "https://rp.example:443/cb",
        "https://RP.example/cb",
        "https://evil.example/cb",
        "https://rp.example/cb\n",
        "https://rp.example/../cb",
        "http://rp.example/cb",
        "https://rp.example/",
    ],
)
def test_only_the_registered_string_is_answered(uri: str) -> None:
    with pytest.raises(InvalidRequest):
        reply_to(uri, "https://rp.example/cb")


@pytest.mark.behaviour(4)
def test_one_must_say_which_and_a_query_is_kept() -> None:
    with pytest.raises(InvalidRequest):
        reply_to("", "https://rp.example/cb")
    reply = reply_to("https://rp.example/cb?x=1", "https://rp.example/cb?x=1").accept(("code", "c"))
    assert reply.location == (
        "https://rp.example/cb?x=1&code=c&state=s&iss=https%3A%2F%2Fid.example"
    )


@pytest.mark.spec("RFC 8252 §7.3")
def test_a_native_application_may_listen_on_any_port_of_its_machine() -> None:
    registered = "http://127.0.0.1/cb"
    assert reply_to("http://127.0.0.1:5123/cb", registered, kind="native")
    for uri in (
        "http://127.0.0.1:5123/other",
        "http://127.0.0.1:5123/cb?x",
        "http://127.0.0.1:51x/cb",
        "http://127.0.0.1:5123@evil.example/cb",
        "http://127.0.0.1.evil.example/cb",
        "http://127.0.0.1@evil.example/cb",
        "http://127.0.0.1:@evil.example/cb",
        "http://[::1]:5123/cb",
        "http://localhost:5123/cb",
        "https://127.0.0.1:5123/cb",
    ):
        with pytest.raises(InvalidRequest):
            reply_to(uri, registered, kind="native")
    with pytest.raises(InvalidRequest):
        reply_to("http://127.0.0.1:5123/cb", registered, kind="web")
