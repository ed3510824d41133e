"""A code that is empty, null or of another type, taken for the right one.

eSignet#2505 (an empty code was accepted), MOSIP-31314 (codes confused between requests).
"""

import pytest

from tests.journeys.login_world import Site

pytestmark = pytest.mark.attack("A22")

WRONG = ("", " ", "null", "None", "true", "0", "[]", "{}", "\u200b", "00000", "0000000", "*", "%")


async def test_nothing_is_not_the_code(here: Site) -> None:
    browser = here.browser()
    page = await here.named(browser)
    for typed in WRONG:
        answer = await browser.press(page, "/prove", otp=typed)
        assert answer.status == 422 and answer.has("otp"), typed
    form = page.form("/prove")
    token = ("csrf", dict(form.fields)["csrf"])
    for fields in ([], [("otp[]", "1")], [("otp", ""), ("otp", "")], [("pin", "")]):
        assert (await browser.request("POST", form.action, [token, *fields])).status == 422
    assert (await browser.press(page, "/prove", otp=await here.code())).status == 200


@pytest.mark.parametrize("person", ["0000000000", "x"])
async def test_nothing_is_not_the_code_of_nobody(here: Site, person: str) -> None:
    browser = here.browser()
    page = await here.named(browser, person)
    for typed in (*WRONG, "000000", "123456"):
        assert (await browser.press(page, "/prove", otp=typed)).status == 422


async def test_the_code_of_another_login_is_not_the_code(here: Site) -> None:
    first, second = here.browser(), here.browser("203.0.113.10")
    one = await here.named(first)
    code = await here.code()
    two = await here.named(second)
    if await here.code() != code:
        assert (await second.press(two, "/prove", otp=code)).status == 422
    assert (await first.press(one, "/prove", otp=code)).status == 200


async def test_a_wrong_id_is_no_dead_end(here: Site) -> None:
    """eSignet#2194: after a mistyped number the flow could not be finished."""
    browser = here.browser()
    page = await here.named(browser, "1111111111")
    again = await browser.press(page, "/account", ("account", "other"))
    assert again.has("individual_id")
    named = await browser.press(again, "/identify", individual_id="4821009637")
    assert (await browser.press(named, "/prove", otp=await here.code())).status == 200
