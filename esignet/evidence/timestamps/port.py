"""What a source of time-stamps is, and how it says that it has none."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from config.runtime.clock import Clock
from config.runtime.entropy import Entropy
from esignet.formats.format import Evidence
from keystore.door import KeyServiceUnavailable
from keystore.signing.door import Documents, Imprint


class NotStamped(Exception):
    """This source gave no time-stamp that can be used. ``reason`` is one word for logs.

    Either nothing came back (the words of ``config.runtime.outbound.FetchFailed``), or what came
    is not what was asked for: refused, malformed, token, imprint, nonce, policy, time, authority,
    revocation.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason


class TimestampsUnavailable(KeyServiceUnavailable):
    """No source stamps time now: who waits for one waits as for the key service, and is resumed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamped:
    """A TimeStampToken in DER for each imprint, all of one source.

    ``ours`` is the certificate of who stamped where our own authority answers about it;
    ``evidence`` is what shows that a foreign one was good.
    """

    tokens: Sequence[bytes]
    ours: bytes = b""
    evidence: Evidence = field(default_factory=Evidence)


class Stamps(Protocol):
    """A source of time-stamps."""

    @property
    def name(self) -> str:
        """Return how logs call it."""
        ...

    @property
    def is_ours(self) -> bool:
        """Return whether our own authority stamps first: it may then do so as it signs."""
        ...

    async def stamped(self, imprints: Sequence[Imprint], *, archive: bool = False) -> Stamped:
        """Return a token over each imprint. Raises NotStamped, KeyServiceUnavailable.

        ``archive`` says that they have to last for decades: a source with a key for that uses it.
        """
        ...

    async def close(self) -> None:
        """Close what is open."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What sources stand on. ``loopback`` lets one be on this machine: for demonstrations."""

    documents: Documents
    clock: Clock
    entropy: Entropy
    loopback: bool = False
