"""People who are asked until they give in, and codes that are guessed by asking (MFA fatigue).

Uber and Cisco (2022), Keycloak CVE-2025-9162 as a class: a client of backchannel authentication, or
whoever holds its secret, can neither wear a person out nor learn anything by trying.
"""

import asyncio

import pytest

from tests.backchannel import PERSON, ask, known, refusal
from tests.journeys.login_world import Site

pytestmark = [pytest.mark.attack("A22"), pytest.mark.attack("A23"), pytest.mark.attack("A31")]

NOBODY = "9999999999"


async def test_nobody_is_asked_again_and_again(here: Site) -> None:
    await known(here)
    for hint in (PERSON, NOBODY):
        answers = await asyncio.gather(*(ask(here, login_hint=hint) for _ in range(16)))
        assert {answer.status_code for answer in answers} == {200}, "and nothing shows"
        assert {frozenset(answer.json()) for answer in answers} == {
            frozenset(("auth_req_id", "expires_in", "interval"))
        }
    letters = [letter for letter in await here.world.letters() if "/approvals/" in letter.text]
    assert len(letters) == 3, "as often as one client may"


async def test_several_clients_have_one_budget_together(here: Site) -> None:
    clients = [await known(here, client_id=f"bank-{number}") for number in range(6)]
    await asyncio.gather(*(ask(here, client) for client in clients))
    letters = [letter for letter in await here.world.letters() if "/approvals/" in letter.text]
    assert len(letters) == 4


async def test_a_user_code_is_not_guessed_however_many_come_at_once(here: Site) -> None:
    client = await known(here, backchannel_user_code_parameter=True)
    write = await here.world.residents.enrol(
        here.world.amina.id, "user_code", b"mango7", here.clock.time
    )
    await here.world.database.submit(write)
    for hint in (PERSON, NOBODY):
        guesses = [ask(here, client, login_hint=hint, user_code=f"guess{n}") for n in range(12)]
        told = [refusal(answer) for answer in await asyncio.gather(*guesses)]
        assert set(told) == {"invalid_user_code"}
    last = await ask(here, client, user_code="mango7")
    assert refusal(last) == "invalid_user_code", "the budget was used up, by whoever guessed"
    here.clock.time += 3600
    assert (await ask(here, client, user_code="mango7")).status_code == 200
