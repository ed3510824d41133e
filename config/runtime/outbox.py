"""Messages that leave after the change is committed: at least once, in order per key.

``Outbox.write`` goes into the unit of the change; the worker's relay delivers it. The body is
opaque here: whoever writes a message with personal data seals it first (keystore.door).
"""

from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, Table, Text

from config.runtime.database.schema import COUNTED, metadata
from config.runtime.database.statements import insert_new, prune
from config.runtime.database.unit import Write


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """``kind`` names the deliverer; ``key`` orders: messages of one key leave one after another."""

    id: str
    kind: str
    key: str
    body: bytes
    at: int
    expires_at: int


class Outbox(Protocol):
    def write(self, message: Message) -> Write:
        """Return the write that queues ``message``; put it into the unit of the change."""
        ...


class DeliveryFailed(Exception):
    """The message did not arrive this time; try again later.

    The text is for the operator and is kept: no personal datum, secret or token (R10).
    """


class Deliverer(Protocol):
    """Takes messages of one kind to where they go. The same message may come twice."""

    async def deliver(self, message: Message, now: int) -> None:
        """Deliver ``message``, or raise DeliveryFailed. Returning means that it arrived."""
        ...


outbox = Table(
    "outbox",
    metadata,
    Column("number", COUNTED, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("due_at", BigInteger, nullable=False),  # when a relay may take it (again)
    Column("attempts", Integer, nullable=False),  # how often a relay took it
    Index("ix_outbox_key", "key", "number"),
    Index("ix_outbox_due_at", "due_at"),
)
"""What waits to be delivered, in the order of ``number``."""

dead_letters = Table(
    "dead_letter",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),  # empty when it had expired
    Column("at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("dead_at", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Index("ix_dead_letter_dead_at", "dead_at"),
)
"""What the relay gave up, for the operator to look at."""

_NEW = insert_new(outbox)
_PRUNE = prune(dead_letters, "id", "dead_at")


class DatabaseOutbox:
    """The outbox as a table beside the change."""

    def write(self, message: Message) -> Write:
        """See Outbox.write. An id that is queued already refuses the unit."""
        return Write(
            _NEW,
            {
                "id": message.id,
                "kind": message.kind,
                "key": message.key,
                "body": message.body,
                "at": message.at,
                "expires_at": message.expires_at,
                "due_at": message.at,
                "attempts": 0,
            },
        )

    def prune(self, before: int, limit: int) -> Write:
        """Return the write that drops at most ``limit`` dead letters put aside ``before``."""
        return Write(_PRUNE, {"now": before, "limit": limit}, rows=None)
