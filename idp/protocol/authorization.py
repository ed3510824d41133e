"""The authorization request, and where its answer goes (RFC 6749 §4.1.1, RFC 9207)."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from idp.protocol.claims_request import ClaimsRequest
from idp.protocol.client import Client
from idp.protocol.errors import InvalidRequest, OAuthError
from idp.protocol.parameters import Parameters
from idp.protocol.profile import PROFILES

RESPONSE_MODES = ("query", "fragment", "form_post")
"""OAuth 2.0 Multiple Response Types 1.0 §2.1, OAuth 2.0 Form Post Response Mode 1.0."""

SIGNED_MODES = ("jwt", "query.jwt", "fragment.jwt", "form_post.jwt")
"""JARM §2.3."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer on its way to the client: ``fields`` travel to ``uri`` as ``mode`` says.

    ``signed``: they travel as the claims of one token (``idp.flows.answers_signing``).
    """

    uri: str
    mode: str
    fields: tuple[tuple[str, str], ...]
    signed: bool = False

    @property
    def location(self) -> str:
        """Return the address to redirect to (not for form_post)."""
        joint = "#" if self.mode == "fragment" else "&" if "?" in self.uri else "?"
        return f"{self.uri}{joint}{urlencode(self.fields)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """How an answer is asked to travel. ``usual`` is the mode where none is asked.

    OAuth 2.0 Multiple Response Types 1.0 §2.1, §5: what holds a token stands in the fragment.
    """

    usual: str
    mode: str
    signed: bool

    @property
    def is_safe(self) -> bool:
        """Return whether no token would stand in a query."""
        return self.mode in RESPONSE_MODES and (self.mode, self.usual) != ("query", "fragment")


def delivery(asked: Parameters) -> Delivery:
    """Return how the answer is asked to travel; ``jwt`` is the usual mode, signed (JARM §2.3)."""
    tokens = {"token", "id_token"} & set(asked.words("response_type"))
    usual = "fragment" if tokens else "query"
    wished = asked.get("response_mode", usual)
    mode = usual if wished == "jwt" else wished.removesuffix(".jwt")
    return Delivery(usual=usual, mode=mode, signed=wished in SIGNED_MODES)


@dataclass(frozen=True, slots=True)
class ReplyTo:
    """A redirect URI that the client has registered, and how answers travel there.

    ``ReplyTo.for_client`` is the only maker. To redirect a user agent one must hold a ReplyTo, so
    an unregistered address cannot be redirected to (RFC 6749 §4.1.2.1).
    """

    uri: str
    mode: str
    state: str | None
    issuer: str
    signed: bool = False

    @classmethod
    def for_client(cls, client: Client, asked: Parameters, issuer: str) -> "ReplyTo":
        """Return the proven address, or raise InvalidRequest: then nobody is redirected."""
        uri = asked.require("redirect_uri")
        if not any(_same(uri, registered, client) for registered in client.redirect_uris):
            raise InvalidRequest("redirect_uri is not registered for this client")
        way = delivery(asked)
        mode, signed = way.mode, way.signed or PROFILES[client.profile].signed_answers
        if mode not in client.response_modes or not way.is_safe:
            mode = way.usual  # the refusal itself is told by a check, in the mode that is safe
        return cls(uri, mode, asked.get("state"), issuer, signed)

    def accept(self, *fields: tuple[str, str]) -> Reply:
        """Return the successful answer (RFC 6749 §4.1.2): a code, tokens, or both."""
        return self._reply(*fields)

    def refuse(self, refusal: OAuthError) -> Reply:
        """Return the error answer (RFC 6749 §4.1.2.1)."""
        description = (("error_description", refusal.description),) if refusal.description else ()
        explained = ("error_uri", f"{self.issuer}/errors/{refusal.code}")
        return self._reply(("error", refusal.code), *description, explained)

    def _reply(self, *fields: tuple[str, str]) -> Reply:
        state = () if self.state is None else (("state", self.state),)
        # RFC 9207 §2: iss defends the client against mix-up.
        return Reply(
            uri=self.uri,
            mode=self.mode,
            fields=(*fields, *state, ("iss", self.issuer)),
            signed=self.signed,
        )


def _same(uri: str, registered: str, client: Client) -> bool:
    if uri == registered:  # simple string comparison: RFC 9700 §4.1.3
        return True
    # RFC 8252 §7.3: a native application's loopback redirect may use any port.
    return (
        client.application_type == "native"
        and (address := _loopback(uri)) is not None
        and address == _loopback(registered)
    )


def _loopback(uri: str) -> tuple[str, str] | None:
    for host in ("http://127.0.0.1", "http://[::1]"):
        if uri.startswith(host):
            port, slash, path = uri[len(host) :].partition("/")
            if port == "" or (port[0] == ":" and port[1:].isascii() and port[1:].isdigit()):
                return host, slash + path
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedHint:
    """What an ID token says that an issuer of ours signed once; it may have expired.

    Given as ``id_token_hint`` (OpenID Connect Core 1.0 §3.1.2.1, RP-Initiated Logout 1.0 §2).
    ``session`` is its ``sid``.
    """

    subject: str
    audience: tuple[str, ...]
    session: str | None
    ds_hash: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationRequest:
    """A request that passed every check of ``idp.protocol.checks``.

    ``hinted_subject`` is the ``sub`` of a verified id_token_hint; ``acr_values`` are in the order
    in which they were asked; ``max_age`` and ``acr_values`` are the registered defaults where
    nothing was asked; ``auth_time_asked`` says that the ID token must tell ``auth_time`` (OpenID
    Connect Core 1.0 §2); ``display`` and ``ui_locales`` are wishes. ``resources`` are resource
    servers (RFC 8707), ``details`` the authorization_details (RFC 9396), ``grant_id`` and
    ``grant_action`` say which grant is to be amended and how, ``dpop_jkt`` the key that
    the code is bound to (RFC 9449 §10). ``pushed`` is the digest of the pushed request that this
    is, ``decoupled`` of the request of another device that the login approves.
    """

    client_id: str
    reply_to: ReplyTo
    response_type: str
    scope: tuple[str, ...]
    code_challenge: str | None
    nonce: str | None
    prompt: frozenset[str]
    max_age: int | None
    acr_values: tuple[str, ...]
    claims: ClaimsRequest
    claims_locales: tuple[str, ...]
    ui_locales: tuple[str, ...]
    login_hint: str | None
    hinted_subject: str | None
    display: str
    auth_time_asked: bool
    resources: tuple[str, ...] = ()
    details: tuple[dict[str, Any], ...] = ()
    grant_id: str | None = None
    grant_action: str = ""
    dpop_jkt: str | None = None
    pushed: bytes | None = None
    decoupled: bytes | None = None

    @property
    def is_silent(self) -> bool:
        """Return whether no page may be shown (OpenID Connect Core 1.0 §3.1.2.1)."""
        return "none" in self.prompt
