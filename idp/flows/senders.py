"""Who sends a request: the key that the sender proves to hold (RFC 9449, RFC 8705 §3)."""

from dataclasses import dataclass

from config.runtime.database.unit import Write
from idp.protocol.carried import Carried
from idp.protocol.client import Client
from idp.protocol.errors import InvalidRequest
from idp.protocol.grant import Confirmation


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """``confirmation`` is the key that was proven, if any; ``writes`` use the proof up."""

    confirmation: Confirmation | None
    writes: tuple[Write, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Senders:
    """Proves the senders of token requests of one issuer."""

    async def prove(self, carried: Carried, client: Client, now: int) -> Sender:
        """Return the sender, or raise an OAuthError where the client owes a proof."""
        if client.is_sender_constrained:
            raise InvalidRequest("the request proves no key")
        return Sender(confirmation=None)
