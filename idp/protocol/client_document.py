"""Clients that nobody registered: who they are stands at the address that is their client_id.

draft-ietf-oauth-client-id-metadata-document-02. The document is written for every server at once:
what this one does not offer is passed over. What only an operator may grant is never read from it.
"""

import re
from typing import Any

import msgspec

from config.settings import Issuer
from idp.protocol import redirect_uris, registration
from idp.protocol.claims import SCOPES
from idp.protocol.client import Client
from idp.protocol.errors import InvalidClientMetadata, InvalidRedirectUri
from idp.protocol.registration import SECRET_METHODS, Possible

LONGEST_ADDRESS = 256
"""Characters of a client_id that is an address: people may have to read it."""

GRANT_TYPES = ("authorization_code", "refresh_token")
"""What such a client may use: nothing that reaches a person who did not come with it."""

_ADDRESS = re.compile(r"https://(?P<host>[a-z0-9.-]+)(?::[0-9]{1,5})?(?P<path>/[^?#]*)", re.ASCII)


class Document(msgspec.Struct, kw_only=True):
    """The members that are read (RFC 7591 §2, OpenID Connect Dynamic Registration 1.0 §2)."""

    client_id: str
    redirect_uris: tuple[str, ...]
    post_logout_redirect_uris: tuple[str, ...] = ()
    application_type: str = "web"
    token_endpoint_auth_method: str = "none"
    token_endpoint_auth_signing_alg: str | None = None
    client_secret: Any = None
    client_secret_expires_at: Any = None
    jwks: dict[str, Any] | None = None
    jwks_uri: str | None = None
    grant_types: tuple[str, ...] = ("authorization_code",)
    response_types: tuple[str, ...] = ("code",)
    scope: str = "openid"
    id_token_signed_response_alg: str | None = None
    id_token_encrypted_response_alg: str | None = None
    id_token_encrypted_response_enc: str | None = None
    userinfo_signed_response_alg: str | None = None
    userinfo_encrypted_response_alg: str | None = None
    userinfo_encrypted_response_enc: str | None = None
    require_pushed_authorization_requests: bool = False
    require_signed_request_object: bool = False
    request_object_signing_alg: str | None = None
    dpop_bound_access_tokens: bool = False
    tls_client_certificate_bound_access_tokens: bool = False
    require_auth_time: bool = False
    default_max_age: int | None = None
    default_acr_values: tuple[str, ...] = ()
    policy_uri: str | None = None
    tos_uri: str | None = None


_COPIED = (
    *("post_logout_redirect_uris", "application_type", "token_endpoint_auth_method", "jwks_uri"),
    *("token_endpoint_auth_signing_alg", "id_token_encrypted_response_alg", "policy_uri"),
    *("id_token_encrypted_response_enc", "userinfo_signed_response_alg", "tos_uri"),
    *("userinfo_encrypted_response_alg", "userinfo_encrypted_response_enc"),
    *("require_pushed_authorization_requests", "require_signed_request_object"),
    *("request_object_signing_alg", "dpop_bound_access_tokens", "require_auth_time"),
    *("tls_client_certificate_bound_access_tokens", "default_max_age", "default_acr_values"),
)


def host_of(client_id: str) -> str | None:
    """Return the host of a client_id that is the address of a document; None for any other (§3).

    https with a path, in one spelling: a host in lower case that is no IP address, no dot
    segments, no query, no fragment, no user information.
    """
    match = _ADDRESS.fullmatch(client_id) if len(client_id) <= LONGEST_ADDRESS else None
    if match is None:
        return None
    try:
        host = redirect_uris.check(client_id, "web")
    except InvalidRedirectUri:
        return None
    return None if host.replace(".", "").isdigit() else host


def client_of(document: object, client_id: str, possible: Possible) -> Client:
    """Return the client that ``document``, found at ``client_id``, describes.

    It is called by its host, because nobody has looked at any other name that it gives itself.
    Raises InvalidClientMetadata or InvalidRedirectUri.
    """
    host = host_of(client_id)
    if host is None:
        raise InvalidClientMetadata("client_id is not the address of a document")
    try:
        said = msgspec.convert(document, Document)
    except msgspec.ValidationError as reason:
        raise InvalidClientMetadata(str(reason)) from None
    if said.client_id != client_id:  # §4.1: simple string comparison
        raise InvalidClientMetadata("client_id in the document is another one than its address")
    if said.token_endpoint_auth_method in SECRET_METHODS or said.client_secret is not None:
        raise InvalidClientMetadata("a document that all can read holds no secret")
    client = _client(said, host, possible.issuer)
    _check_homes(client, host)
    registration.check(client, possible)
    return client


def shell(client_id: str, issuer: str) -> Client | None:
    """Return what is known of such a client without its document: its host."""
    host = host_of(client_id)
    if host is None:
        return None
    return Client(
        client_id=client_id,
        issuer=issuer,
        names={"": host},
        redirect_uris=(),
        token_endpoint_auth_method="none",
        sector=host,
        self_described=True,
    )


def _client(said: Document, host: str, issuer: Issuer) -> Client:
    grant_types = tuple(name for name in GRANT_TYPES if name in said.grant_types)
    scope = frozenset(said.scope.split(" ")) & frozenset(SCOPES)
    if "refresh_token" not in grant_types:
        scope -= {"offline_access"}
    return Client(
        client_id=said.client_id,
        issuer=issuer.address,
        names={"": host},
        redirect_uris=said.redirect_uris,
        sector=host,
        self_described=True,
        profile=issuer.profile,
        jwks=None if said.jwks is None else msgspec.json.encode(said.jwks),
        grant_types=grant_types,
        response_types=tuple(name for name in said.response_types if name == "code"),
        scope=scope,
        id_token_signed_response_alg=said.id_token_signed_response_alg or issuer.signing_algs[0],
        **{name: getattr(said, name) for name in _COPIED},
    )


def _check_homes(client: Client, host: str) -> None:
    """§8.1: people are led back to the host that they were told, or to their own device."""
    for uri in (*client.redirect_uris, *client.post_logout_redirect_uris):
        home = redirect_uris.check(uri, client.application_type)
        if home != host and home not in redirect_uris.LOOPBACK:
            raise InvalidRedirectUri(f"the address {uri} is not on {host}")
