"""Whole logins and machine calls with hypothesis in every field: no request makes a fault.

In process: the application as it is plugged together for production, on SQLite, with residents.
"""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from config.runtime.database.connect import OpenDatabase
from tests.interop import evil
from tests.journeys.browsers import Browser, Page
from tests.journeys.login_world import CHALLENGE, CLINIC, ORIGIN, Site, site

pytestmark = [pytest.mark.attack("A26"), pytest.mark.attack("A28"), pytest.mark.long]

GENTLE = settings(
    max_examples=400,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)
"""Derandomized: a run finds what the run before found. More than 2,000 requests in all."""

NAMES = (
    *("client_id", "redirect_uri", "response_type", "scope", "state", "nonce", "prompt"),
    *("max_age", "claims", "claims_locales", "ui_locales", "login_hint", "id_token_hint"),
    *("acr_values", "response_mode", "code_challenge", "code_challenge_method", "lang"),
    *("request", "grant_type", "code", "code_verifier", "client_secret", "refresh_token"),
    *("token", "client_assertion", "client_assertion_type", "access_token", "decision"),
    *("individual_id", "otp", "pin", "totp", "factor", "account", "claim", "offline"),
    *("post_logout_redirect_uri", "session", "seed", "new_pin", "new_pin_again"),
)
KNOWN = (
    *("clinic", "shop", "code", "openid", "none", "login", "consent", "S256", CHALLENGE),
    *("authorization_code", "refresh_token", "form_post", "4821009637", "accept", "continue"),
    *(CLINIC.redirect_uris[0], "eyJhbGciOiJub25lIn0.e30.", "0", "1", "99999999999", "otp"),
    *("same", "other", "others", "lock", "unlock", "fr", "000000", "123456"),
)
VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id_token", "userinfo", "essential", "value", "values", "acr", "sub"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
).map(json.dumps)
SHORT = st.sampled_from([text for text in evil.TEXTS if len(text) < 300])
TEXT = st.sampled_from(KNOWN) | SHORT | st.text(max_size=40) | VALUE
FIELDS = st.lists(st.tuples(st.sampled_from(NAMES), TEXT), max_size=10)
ADDRESS = st.integers(0, 2**24).map(lambda n: f"10.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}")


@pytest.fixture
def database_kind() -> str:
    return "sqlite"


@pytest.fixture
async def here(database: OpenDatabase, tmp_path: Path) -> AsyncIterator[Site]:
    async with site(database, tmp_path) as running:
        yield running


def text_of(fields: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Only what UTF-8 can say: httpx writes nothing else."""
    return [(n, v.encode("utf-8", "replace").decode("utf-8", "replace")) for n, v in fields]


def sound(page: Page | httpx2.Response) -> None:
    answer = page.response if isinstance(page, Page) else page
    assert answer.status_code < 500, answer.text
    assert "Traceback" not in answer.text


def paths(here: Site) -> list[tuple[str, str]]:
    return [
        (method, route.path.replace("{login_id}", "x" * 43))
        for route in here.web.routes
        for method in route.endpoints
    ]


@given(data=st.data())
@GENTLE
async def test_no_field_at_no_address_makes_a_fault(here: Site, data: st.DataObject) -> None:
    method, path = data.draw(st.sampled_from(paths(here)))
    browser = here.browser(data.draw(ADDRESS))
    query = str(httpx2.QueryParams(text_of(data.draw(FIELDS))))
    form = text_of(data.draw(FIELDS)) if method == "POST" else None
    headers = dict(data.draw(st.lists(st.sampled_from(evil.HEADERS), max_size=2)))
    sound(await browser.request(method, f"{path}?{query}", form, **_named(headers)))


def _named(headers: dict[str, str]) -> dict[str, str]:
    return {
        name.replace("-", "_"): value
        for name, value in headers.items()
        if value.isascii() and "transfer" not in name
    }


@given(fields=FIELDS, posted=st.booleans(), address=ADDRESS)
@GENTLE
async def test_no_authorization_request_makes_a_fault(
    here: Site, fields: list[tuple[str, str]], posted: bool, address: str
) -> None:
    browser = here.browser(address)
    usual = dict(httpx2.QueryParams(here.address().partition("?")[2]))
    wish = list((usual | dict(text_of(fields))).items())
    if posted:
        sound(await browser.request("POST", "/authorize", wish))
    else:
        sound(await browser.get(f"/authorize?{httpx2.QueryParams(wish)}"))


STEP = st.tuples(FIELDS, st.integers(0, 7), st.booleans())
"""What is filled in, which form of the page it is, and whether its button is pressed."""


@given(steps=st.lists(STEP, min_size=3, max_size=5), address=ADDRESS)
@settings(GENTLE, max_examples=150)
async def test_no_answer_to_a_page_makes_a_fault(
    here: Site, steps: list[tuple[list[tuple[str, str]], int, bool]], address: str
) -> None:
    """The page's own token, and anything else, to each of the login's forms."""
    browser = here.browser(address)
    page = await browser.get(here.address(prompt="consent"))
    for fields, number, pressed in steps:
        forms = [form for form in page.reader.forms if form.method == "post"]
        if not forms or not page.url.startswith(ORIGIN):
            return
        form = forms[number % len(forms)]
        right = [("individual_id", "4821009637"), *form.buttons[:1]] if pressed else []
        kept = [pair for pair in form.fields if pair[0] == "csrf" or not pressed]
        wish = [*kept, *right, *text_of(fields)]
        page = await browser.request("POST", form.action, [(n, v) for n, v in wish if n])
        sound(page)


@given(
    fields=FIELDS,
    path=st.sampled_from(["/token", "/introspect", "/revoke", "/userinfo"]),
    content=st.binary(max_size=60),
    raw=st.booleans(),
)
@GENTLE
async def test_no_machine_request_makes_a_fault(
    here: Site, fields: list[tuple[str, str]], path: str, content: bytes, raw: bool
) -> None:
    client = here.browser().client
    kind = {"content-type": "application/x-www-form-urlencoded"}
    usual = {"client_id": "clinic", "grant_type": "authorization_code", "code": "x", "token": "x"}
    form = str(httpx2.QueryParams(list((usual | dict(text_of(fields))).items())))
    sound(await client.post(path, content=content if raw else form, headers=kind))


OWN = ("consents", "sessions", "factors", "pin", "totp", "history")
WISH = st.tuples(st.sampled_from(OWN), FIELDS)


@given(wishes=st.lists(WISH, min_size=8, max_size=8), address=ADDRESS)
@settings(GENTLE, max_examples=30)
async def test_no_form_of_the_residents_own_pages_makes_a_fault(
    here: Site, wishes: list[tuple[str, list[tuple[str, str]]]], address: str
) -> None:
    browser = await _at_home(here, address)
    home = await browser.get("/me/sessions")
    token = next((v for form in home.reader.forms for n, v in form.fields if n == "csrf"), "x")
    for path, fields in wishes:
        wish = [("csrf", token), *text_of(fields)]
        sound(await browser.request("POST", f"/me/{path}", wish))


async def _at_home(here: Site, address: str) -> Browser:
    browser = here.browser(address)
    page = await browser.get("/me")
    page = await browser.press(page, "/identify", individual_id="4821009637")
    if page.has("otp"):
        await browser.press(page, "/prove", otp=await here.code())
    return browser
