"""The client's secret in the Authorization header (RFC 6749 §2.3.1)."""

from config.runtime.database.unit import Write
from idp.client_auth.method import Carrier, Presented
from idp.client_auth.secret import check_secret
from idp.protocol.client import Client


class ClientSecretBasic:
    """``client_secret_basic``."""

    name = "client_secret_basic"
    carrier = Carrier.BASIC

    async def prove(self, presented: Presented, client: Client, now: int) -> tuple[Write, ...]:
        """Nothing is used up; or raise InvalidClient."""
        check_secret(presented.secret, client)
        return ()
