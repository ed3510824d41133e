"""The signing service as a client: on behalf of a relying party whose person signs on its pages.

Its client_id names that party, so everything that a person is told, and what they are called, is
the party's. It proves itself with a key of the issuer's own, which the key service lends to the
signing service for nothing but this; nobody registers it, and nothing is kept of it. Without a
party it is the signing service itself, where a person reads what they signed.
"""

from urllib.parse import urlsplit

from idp.protocol.client import Client
from idp.protocol.signing import CREDENTIAL, HISTORY
from keystore.door import SIGNING_CLIENT

CALLBACK = "/sign/callback"

OWN_LIST = SIGNING_CLIENT
"""The client_id of the signing service itself."""

LIST_PATH = "/mine"
"""Where people read, at the signing service, what they signed."""

SCOPE = "signatures"
"""What a relying party must be registered with: others are not acted for."""


def party_of(client_id: str) -> str:
    """Return the client_id of the relying party that is acted for, "" where that is nobody."""
    party = client_id.removeprefix(SIGNING_CLIENT)
    return "" if party == client_id or party.startswith(SIGNING_CLIENT) else party


def acting_for(party: Client, service: str, jwks: bytes) -> Client | None:
    """Return the client as which the signing ``service`` acts for ``party``, if it may.

    It gets codes for approvals alone, at its own address. Its tokens need no key of their own
    (RFC 9449): it is itself the resource server, and shows them to nobody.
    """
    if SCOPE not in party.scope:
        return None
    return Client(
        client_id=SIGNING_CLIENT + party.client_id,
        issuer=party.issuer,
        names=party.names or {"": party.client_id},
        redirect_uris=(service + CALLBACK,),
        token_endpoint_auth_method="private_key_jwt",
        sector=party.sector or party.client_id,
        profile="oidc",
        purposes=party.purposes,
        jwks=jwks,
        response_modes=("query",),
        subject_type=party.subject_type,
        id_token_signed_response_alg=party.id_token_signed_response_alg,
        require_pushed_authorization_requests=True,
        authorization_details_types=(CREDENTIAL,),
        self_described=party.self_described,
        acts_for=party.client_id,
    )


def for_itself(issuer: str, service: str, jwks: bytes) -> Client:
    """Return the client as which the signing ``service`` shows people of ``issuer`` their list.

    It gets codes for that scope alone, at its own address, and is called what its host is called.
    """
    host = urlsplit(service).netloc
    return Client(
        client_id=OWN_LIST,
        issuer=issuer,
        names={"": host},
        redirect_uris=(f"{service}{LIST_PATH}/callback",),
        token_endpoint_auth_method="private_key_jwt",
        sector=host,
        profile="oidc",
        scope=frozenset({"openid", HISTORY}),
        jwks=jwks,
        response_modes=("query",),
        require_pushed_authorization_requests=True,
        resources=(service,),
    )
