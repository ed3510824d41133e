"""Global Token Revocation (draft-parecki-oauth-global-token-revocation): whom a request names."""

from dataclasses import dataclass

from idp.protocol.errors import InvalidRequest

SCOPE = "global_token_revocation"
"""What a client is registered for that may end everything of a person."""

LONGEST = 512


@dataclass(frozen=True, slots=True)
class Named:
    """A subject as the client that asks knows them."""

    subject: str


def named(body: object, issuer: str) -> Named:
    """Return whom ``body`` names in ``sub_id`` (RFC 9493 §3), or raise InvalidRequest.

    ``iss_sub`` and ``opaque`` are taken. Addresses and numbers are not: who may find people by
    them is another matter than who may end their sessions.
    """
    identifier = body.get("sub_id") if isinstance(body, dict) else None
    if not isinstance(identifier, dict):
        raise InvalidRequest("sub_id is missing")
    match identifier.get("format"):
        case "iss_sub":
            if identifier.get("iss") != issuer:
                raise InvalidRequest("sub_id names another issuer")
            subject = identifier.get("sub")
        case "opaque":
            subject = identifier.get("id")
        case _:
            raise InvalidRequest("the format of sub_id is not supported")
    if not isinstance(subject, str) or not 0 < len(subject) <= LONGEST or "\0" in subject:
        raise InvalidRequest("sub_id is malformed")
    return Named(subject)
