"""Messages that leave after the change is committed: at least once, in order per key.

``Outbox.write`` goes into the unit of the change; the worker's relay delivers it. The body is
opaque here: whoever writes a message with personal data seals it first (keystore.door).
"""

from dataclasses import dataclass
from typing import Protocol

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
