"""Logins are kept whole and moved by one request at a time, on every database."""

import asyncio
from dataclasses import replace

import pytest

from config.runtime.database.connect import OpenDatabase
from config.runtime.database.unit import Refused
from idp.protocol.authorization import ReplyTo
from idp.protocol.claims_request import Asked, ClaimsRequest
from idp.protocol.login import Login
from idp.protocol.own_pages import own_request
from idp.protocol.session import Proof
from idp.stores.logins import Logins

NOW = 1_800_000_000


def login(login_id: str = "login", hint: str | None = None) -> Login:
    request = replace(
        own_request("https://id.example", "https://id.example/me", 60),
        client_id="clinic",
        reply_to=ReplyTo(
            "https://clinic.example/cb", "form_post", "s\n\u202e", "https://id.example"
        ),
        prompt=frozenset({"login", "consent"}),
        claims=ClaimsRequest(
            {"name#ar": Asked(True)}, {"acr": Asked(False, ("a", 1, None, {"x": [1]}))}
        ),
        login_hint=hint,
    )
    return Login(
        id=login_id,
        issuer="https://id.example",
        browser=b"\x00\xff" * 16,
        request=request,
        csrf="token",
        begun_at=NOW,
        expires_at=NOW + 10,
    )


async def test_a_login_comes_back_whole(database: OpenDatabase) -> None:
    logins = Logins(database)
    moved = login().claim("amina", "found").ask("otp").prove(Proof("otp", NOW))
    await database.submit(logins.add(moved))
    assert await logins.find("login") == moved
    assert await logins.find("other") is None


async def test_what_a_person_typed_is_not_kept(database: OpenDatabase) -> None:
    logins = Logins(database)
    await database.submit(logins.add(login(hint="+447700900123")))
    found = await logins.find("login")
    assert found is not None and found.request.login_hint is None


async def test_an_id_is_used_once(database: OpenDatabase) -> None:
    logins = Logins(database)
    await database.submit(logins.add(login()))
    with pytest.raises(Refused):
        await database.submit(logins.add(login()))


async def test_of_many_that_move_a_login_one_does(database: OpenDatabase) -> None:
    logins = Logins(database)
    before = login()
    await database.submit(logins.add(before))
    moves = [before.claim(f"resident-{number}") for number in range(32)]
    done = await asyncio.gather(
        *(database.submit(logins.move(before, after)) for after in moves), return_exceptions=True
    )
    winners = [move for move, outcome in zip(moves, done, strict=True) if outcome is None]
    assert len(winners) == 1
    assert all(isinstance(outcome, Refused) for outcome in done if outcome is not None)
    assert await logins.find("login") == winners[0]


async def test_a_stale_move_is_refused_with_everything_beside_it(database: OpenDatabase) -> None:
    logins = Logins(database)
    before = login()
    await database.submit(logins.add(before))
    await database.submit(logins.move(before, before.claim("amina")))
    with pytest.raises(Refused):
        await database.submit(
            logins.move(before, before.claim("baraka")), logins.add(login("beside"))
        )
    assert await logins.find("beside") is None


async def test_only_what_expired_is_pruned_and_never_more_than_asked(
    database: OpenDatabase,
) -> None:
    logins = Logins(database)
    await database.submit(*(logins.add(login(f"login-{number}")) for number in range(5)))
    await database.submit(logins.prune(NOW + 9, 100))
    assert await logins.find("login-0") is not None
    await database.submit(logins.prune(NOW + 10, 3))
    left = [n for n in range(5) if await logins.find(f"login-{n}") is not None]
    assert len(left) == 2
