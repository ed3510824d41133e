"""Messages leave after the change, at least once, in order per key, and none blocks another."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest
from sqlalchemy import select

from config.runtime.database.connect import OpenDatabase
from config.runtime.database.unit import DatabaseUnavailable, Refused, Statement, Write
from config.runtime.entropy import SystemEntropy
from config.runtime.outbox import DatabaseOutbox, DeliveryFailed, Message, dead_letters, outbox
from config.runtime.relay import Relay, RelayOptions

WAITING = Statement(select(outbox).order_by(outbox.c.number))
DEAD = Statement(select(dead_letters).order_by(dead_letters.c.id))
HOUR = 3600


@dataclass
class HandClock:
    at: int = 1000

    def now(self) -> int:
        return self.at

    def elapsed(self) -> float:
        return float(self.at)


@dataclass
class Recipient:
    """Takes messages, refuses those whose id it was told to, and can be held up."""

    got: list[str] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)
    tried: list[str] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    held: set[str] = field(default_factory=set)

    async def deliver(self, message: Message, now: int) -> None:
        self.tried.append(message.id)
        if message.id in self.held:
            await self.gate.wait()
        if message.id in self.refused:
            raise DeliveryFailed("the gateway is closed")
        self.got.append(message.id)


class Broken:
    async def deliver(self, message: Message, now: int) -> None:
        raise KeyError(message.body)


def message(name: str, key: str = "", at: int = 1000, lifetime: int = HOUR) -> Message:
    return Message(
        id=name, kind="sms", key=key or name, body=b"sealed", at=at, expires_at=at + lifetime
    )


async def queue(database: OpenDatabase, *messages: Message) -> None:
    for one in messages:
        await database.submit(DatabaseOutbox().write(one))


def relay(database: OpenDatabase, recipient: object, **options: float) -> Relay:
    settings = replace(RelayOptions(interval=0.01), **options)  # type: ignore[arg-type]
    return Relay(database, {"sms": recipient}, HandClock(), SystemEntropy(), settings)  # type: ignore[dict-item]


async def ids(database: OpenDatabase, statement: Statement) -> Sequence[str]:
    return [row["id"] for row in await database.rows(statement)]


async def test_a_message_is_delivered_once_and_forgotten(database: OpenDatabase) -> None:
    recipient = Recipient()
    await queue(database, message("a"), message("b"))
    one = relay(database, recipient)
    assert await one.run_once(1000) == 2
    assert sorted(recipient.got) == ["a", "b"]
    assert await one.run_once(1001) == 0
    assert await ids(database, WAITING) == []


async def test_the_message_arrives_as_it_was_written(database: OpenDatabase) -> None:
    seen: list[Message] = []

    class Keeper:
        async def deliver(self, message: Message, now: int) -> None:
            seen.append(message)

    await queue(database, message("a"))
    await relay(database, Keeper()).run_once(1000)
    assert seen == [message("a")]


async def test_a_message_of_a_refused_unit_never_leaves(database: OpenDatabase) -> None:
    recipient = Recipient()
    await queue(database, message("a"))
    with pytest.raises(Refused):
        await database.submit(
            DatabaseOutbox().write(message("b")), DatabaseOutbox().write(message("a"))
        )
    await relay(database, recipient).run_once(1000)
    assert recipient.got == ["a"]


async def test_a_message_is_not_sent_before_its_time(database: OpenDatabase) -> None:
    recipient = Recipient()
    await queue(database, message("a", at=1010))
    one = relay(database, recipient)
    assert await one.run_once(1009) == 0
    assert await one.run_once(1010) == 1


async def test_messages_of_one_key_keep_their_order_through_failures(
    database: OpenDatabase,
) -> None:
    recipient = Recipient(refused={"1"})
    await queue(database, *(message(str(n), key="k") for n in range(1, 4)), message("x"))
    one = relay(database, recipient)
    await one.run_once(1000)
    assert recipient.got == ["x"]
    recipient.refused.clear()
    now = 1000
    while await ids(database, WAITING):
        now += 1
        await one.run_once(now)
    assert recipient.got == ["x", "1", "2", "3"]


async def test_the_waits_between_attempts_double_and_are_scattered(
    database: OpenDatabase,
) -> None:
    recipient = Recipient(refused={f"m{n}" for n in range(20)})
    await queue(database, *(message(f"m{n}", lifetime=10**6) for n in range(20)))
    one = relay(database, recipient, first_delay=100, longest_delay=400)
    now, waits = 1000, []
    for _ in range(4):
        await one.run_once(now)
        due = [row["due_at"] - now for row in await database.rows(WAITING)]
        waits.append(due)
        now += 1000
    for longest, due in zip((100, 200, 400, 400), waits, strict=True):
        assert all(longest / 2 <= wait <= longest for wait in due)
        assert len(set(due)) > 5


async def test_what_keeps_failing_is_put_aside_and_frees_its_key(database: OpenDatabase) -> None:
    recipient = Recipient(refused={"bad"})
    await queue(database, message("bad", key="k"), message("next", key="k"))
    one = relay(database, recipient, attempts=3, longest_delay=1)
    for now in range(1000, 1010):
        await one.run_once(now)
    assert recipient.tried.count("bad") == 3
    assert recipient.got == ["next"]
    (dead,) = await database.rows(DEAD)
    assert (dead["id"], dead["attempts"], dead["reason"], dead["body"]) == (
        "bad",
        3,
        "the gateway is closed",
        b"sealed",
    )


@pytest.mark.parametrize("kind", ["sms", "unknown"])
async def test_a_poison_message_blocks_nobody(database: OpenDatabase, kind: str) -> None:
    recipient = Recipient()
    poison = [replace(message(f"p{n}"), kind="poison") for n in range(100)]
    await queue(database, *poison, message("good"))
    deliverers = {"sms": recipient} | ({"poison": Broken()} if kind == "sms" else {})
    one = Relay(
        database, deliverers, HandClock(), SystemEntropy(), RelayOptions(at_once=10, attempts=2)
    )
    for now in range(1000, 1012):
        await one.run_once(now)
    assert recipient.got == ["good"]
    for now in range(1012, 1100):
        await one.run_once(now)
    assert len(await ids(database, DEAD)) == 100
    reasons = {row["reason"] for row in await database.rows(DEAD)}
    assert reasons == {"fault: KeyError" if kind == "sms" else "no deliverer of this kind"}


async def test_an_expired_message_is_never_sent_and_its_body_goes(database: OpenDatabase) -> None:
    recipient = Recipient(refused={"late"})
    await queue(database, message("late", lifetime=60))
    one = relay(database, recipient)
    await one.run_once(1000)
    recipient.refused.clear()
    await one.run_once(1060)
    assert recipient.got == []
    (dead,) = await database.rows(DEAD)
    assert (dead["reason"], dead["body"]) == ("expired", b"")
    assert await ids(database, WAITING) == []


async def test_a_message_of_a_relay_that_died_is_delivered_by_another(
    database: OpenDatabase,
) -> None:
    stuck, recipient = Recipient(held={"a"}), Recipient()
    await queue(database, message("a"))
    dying = asyncio.create_task(relay(database, stuck).run_once(1000))
    while not stuck.tried:
        await asyncio.sleep(0)
    dying.cancel()
    await asyncio.gather(dying, return_exceptions=True)
    other = relay(database, recipient, lease=60)
    assert await other.run_once(1059) == 0
    assert await other.run_once(1060) == 1
    assert recipient.got == ["a"]


async def test_who_outlived_the_lease_does_not_touch_the_message_of_the_next(
    database: OpenDatabase,
) -> None:
    slow, recipient = Recipient(held={"a"}, refused={"a"}), Recipient(held={"a"})
    await queue(database, message("a"))
    first = asyncio.create_task(relay(database, slow).run_once(1000))
    while not slow.tried:
        await asyncio.sleep(0)
    second = asyncio.create_task(relay(database, recipient).run_once(1060))
    while not recipient.tried:
        await asyncio.sleep(0)
    slow.gate.set()
    await first
    (waiting,) = await database.rows(WAITING)
    assert waiting["due_at"] == 1120  # still the second lease
    recipient.gate.set()
    await second
    assert await ids(database, WAITING) == []


async def test_relays_side_by_side_deliver_each_message_once(database: OpenDatabase) -> None:
    recipient = Recipient()
    await queue(database, *(message(f"m{n}", key=f"k{n % 40}") for n in range(120)))
    relays = [relay(database, recipient) for _ in range(4)]
    stop = asyncio.Event()
    running = [asyncio.create_task(one.run(stop)) for one in relays]
    async with asyncio.timeout(20):
        while await ids(database, WAITING):
            await asyncio.sleep(0.01)
    stop.set()
    await asyncio.gather(*running)
    assert sorted(recipient.got) == sorted(f"m{n}" for n in range(120))
    for k in range(40):
        order = [name for name in recipient.got if int(name[1:]) % 40 == k]
        assert order == [f"m{n}" for n in range(k, 120, 40)]


async def test_a_slow_delivery_holds_back_only_its_own_key(database: OpenDatabase) -> None:
    recipient = Recipient(held={"slow"})
    await queue(database, message("slow", key="s"), message("after", key="s"))
    stop = asyncio.Event()
    running = asyncio.create_task(relay(database, recipient).run(stop))
    async with asyncio.timeout(20):
        while recipient.tried != ["slow"]:
            await asyncio.sleep(0.01)
        await queue(database, message("quick"))
        while "quick" not in recipient.got:
            await asyncio.sleep(0.01)
        assert recipient.got == ["quick"]
        recipient.gate.set()
        stop.set()
        await running
    assert "slow" in recipient.got  # what is in flight is finished before the end


async def test_a_delivery_that_takes_too_long_is_tried_again(database: OpenDatabase) -> None:
    recipient = Recipient(held={"a"})
    await queue(database, message("a"))
    await relay(database, recipient, deadline=0.01).run_once(1000)
    (waiting,) = await database.rows(WAITING)
    assert waiting["attempts"] == 1 and waiting["due_at"] < 1060


async def test_a_relay_outlasts_a_database_that_is_away(database: OpenDatabase) -> None:
    class Flaky:
        """The real database, away for the first calls."""

        away = 3

        async def take(self, write: Write) -> object:
            if self.away:
                self.away -= 1
                raise DatabaseUnavailable("away")
            return await database.take(write)

        async def submit(self, *writes: Write) -> None:
            await database.submit(*writes)

    recipient = Recipient()
    await queue(database, message("a"))
    stop = asyncio.Event()
    running = asyncio.create_task(relay(Flaky(), recipient).run(stop))  # type: ignore[arg-type]
    async with asyncio.timeout(20):
        while not recipient.got:
            await asyncio.sleep(0.01)
    stop.set()
    await running
