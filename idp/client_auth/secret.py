"""Comparing a presented secret with the digest that is kept."""

import hmac

from idp.protocol.client import Client
from idp.protocol.errors import InvalidClient
from idp.protocol.grant import digest_of


def check_secret(secret: str, client: Client) -> None:
    """Raise InvalidClient unless ``secret`` is the client's, in the same time either way."""
    if not hmac.compare_digest(digest_of(secret), client.secret_digest or bytes(32)):
        raise InvalidClient("wrong client credentials")
