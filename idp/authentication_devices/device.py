"""The contract of an authentication device: a way in which a backchannel request reaches a person.

CIBA Core 1.0 §2 calls so whatever the person approves on. To add one (a USSD menu, say), write a
module here with ``build`` and name it in ``backchannel.devices``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from config.runtime.database.unit import Write
from config.runtime.entropy import Entropy
from config.runtime.outbox import Outbox
from idp.channels.channel import Channel
from idp.protocol.client import Client
from idp.residents.port import Residents
from idp.stores.challenges import Challenges
from keystore.door import Door


@dataclass(frozen=True, slots=True, kw_only=True)
class Summons:
    """A request that is to be brought to somebody.

    ``resident_id`` None is nobody: the same work is done and nothing arrives, so that neither the
    answer nor its time tells a client who is registered. ``number`` is what the client shows to be
    typed, "" where nothing.
    """

    issuer: str
    client: Client
    resident_id: str | None
    binding_message: str
    number: str
    at: int
    ends_at: int


@dataclass(frozen=True, slots=True)
class Brought:
    """``writes`` bring the request, in the unit that keeps it.

    ``code_digest`` is SHA-256 of a secret that finds the request where nobody is signed in, None
    where the device needs none.
    """

    writes: tuple[Write, ...] = ()
    code_digest: bytes | None = None


class AuthenticationDevice(Protocol):
    async def bring(self, summons: Summons) -> Brought:
        """Return what brings the request to the person; nothing is written yet."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What devices are built from. ``channels`` in the order in which they are tried."""

    residents: Residents
    door: Door
    outbox: Outbox
    challenges: Challenges
    entropy: Entropy
    channels: Sequence[Channel]
