"""The resident's own pages as a client of the server itself: no code and no consent."""

from idp.protocol.authorization import AuthorizationRequest, ReplyTo
from idp.protocol.claims_request import ClaimsRequest
from idp.protocol.client import Client

OWN_CLIENT_ID = ""
"""No registered client has an empty identifier."""

OWN_PAGES = Client(
    client_id=OWN_CLIENT_ID,
    issuer="",
    names={},
    redirect_uris=(),
    token_endpoint_auth_method="none",
    sector="",
)


def is_own(client_id: str) -> bool:
    """Return whether a login ends on the resident's own pages."""
    return client_id == OWN_CLIENT_ID


def own_request(issuer: str, address: str, max_age: int | None) -> AuthorizationRequest:
    """Return the request for a session, and perhaps a recent login, to go on to ``address``.

    ``address`` is an address of our own, never one that was asked for from outside.
    """
    return AuthorizationRequest(
        client_id=OWN_CLIENT_ID,
        reply_to=ReplyTo(address, "query", None, issuer),
        response_type="code",
        scope=(),
        code_challenge=None,
        nonce=None,
        prompt=frozenset(),
        max_age=max_age,
        acr_values=(),
        claims=ClaimsRequest(),
        claims_locales=(),
        ui_locales=(),
        login_hint=None,
        hinted_subject=None,
        display="page",
        auth_time_asked=False,
    )
