"""Decisions, subjects and the residents' history, on every database."""

import asyncio
from dataclasses import replace

from config.runtime.database.connect import OpenDatabase
from config.runtime.database.unit import Refused
from idp.protocol.consent import Consent
from idp.stores.consents import Consents
from idp.stores.history import LOGGED_IN, Event, History

NOW = 1_800_000_000
CONSENT = Consent(
    resident_id="amina",
    client_id="clinic",
    scope=("openid", "offline_access"),
    agreed=frozenset({"name", "email"}),
    declined=frozenset(),
    purpose=b"p" * 32,
    given_at=NOW,
    expires_at=NOW + 100,
)


async def test_the_last_decision_counts(database: OpenDatabase) -> None:
    consents = Consents(database)
    await database.submit(consents.record(CONSENT))
    assert await consents.find("amina", "clinic") == CONSENT
    later = replace(CONSENT, agreed=frozenset(), declined=frozenset({"name"}), given_at=NOW + 1)
    await database.submit(consents.record(later))
    assert await consents.find("amina", "clinic") == later
    assert await consents.find("amina", "shop") is None
    assert await consents.find("baraka", "clinic") is None


async def test_what_is_withdrawn_is_forgotten(database: OpenDatabase) -> None:
    consents = Consents(database)
    other = replace(CONSENT, client_id="shop", given_at=NOW + 1)
    await database.submit(consents.record(CONSENT), consents.record(other))
    assert [c.client_id for c in await consents.of("amina", NOW)] == ["shop", "clinic"]
    await database.submit(consents.withdraw("amina", "shop"))
    await database.submit(consents.withdraw("amina", "shop"))
    assert [c.client_id for c in await consents.of("amina", NOW)] == ["clinic"]
    assert await consents.of("amina", NOW + 100) == []


async def test_what_expired_is_pruned_and_nothing_else(database: OpenDatabase) -> None:
    consents = Consents(database)
    fresh = replace(CONSENT, client_id="shop", expires_at=NOW + 1000)
    await database.submit(consents.record(CONSENT), consents.record(fresh))
    await database.submit(consents.prune(NOW + 100, 10))
    assert await consents.find("amina", "clinic") is None
    assert await consents.find("amina", "shop") == fresh


async def test_a_history_is_told_from_its_end(database: OpenDatabase) -> None:
    history = History(database, "https://id.example")
    events = [
        Event(
            id=f"event-{number}",
            issuer="https://id.example",
            resident_id="amina",
            at=NOW + number,
            client_id="clinic",
            factors=("otp", "pin"),
            outcome=LOGGED_IN,
        )
        for number in range(5)
    ]
    await database.submit(*(history.add(event) for event in events))
    assert await history.of("amina", 3) == events[:1:-1]
    assert await history.of("baraka") == []
    await database.submit(history.prune(NOW + 3, 10))
    assert await history.of("amina") == [events[4]]


async def test_an_event_is_told_once(database: OpenDatabase) -> None:
    history = History(database, "https://id.example")
    event = Event(
        id="one",
        issuer="https://id.example",
        resident_id="amina",
        at=NOW,
        client_id="",
        factors=(),
        outcome=LOGGED_IN,
    )
    done = await asyncio.gather(
        *(database.submit(history.add(event)) for _ in range(4)), return_exceptions=True
    )
    assert sum(outcome is None for outcome in done) == 1
    assert all(outcome is None or isinstance(outcome, Refused) for outcome in done)
