"""Clients that compare what they were told, to find out that two persons are one (attack A40).

Everything in the tokens, headers and answers of two clients about the same person, in the same
session of the same browser: nothing but what is everybody's is equal.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from tests.backchannel import BANK, ask, known
from tests.journeys.login_world import CLINIC, ORIGIN, SHOP, Site
from tests.machines import claims_of, header_of

pytestmark = pytest.mark.attack("A40")

EVERYBODYS = frozenset(
    ("iss", "acr", "amr", "alg", "typ", "kid", "token_type", "scope", "expires_in")
)
"""What says nothing about a person; times have whole seconds, and many people have each."""


def values(told: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every value of an answer with its place."""
    if isinstance(told, dict):
        for name, value in told.items():
            yield from values(value, f"{path}.{name}")
    elif isinstance(told, list):
        for value in told:
            yield from values(value, path)
    else:
        yield path, told


async def told_to(here: Site, browser: Any, client: Any) -> dict[str, Any]:
    """Log in to a client, and return all that it learns."""
    page = await browser.get(here.address(client, scope="openid", prompt=None, nonce=client.sector))
    if page.has("individual_id"):
        page = await browser.press(page, "/identify", individual_id="4821009637")
        page = await browser.press(page, "/prove", otp=await here.code())
    if page.url.startswith(ORIGIN):
        page = await browser.press(page, "/consent", ("decision", "accept"))
    answer = dict(page.answer)
    tokens = await here.tokens(page, client)
    bearer = {"authorization": f"Bearer {tokens['access_token']}"}
    userinfo = await here.browser().client.get("/userinfo", headers=bearer)
    return {
        "answer": {name: value for name, value in answer.items() if name not in ("state", "iss")},
        "tokens": tokens,
        "id_token": [header_of(tokens["id_token"]), claims_of(tokens["id_token"])],
        "access_token": [header_of(tokens["access_token"]), claims_of(tokens["access_token"])],
        "userinfo": userinfo.json(),
    }


async def test_nothing_that_two_clients_learn_is_equal(here: Site) -> None:
    browser = here.browser()
    first = dict(values(await told_to(here, browser, CLINIC)))
    second = dict(values(await told_to(here, browser, SHOP)))
    shared = {
        place: value
        for place, value in first.items()
        if second.get(place) == value and place.rpartition(".")[2] not in EVERYBODYS
    }
    times = {place for place, value in shared.items() if isinstance(value, int)}
    assert set(shared) - times <= {".access_token.aud"}, shared
    assert all(type(shared[place]) is int for place in times), "whole seconds"
    mine, theirs = (set(own(told)) for told in (first, second))
    assert mine and not mine & theirs, "nor under another name"


def own(told: dict[str, Any]) -> Iterator[str]:
    """Yield the long texts that are one client's."""
    for place, value in told.items():
        shared = place.rpartition(".")[2] in EVERYBODYS or value == ORIGIN
        if isinstance(value, str) and len(value) > 20 and not shared:
            yield value


async def test_nor_what_backchannel_requests_tell(here: Site) -> None:
    """Identifiers of requests are random, whoever asks about whom."""
    clients = [await known(here, replace(BANK, client_id=f"b{number}")) for number in range(2)]
    answers = [one.json() for one in await asyncio.gather(*(ask(here, c) for c in clients))]
    assert answers[0]["auth_req_id"] != answers[1]["auth_req_id"]
    assert {frozenset(one) for one in answers} == {frozenset(answers[0])}
