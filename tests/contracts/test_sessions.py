"""Sessions open to their cookie and their browser together, on every database."""

import asyncio
from dataclasses import replace

import pytest

from config.runtime.database.connect import OpenDatabase
from config.runtime.database.unit import Refused
from idp.protocol.session import Proof, Session
from idp.stores.logins import Logins
from idp.stores.sessions import Sessions
from tests.contracts.test_logins import login

NOW = 1_800_000_000
SESSION = Session(
    id="session",
    issuer="https://id.example",
    digest=b"d" * 32,
    browser=b"b" * 32,
    resident_id="amina",
    proofs=(Proof("otp", NOW), Proof("pin", NOW - 5)),
    begun_at=NOW,
    expires_at=NOW + 100,
    csrf="token",
)


async def test_cookie_and_browser_must_both_fit(database: OpenDatabase) -> None:
    sessions = Sessions(database, SESSION.issuer)
    await database.submit(sessions.add(SESSION))
    assert await sessions.find(SESSION.digest, SESSION.browser, NOW) == SESSION
    assert await sessions.find(SESSION.digest, b"x" * 32, NOW) is None
    assert await sessions.find(b"x" * 32, SESSION.browser, NOW) is None
    assert await sessions.find(SESSION.digest, SESSION.browser, NOW + 100) is None


async def test_a_login_and_the_session_of_its_browser_are_one_look(database: OpenDatabase) -> None:
    sessions, logins, kept = Sessions(database, SESSION.issuer), Logins(database), login()
    await database.submit(sessions.add(SESSION), logins.add(kept))
    cookie = (SESSION.digest, SESSION.browser)
    assert await sessions.with_login("login", *cookie, NOW) == (kept, SESSION)
    assert await sessions.with_login("other", *cookie, NOW) == (None, None)
    strangers = [(b"x" * 32, SESSION.browser, NOW), (SESSION.digest, b"x" * 32, NOW)]
    for digest, browser, now in (*strangers, (*cookie, NOW + 100)):
        assert await sessions.with_login("login", digest, browser, now) == (kept, None)
    elsewhere = Sessions(database, "https://other.example")
    assert await elsewhere.with_login("login", *cookie, NOW) == (kept, None)
    await database.submit(sessions.end(SESSION.id, SESSION.resident_id, NOW))
    assert await sessions.with_login("login", *cookie, NOW) == (kept, None)


async def test_a_renewed_session_opens_to_the_new_cookie_only(database: OpenDatabase) -> None:
    sessions = Sessions(database, SESSION.issuer)
    await database.submit(sessions.add(SESSION))
    renewed = SESSION.renewed(b"n" * 32, (Proof("totp", NOW + 1),), NOW + 200)
    await database.submit(sessions.renew(SESSION, renewed))
    assert await sessions.find(SESSION.digest, SESSION.browser, NOW) is None
    assert await sessions.find(renewed.digest, SESSION.browser, NOW + 150) == renewed


async def test_of_two_that_renew_a_session_one_does(database: OpenDatabase) -> None:
    sessions = Sessions(database, SESSION.issuer)
    await database.submit(sessions.add(SESSION))
    renewed = [SESSION.renewed(bytes([n]) * 32, SESSION.proofs, NOW + 200) for n in range(8)]
    done = await asyncio.gather(
        *(database.submit(sessions.renew(SESSION, after)) for after in renewed),
        return_exceptions=True,
    )
    assert sum(outcome is None for outcome in done) == 1


async def test_an_ended_session_is_over_for_good(database: OpenDatabase) -> None:
    sessions = Sessions(database, SESSION.issuer)
    await database.submit(sessions.add(SESSION))
    await database.submit(sessions.end(SESSION.id, "baraka", NOW))
    assert await sessions.find(SESSION.digest, SESSION.browser, NOW) is not None, "not theirs"
    await database.submit(sessions.end(SESSION.id, "amina", NOW))
    assert await sessions.find(SESSION.digest, SESSION.browser, NOW) is None
    await database.submit(sessions.end(SESSION.id, "amina", NOW))
    with pytest.raises(Refused):
        await database.submit(
            sessions.renew(SESSION, SESSION.renewed(b"n" * 32, SESSION.proofs, NOW + 200))
        )


async def test_a_person_sees_their_live_sessions(database: OpenDatabase) -> None:
    sessions = Sessions(database, SESSION.issuer)
    other = replace(SESSION, id="other", digest=b"o" * 32, begun_at=NOW + 1)
    theirs = replace(SESSION, id="theirs", digest=b"t" * 32, resident_id="baraka")
    await database.submit(sessions.add(SESSION), sessions.add(other), sessions.add(theirs))
    assert [s.id for s in await sessions.of("amina", NOW)] == ["other", "session"]
    await database.submit(sessions.end("other", "amina", NOW))
    assert [s.id for s in await sessions.of("amina", NOW)] == ["session"]
    assert await sessions.of("amina", NOW + 100) == []


async def test_what_expired_is_pruned(database: OpenDatabase) -> None:
    sessions = Sessions(database, SESSION.issuer)
    await database.submit(sessions.add(SESSION))
    await database.submit(sessions.prune(NOW + 99, 10))
    assert await sessions.find(SESSION.digest, SESSION.browser, NOW) is not None
    await database.submit(sessions.prune(NOW + 100, 10))
    assert await sessions.find(SESSION.digest, SESSION.browser, NOW) is None


async def test_a_session_counts_at_its_own_issuer_only(database: OpenDatabase) -> None:
    here, there = Sessions(database, SESSION.issuer), Sessions(database, "https://b.example")
    await database.submit(here.add(SESSION))
    assert await there.find(SESSION.digest, SESSION.browser, NOW) is None
    assert await there.of("amina", NOW) == []


async def test_all_other_sessions_of_a_person_end_here_and_nowhere_else(
    database: OpenDatabase,
) -> None:
    sessions = Sessions(database, SESSION.issuer)
    others = {
        "other": replace(SESSION, id="other", digest=b"o" * 32),
        "baraka": replace(SESSION, id="baraka", digest=b"p" * 32, resident_id="baraka"),
        "elsewhere": replace(SESSION, id="there", digest=b"q" * 32, issuer="https://b.example"),
    }
    await database.submit(sessions.add(SESSION), *(sessions.add(s) for s in others.values()))
    await database.submit(sessions.end_others(SESSION, NOW))
    assert [s.id for s in await sessions.of("amina", NOW)] == ["session"]
    assert [s.id for s in await sessions.of("baraka", NOW)] == ["baraka"]
    elsewhere = Sessions(database, "https://b.example")
    assert [s.id for s in await elsewhere.of("amina", NOW)] == ["there"]
