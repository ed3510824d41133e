"""What a request wishes to know, as the person is asked about it."""

from hashlib import sha256

import msgspec

from idp.protocol.authorization import AuthorizationRequest
from idp.protocol.claims import requested_claims
from idp.protocol.client import Client
from idp.protocol.consent import Wish


def wish_of(request: AuthorizationRequest, client: Client) -> Wish:
    """Return the claims and the scope asked for, and the digest of the client's purpose."""
    claims = requested_claims(request)
    return Wish(
        scope=request.scope,
        essential=frozenset(claim.name for claim in claims if claim.essential),
        voluntary=frozenset(claim.name for claim in claims if not claim.essential),
        purpose=sha256(msgspec.json.encode(sorted(client.purposes.items()))).digest(),
    )
