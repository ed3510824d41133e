"""What expired leaves as quickly as it comes in: no table grows for ever (R2, R8)."""

import asyncio

from sqlalchemy import Table, func, select

from config.runtime.database.connect import OpenDatabase
from config.runtime.database.unit import Statement
from config.runtime.journal import DatabaseJournal, Fact, facts
from config.runtime.outbox import dead_letters
from config.settings import Lifetimes
from config.wiring.worker import MOST_REMOVED, Cleaner, expiring
from esignet.stores.creation_keys import CreationKeys, Once, signature_request_creation
from esignet.stores.csc_answers import CscAnswers, Place, csc_answer
from esignet.stores.requests import (
    REMEMBERED,
    SignatureRequests,
    signature_request,
    signature_request_part,
)
from idp.stores.oauth_tables import used
from idp.stores.used import Used
from tests.contracts.test_outbox import Recipient, message, queue, relay
from tests.contracts.test_signature_requests import REQUEST
from tests.residents import StillClock

NOW = 1_800_000_000
LIFETIMES = Lifetimes(fact=1000, dead_letter=2000)


async def rows(database: OpenDatabase, table: Table) -> int:
    found = await database.row(Statement(select(func.count()).select_from(table)))
    assert found is not None
    return int(found[0])


def cleaner(database: OpenDatabase) -> Cleaner:
    return Cleaner(database, StillClock(), expiring(database, LIFETIMES))


async def test_more_than_one_batch_of_expired_rows_leaves_at_once(database: OpenDatabase) -> None:
    past = [Used().once("room", "owner", str(n), NOW, 0) for n in range(2 * MOST_REMOVED + 7)]
    for start in range(0, len(past), 100):
        await database.submit(*past[start : start + 100])
    await database.submit(Used().once("room", "owner", "lives", NOW + 1, 0))
    await cleaner(database).run_once(NOW, asyncio.Event())
    assert await rows(database, used) == 1


async def test_facts_leave_after_their_time(database: OpenDatabase) -> None:
    journal = DatabaseJournal()
    for at in (NOW - 1000, NOW - 1000, NOW - 999):
        await database.submit(journal.write(Fact(name="a.happened", at=at, about="x")))
    await cleaner(database).run_once(NOW, asyncio.Event())
    assert await rows(database, facts) == 1


async def test_dead_letters_leave_after_their_time(database: OpenDatabase) -> None:
    recipient = Recipient(refused={"a"})
    await queue(database, message("a", at=NOW))
    await relay(database, recipient, attempts=1).run_once(NOW)
    await cleaner(database).run_once(NOW + 1999, asyncio.Event())
    assert await rows(database, dead_letters) == 1
    await cleaner(database).run_once(NOW + 2000, asyncio.Event())
    assert await rows(database, dead_letters) == 0


async def test_documents_and_answers_of_the_signing_service_leave(database: OpenDatabase) -> None:
    requests, answers, end = SignatureRequests(database), CscAnswers(database), REQUEST.expires_at
    place = Place(id="a", client_id="office", subject="ana", lost_at=NOW, expires_at=end)
    part, once = requests.kept(REQUEST, "key", b"sealed"), Once("k", b"hash")
    key = CreationKeys(database).used(once, REQUEST)
    await database.submit(requests.added(REQUEST, 0), part, key, answers.begun(place))
    tables = (signature_request_part, signature_request_creation, csc_answer, signature_request)
    for now, left in ((end - 1, [1, 1, 1, 1]), (end, [0, 0, 0, 1]), (end + REMEMBERED, [0] * 4)):
        await cleaner(database).run_once(now, asyncio.Event())
        assert [await rows(database, table) for table in tables] == left


async def test_a_worker_that_was_told_to_stop_leaves_the_rest(database: OpenDatabase) -> None:
    await database.submit(Used().once("room", "owner", "past", NOW, 0))
    stop = asyncio.Event()
    stop.set()
    await cleaner(database).run_once(NOW, stop)
    assert await rows(database, used) == 1
