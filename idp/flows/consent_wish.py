"""What a request wishes to know, as the person is asked about it."""

from dataclasses import replace
from hashlib import sha256

import msgspec

from idp.protocol.authorization import AuthorizationRequest
from idp.protocol.claims import VERIFIED, requested_claims
from idp.protocol.client import Client
from idp.protocol.consent import Wish


def wish_of(request: AuthorizationRequest, client: Client) -> Wish:
    """Return the claims and the scope asked for, and the digest of the client's purpose."""
    claims = requested_claims(request)
    return Wish(
        scope=request.scope,
        essential=frozenset(claim.name for claim in claims if claim.essential),
        voluntary=frozenset(claim.name for claim in claims if not claim.essential),
        once=bool(request.details) or client.self_described,
        purpose=sha256(msgspec.json.encode(sorted(client.purposes.items()))).digest(),
    )


def asks_everything(request: AuthorizationRequest) -> bool:
    """Return whether the person is asked about everything, whatever they decided before."""
    return "consent" in request.prompt


def tellable(wish: Wish, names: frozenset[str]) -> Wish:
    """Return ``wish`` with those claims only of which the ID store has the ``names``.

    Nobody is asked about what cannot be shared anyway; when the store learns it, it is new.
    """
    known = names | {name for name, of in VERIFIED.items() if of in names}
    return replace(wish, essential=wish.essential & known, voluntary=wish.voluntary & known)
