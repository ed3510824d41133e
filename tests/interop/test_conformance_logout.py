"""The modules of the OpenID conformance suite's plan oidcc-rp-initiated-logout.

One test per module, under its name, against the running demonstration.
"""

import base64
import json
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from config.wiring.demo.browser import Browser, Page
from tests.interop.outsider import Answer, Client, Outsider, Person, Tokens

pytestmark = [
    pytest.mark.server,
    pytest.mark.xdist_group("demonstration"),
    pytest.mark.behaviour(30),
]


class Session:
    """A person who is logged in at a client, and who can be sent to the logout endpoint."""

    def __init__(self, outside: Outsider, person: Person, tokens: Tokens) -> None:
        self.outside = outside
        self.person = person
        self.tokens = tokens
        self.client = outside.client()

    @property
    def uri(self) -> str:
        return str(self.client["post_logout_redirect_uris"][0])

    async def logout(self, confirm: bool = True, **asked: str | None) -> Page:
        """Go to the logout endpoint and agree when asked. ``url`` tells where that ended."""
        browser = Browser(self.person.http, stop_at=(self.uri, "https://evil.example"))
        fields = {name: value for name, value in asked.items() if value is not None}
        page = await browser.open(
            f"{self.outside.metadata['end_session_endpoint']}?{urlencode(fields)}"
        )
        if confirm and any(("decision", "continue") in form.buttons for form in page.forms):
            page = await browser.submit(page, page.form("decision"), decision="continue")
        return page

    async def over(self) -> bool:
        answer = await self.person.authorize(self.client, prompt="none")
        assert isinstance(answer, Answer)
        return answer.fields.get("error") == "login_required"


@pytest.fixture
async def session(outside: Outsider) -> Session:
    person = await outside.person(2)
    client = outside.client()
    answer = await person.log_in(client)
    return Session(outside, person, await outside.tokens(client, answer.code))


def own_page(page: Page) -> bool:
    """The person stays with us, and is told what happened."""
    return page.status in (200, 400) and "<h1>" in page.text


async def test_oidcc_rp_initiated_logout_discovery_endpoint_verification(
    outside: Outsider,
) -> None:
    assert outside.metadata["end_session_endpoint"] == f"{outside.issuer}/logout"


async def test_oidcc_rp_initiated_logout(session: Session) -> None:
    assert not await session.over()
    page = await session.logout(
        id_token_hint=session.tokens.told["id_token"],
        post_logout_redirect_uri=session.uri,
        state="a b&c=d",
    )
    assert page.url.startswith(f"{session.uri}?")
    assert parse_qs(urlsplit(page.url).query) == {"state": ["a b&c=d"]}
    assert await session.over()


async def test_oidcc_rp_initiated_logout_bad_post_logout_redirect_uri(session: Session) -> None:
    hint = session.tokens.told["id_token"]
    for uri in ("https://evil.example/", f"{session.uri}/foo", session.uri.upper(), "javascript:x"):
        page = await session.logout(id_token_hint=hint, post_logout_redirect_uri=uri, state="s")
        assert own_page(page), uri


def changed(token: str) -> str:
    """The same token with another character in its signature."""
    head, dot, signature = token.rpartition(".")
    middle = len(signature) // 2
    other = "A" if signature[middle] != "A" else "B"
    return head + dot + signature[:middle] + other + signature[middle + 1 :]


def unsigned(token: str) -> str:
    """The same claims with alg none."""
    header = base64.urlsafe_b64encode(json.dumps({"alg": "none"}).encode()).rstrip(b"=").decode()
    return f"{header}.{token.split('.')[1]}."


def forged(token: str) -> str:
    """The same claims, signed by somebody else under the right kid."""
    header, claims, _ = token.split(".")
    kid = json.loads(base64.urlsafe_b64decode(header + "=="))["kid"]
    body = json.loads(base64.urlsafe_b64decode(claims + "=="))
    return jwt.encode({"alg": "ES256", "kid": kid}, body, ECKey.generate_key("P-256"))


async def test_oidcc_rp_initiated_logout_modified_id_token_hint(session: Session) -> None:
    hint = session.tokens.told["id_token"]
    for bad in (changed(hint), unsigned(hint), forged(hint)):
        page = await session.logout(
            confirm=False, id_token_hint=bad, post_logout_redirect_uri=session.uri, state="s"
        )
        assert own_page(page)
        assert not await session.over(), "nobody is logged out by a forged hint"
        page = await session.logout(id_token_hint=bad, post_logout_redirect_uri=session.uri)
        assert own_page(page)
        client = session.client
        await session.outside.tokens(client, (await session.person.log_in(client)).code)


async def test_oidcc_rp_initiated_logout_bad_id_token_hint(session: Session) -> None:
    for bad in ("bad", "a.b.c", session.tokens.told["access_token"], "é", "." * 50):
        page = await session.logout(id_token_hint=bad, post_logout_redirect_uri=session.uri)
        assert own_page(page)


async def test_oidcc_rp_initiated_logout_no_id_token_hint(session: Session) -> None:
    page = await session.logout(post_logout_redirect_uri=session.uri, state="s")
    assert own_page(page)
    assert await session.over()


async def test_oidcc_rp_initiated_logout_no_params(session: Session) -> None:
    question = await session.logout(confirm=False)
    assert question.status == 200 and not await session.over(), "asked first"
    page = await session.logout()
    assert page.status == 200 and await session.over()


async def test_oidcc_rp_initiated_logout_no_post_logout_redirect_uri(session: Session) -> None:
    page = await session.logout(id_token_hint=session.tokens.told["id_token"], state="s")
    assert page.status == 200 and page.url.startswith(session.outside.issuer)
    assert await session.over()


async def test_oidcc_rp_initiated_logout_no_state(session: Session) -> None:
    page = await session.logout(
        id_token_hint=session.tokens.told["id_token"], post_logout_redirect_uri=session.uri
    )
    assert page.url == session.uri
    assert await session.over()


async def test_oidcc_rp_initiated_logout_only_state(session: Session) -> None:
    page = await session.logout(state="s")
    assert page.status == 200 and page.url.startswith(session.outside.issuer)
    assert await session.over()


async def test_oidcc_rp_initiated_logout_query_added_to_post_logout_redirect_uri(
    session: Session,
) -> None:
    page = await session.logout(
        id_token_hint=session.tokens.told["id_token"],
        post_logout_redirect_uri=f"{session.uri}?foo=bar",
        state="s",
    )
    assert own_page(page)


@pytest.mark.behaviour(31)
async def test_a_hint_of_another_client_leads_nowhere(session: Session) -> None:
    """Its own client is named in the request, or the request names none of them."""
    other: Client = session.outside.client("client_secret_post")
    page = await session.logout(
        confirm=False,
        id_token_hint=session.tokens.told["id_token"],
        client_id=other["client_id"],
        post_logout_redirect_uri=session.uri,
    )
    assert page.status == 400 and own_page(page)
    assert not await session.over()


async def test_logout_by_post(session: Session) -> None:
    """A form of the client's comes without cookies: SameSite=Lax. The way on has them."""
    fields = {
        "id_token_hint": session.tokens.told["id_token"],
        "post_logout_redirect_uri": session.uri,
        "state": "s",
    }
    sent = await session.outside.http.post(
        session.outside.metadata["end_session_endpoint"], data=fields
    )
    assert sent.status_code == 303
    browser = Browser(session.person.http, stop_at=(session.uri,))
    page = await browser.open(session.outside.issuer + sent.headers["location"])
    assert page.url == f"{session.uri}?state=s"
    assert await session.over()


async def test_tokens_of_a_session_end_with_it_and_offline_ones_do_not(session: Session) -> None:
    client, outside = session.client, session.outside
    asked = {"scope": "openid offline_access", "prompt": "consent"}
    answer = await session.person.log_in(client, **asked)
    offline = await outside.tokens(client, answer.code)
    await session.logout(id_token_hint=session.tokens.told["id_token"])
    url = outside.metadata["userinfo_endpoint"]
    dead = await outside.http.get(url, headers=session.tokens.authorization)
    assert dead.status_code == 401
    refreshed = await outside.post(
        "token", client, grant_type="refresh_token", refresh_token=offline.told["refresh_token"]
    )
    assert refreshed.status_code == 200
