"""Public clients, which name themselves and prove nothing (RFC 6749 §2.1); PKCE protects them."""

from config.runtime.database.unit import Write
from idp.client_auth.method import Carrier, Presented
from idp.protocol.client import Client


class Public:
    """``none``."""

    name = "none"
    carrier = Carrier.NONE

    async def prove(self, presented: Presented, client: Client, now: int) -> tuple[Write, ...]:
        """Nothing is proven and nothing used up."""
        return ()
