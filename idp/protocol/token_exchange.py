"""Token exchange: what a token may be exchanged for, and who then acts for whom (RFC 8693).

The result is never worth more than what it is made of: less scope, fewer resource servers, a
shorter life. It carries no ``openid``: what a person agreed to tell one client is not told to
another, so userinfo is closed to it.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from idp.protocol.client import Client
from idp.protocol.errors import InvalidClientMetadata, InvalidRequest, InvalidScope, InvalidTarget
from idp.protocol.grant import MOST_ANCESTORS, Grant
from idp.protocol.parameters import Parameters

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
REFRESH_TOKEN = "urn:ietf:params:oauth:token-type:refresh_token"
ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"

NOT_PASSED_ON = frozenset(("openid", "offline_access"))
"""Scope values that no exchanged access token has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """Whom a token speaks for: the subject, or who acts for them; judged good at this moment.

    ``client_id`` is whom it was issued to. ``actor`` is its ``act`` claim, ``may_act`` the only
    subject that may act with it.
    """

    grant: Grant
    client_id: str
    scope: tuple[str, ...]
    audience: tuple[str, ...]
    details: tuple[dict[str, Any], ...] = ()
    actor: dict[str, Any] | None = None
    may_act: str | None = None


def wanted_type(asked: Parameters) -> str:
    """Return which kind of token is wanted, or raise InvalidRequest (§2.1)."""
    wanted = asked.get("requested_token_type", ACCESS_TOKEN)
    if wanted not in (ACCESS_TOKEN, REFRESH_TOKEN):
        raise InvalidRequest("requested_token_type is not supported")
    return wanted


def check_policy(subject: Party, client: Client) -> None:
    """Raise InvalidRequest unless ``client`` is registered to exchange this token (§2.2.2)."""
    if subject.client_id not in client.exchange_subjects:
        raise InvalidRequest("tokens of that client are not exchanged by this one")
    if len(subject.grant.authorization.ancestors) + 1 > MOST_ANCESTORS:
        raise InvalidRequest("the subject token was exchanged too often")


def actor_of(subject: Party, actor: Party | None, client: Client) -> dict[str, Any] | None:
    """Return the ``act`` claim of the result, or raise InvalidRequest (§4.1, §4.4).

    Whoever acted before stands inside. Without an actor token it is the client itself who acts;
    one that may impersonate leaves no trace but that of others.
    """
    acting = client.client_id if actor is None else actor.grant.authorization.subject
    if subject.may_act not in (None, acting):
        raise InvalidRequest("may_act of the subject token names somebody else")
    if actor is None and client.exchange_impersonates:
        return subject.actor
    return {"sub": acting} | ({} if subject.actor is None else {"act": subject.actor})


def scope_of(asked: Parameters, subject: Party, client: Client) -> tuple[str, ...]:
    """Return the scope of the result: of the subject token's, what the client may have.

    Raises InvalidScope when more is asked for.
    """
    passed = client.scope - NOT_PASSED_ON
    possible = tuple(word for word in subject.scope if word in passed)
    wanted = asked.words("scope")
    if not set(wanted) <= set(possible):
        raise InvalidScope("scope is wider than that of the subject token")
    return wanted or possible


def targets_of(named: Collection[str], subject: Party, client: Client) -> tuple[str, ...]:
    """Return whom the result is for: resource servers that the subject's grant was given for.

    ``named`` are addresses; where there are none, every one that the client may name. Raises
    InvalidTarget.
    """
    authorization = subject.grant.authorization
    granted = {*(authorization.resources or (authorization.issuer,)), *subject.audience}
    possible = [name for name in (*client.resources, client.issuer) if name in granted]
    if not set(named) <= set(possible):
        raise InvalidTarget("the subject token was not granted for that resource")
    if not possible:
        raise InvalidTarget("the subject token was granted for no resource of this client")
    return tuple(dict.fromkeys(named or possible))


def check_registration(client: Client) -> None:
    """Raise InvalidClientMetadata unless what the client says of exchanges is sound."""
    if GRANT_TYPE in client.grant_types:
        if client.is_public and not client.sso_group:  # apps of one maker: Native SSO
            raise InvalidClientMetadata("token exchange needs a client that can authenticate")
    elif client.exchange_subjects or client.exchange_impersonates:
        raise InvalidClientMetadata("exchange_subjects belong to the grant token-exchange")
