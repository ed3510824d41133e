"""Grants as things that a client names, widens, replaces, reads and ends.

Grant Management for OAuth 2.0 (Implementer's Draft 1, §5 and §6).
"""

from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum
from typing import Any

from config.settings import Features
from idp.protocol.claims_request import ClaimsRequest
from idp.protocol.errors import InvalidGrantId, InvalidRequest
from idp.protocol.grant import Authorization, Grant

QUERY, REVOKE = "grant_management_query", "grant_management_revoke"
"""Scopes of the tokens with which grants are read and ended (§6.1)."""


class GrantAction(StrEnum):
    """What an authorization request does with a grant (§5.2)."""

    CREATE = "create"
    MERGE = "merge"
    REPLACE = "replace"


def action_of(asked: Mapping[str, str], features: Features) -> GrantAction | None:
    """Return what the request wants done; None when it does not manage its grant.

    Raises InvalidRequest for what does not fit together (§5.4). Where grants are not managed both
    parameters are unknown ones, and ignored.
    """
    if not features.grant_management:
        return None
    named, wanted = asked.get("grant_id"), asked.get("grant_management_action")
    if wanted is None:
        if named is not None:
            raise InvalidRequest("grant_id without grant_management_action")
        return None
    try:
        action = GrantAction(wanted)
    except ValueError:
        raise InvalidRequest("grant_management_action is not supported") from None
    if (named is None) is (action is not GrantAction.CREATE):
        raise InvalidRequest(f"grant_management_action {action} does not go with grant_id so")
    return action


def check_owner(grant: Grant | None, client_id: str, resident_id: str | None, now: int) -> Grant:
    """Return the grant that a request names, or raise InvalidGrantId (§5.4).

    ``resident_id`` is None as long as nobody is known. Unknown, another client's and another
    person's are refused alike.
    """
    if (
        grant is None
        or not grant.is_live(now)
        or grant.authorization.client_id != client_id
        or resident_id not in (None, grant.authorization.resident_id)
    ):
        raise InvalidGrantId("grant_id names no grant of this client and person")
    return grant


def amended(before: Authorization, new: Authorization) -> Authorization:
    """Return what the grant allows once ``new`` was agreed to: all of both, or ``new`` alone."""
    if new.grant_action != GrantAction.MERGE:
        return new
    details = [*before.details, *(one for one in new.details if one not in before.details)]
    return replace(
        new,
        scope=tuple(dict.fromkeys((*before.scope, *new.scope))),
        claims=ClaimsRequest(
            userinfo={**before.claims.userinfo, **new.claims.userinfo},
            id_token={**before.claims.id_token, **new.claims.id_token},
        ),
        granted_claims=before.granted_claims | new.granted_claims,
        resources=tuple(dict.fromkeys((*before.resources, *new.resources))),
        details=tuple(details),
    )


def status(grant: Grant) -> dict[str, Any]:
    """Return what a client may read of its grant (§6.4). No token is among it."""
    authorization = grant.authorization
    scope: dict[str, Any] = {"scope": " ".join(authorization.scope)}
    if authorization.resources:
        scope["resource"] = list(authorization.resources)
    told: dict[str, Any] = {
        "scopes": [scope],
        "claims": sorted(authorization.granted_claims),
        "created_at": grant.created_at,
        "last_updated_at": grant.updated_at,
        "expires_at": grant.expires_at,
    }
    if authorization.details:
        told["authorization_details"] = list(authorization.details)
    return told
