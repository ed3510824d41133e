"""The sector of a client: what its pairwise subjects are computed over (OIDC Core 1.0 §8.1)."""

from typing import Any

from idp.protocol import ciba, redirect_uris
from idp.protocol.client import Client
from idp.protocol.errors import InvalidClientMetadata
from idp.protocol.registration import check_https


def sector_of(client: Client) -> str:
    """Return the host that all redirect URIs share, "" when there are several (§8.1).

    Without redirect URIs it is the host of ``jwks_uri``, or of the notification endpoint of a
    client that tokens are pushed to (CIBA Core 1.0 §4), else the client alone: what is written so
    is no host of anybody's.
    """
    uris = client.redirect_uris
    endpoint = client.backchannel_client_notification_endpoint
    if not uris and endpoint is not None and client.backchannel_token_delivery_mode == ciba.PUSH:
        return check_https(endpoint)
    if not uris and client.jwks_uri is None:
        return f"client:{client.client_id}"
    if not uris:
        return check_https(client.jwks_uri or "")
    hosts = {redirect_uris.check(uri, client.application_type) for uri in uris}
    return hosts.pop() if len(hosts) == 1 else ""


def addresses_of(client: Client) -> tuple[str, ...]:
    """Return what a sector_identifier_uri has to list of a client (Core §8.1, CIBA Core 1.0 §4)."""
    own: tuple[str | None, ...] = ()
    if client.backchannel_token_delivery_mode == ciba.PUSH:
        own = (client.backchannel_client_notification_endpoint,)
    elif client.backchannel_token_delivery_mode is not None:
        own = (client.jwks_uri,)
    return (*client.redirect_uris, *(address for address in own if address is not None))


def sector_listed(document: Any, address: str, uris: tuple[str, ...]) -> str:
    """Return the host of a sector_identifier_uri whose ``document`` lists every one of ``uris``.

    OpenID Connect Dynamic Registration 1.0 §5; or raise InvalidClientMetadata.
    """
    if not uris:
        raise InvalidClientMetadata("a client without addresses of its own has no list of them")
    if not isinstance(document, list) or not set(uris) <= {x for x in document if type(x) is str}:
        raise InvalidClientMetadata("sector_identifier_uri does not list every redirect URI")
    return check_https(address)
