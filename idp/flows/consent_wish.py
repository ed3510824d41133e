"""What a request wishes to know, as the person is asked about it."""

from dataclasses import replace
from hashlib import sha256

import msgspec

from idp.protocol.authorization import AuthorizationRequest
from idp.protocol.claims import VERIFIED, requested_claims
from idp.protocol.client import Client
from idp.protocol.consent import Wish
from idp.residents.port import Residents


def wish_of(request: AuthorizationRequest, client: Client) -> Wish:
    """Return the claims and the scope asked for, and the digest of the client's purpose."""
    claims = requested_claims(request)
    return Wish(
        scope=request.scope,
        essential=frozenset(claim.name for claim in claims if claim.essential),
        voluntary=frozenset(claim.name for claim in claims if not claim.essential),
        once=bool(request.details),
        purpose=sha256(msgspec.json.encode(sorted(client.purposes.items()))).digest(),
    )


def asks_everything(request: AuthorizationRequest) -> bool:
    """Return whether the person is asked about everything, whatever they decided before."""
    return "consent" in request.prompt


async def tellable(wish: Wish, residents: Residents, resident_id: str) -> Wish:
    """Return ``wish`` with those claims only that the ID store has for this person.

    Nobody is asked about what cannot be shared anyway; when the store learns it, it is new.
    """
    names = await residents.names(resident_id)
    known = names | {name for name, of in VERIFIED.items() if of in names}
    return replace(wish, essential=wish.essential & known, voluntary=wish.voluntary & known)
