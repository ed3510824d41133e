"""Logging out at a client's wish (OpenID Connect RP-Initiated Logout 1.0)."""

from dataclasses import dataclass
from urllib.parse import urlencode

from idp.protocol.authorization import VerifiedHint
from idp.protocol.client import Client
from idp.protocol.errors import InvalidRequest
from idp.protocol.parameters import Parameters


@dataclass(frozen=True, slots=True)
class AfterLogout:
    """Where to send the browser after a logout: ``AfterLogout.proven`` is the only maker.

    §3: only to an address that the client registered, and only when a valid hint says which client
    it is.
    """

    uri: str
    state: str | None

    @classmethod
    def proven(
        cls, asked: Parameters, client: Client | None, hint: VerifiedHint | None
    ) -> "AfterLogout | None":
        """Return where to go; None when no address was asked for, or it is not to be trusted."""
        uri = asked.get("post_logout_redirect_uri")
        if uri is None or client is None or hint is None:
            return None
        if client.client_id not in hint.audience or uri not in client.post_logout_redirect_uris:
            return None
        return cls(uri, asked.get("state"))

    @property
    def location(self) -> str:
        """Return the address with the client's ``state``, when it gave one (§3)."""
        if self.state is None:
            return self.uri
        joint = "&" if "?" in self.uri else "?"
        return f"{self.uri}{joint}{urlencode({'state': self.state})}"


def client_of(asked: Parameters, hint: VerifiedHint | None) -> str | None:
    """Return which client asks (§2); None when it does not say.

    Raises InvalidRequest when ``client_id`` and the hint name different ones.
    """
    client_id = asked.get("client_id")
    if hint is None:
        return client_id
    if client_id is not None and client_id not in hint.audience:
        raise InvalidRequest("id_token_hint was issued to another client")
    if client_id is None and len(hint.audience) == 1:
        return hint.audience[0]
    return client_id
