"""Resource servers: which of them a client may name, and what a token for them may say (RFC 8707).

A resource server is a registered client with an ``audience``: the address that others name it by.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit

from config.settings import Features
from idp.protocol.client import Client
from idp.protocol.errors import InvalidClientMetadata, InvalidTarget
from idp.protocol.parameters import Parameters
from idp.protocol.signing import APPROVED_ONCE

MOST_RESOURCES = 50
LONGEST_ADDRESS = 2048

_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+\Z", re.ASCII)  # RFC 6749 §3.3


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceServer:
    """``address`` is what clients name it by, and ``aud`` of the access tokens for it.

    ``scope`` are the words that it takes, empty for every word. Its tokens live ``lifetime``
    seconds at most, where it says so.
    """

    address: str
    scope: frozenset[str] = frozenset()
    lifetime: int | None = None

    @classmethod
    def of(cls, client: Client) -> "ResourceServer":
        """Return the resource server that ``client`` is."""
        assert client.audience is not None
        return cls(
            address=client.audience,
            scope=client.audience_scope,
            lifetime=client.audience_token_lifetime,
        )

    def takes(self, word: str) -> bool:
        """Return whether a scope value means something to it."""
        return not self.scope or word in self.scope


def is_address(text: str) -> bool:
    """Return whether ``text`` may name a resource server: https, absolute, without fragment (§2).

    No query, no user information, nothing that two readers could read in two ways.
    """
    if not text.isascii() or not text.isprintable() or len(text) > LONGEST_ADDRESS:
        return False
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return False
    return (
        parts.scheme == "https"
        and bool(parts.hostname)
        and parts.username is None
        and port != 0
        and not any(character in text for character in ' "#?<>\\^`{|}')
    )


def check_asked(asked: Iterable[str], client: Client) -> None:
    """Raise InvalidTarget unless ``client`` may ask for tokens for every one of ``asked`` (§2).

    The issuer itself may be named by everybody: its own resources take what they always take.
    """
    allowed = {*client.resources, client.issuer}
    if not allowed.issuperset(asked):
        raise InvalidTarget("resource is not one that this client may name")


class Asking(Protocol):
    """A request, as ``idp.protocol.checks.Case`` says."""

    @property
    def asked(self) -> Parameters: ...

    @property
    def client(self) -> Client: ...

    @property
    def features(self) -> Features: ...


def may_be_named(case: Asking) -> None:
    """RFC 8707 §2. The signing service may be named by whoever may ask for signatures."""
    named = set(case.asked.words("resource"))
    if not APPROVED_ONCE.isdisjoint(case.client.authorization_details_types):
        named.discard(case.features.signing_service)
    check_asked(named, case.client)


def chosen(asked: tuple[str, ...], granted: tuple[str, ...], issuer: str) -> tuple[str, ...]:
    """Return whom the token is for: whoever is ``asked`` for now, else all that were granted.

    What was not asked for when the person agreed is not added later (§2.2): InvalidTarget.
    """
    if not {*granted, issuer}.issuperset(asked):
        raise InvalidTarget("resource is not among those that were granted")
    return asked or granted or (issuer,)


def narrowed(
    scope: tuple[str, ...], servers: Collection[ResourceServer], details: Collection[object]
) -> tuple[str, ...]:
    """Return those words of ``scope`` that every one of ``servers`` takes (RFC 9068 §3).

    A word that was granted for one of them must not mean something to another. Raises
    InvalidTarget when nothing is left, neither words nor ``details``.
    """
    kept = tuple(word for word in scope if all(server.takes(word) for server in servers))
    if scope and not kept and not details:
        raise InvalidTarget("the resources take nothing of the scope; ask for one token for each")
    return kept


def details_for(
    details: tuple[dict[str, Any], ...], audience: Collection[str]
) -> tuple[dict[str, Any], ...]:
    """Return the authorization details that concern ``audience``: RFC 9396 §9.1.

    One that names ``locations`` is for those resource servers, one that names none for all.
    """
    return tuple(
        detail
        for detail in details
        if not detail.get("locations") or set(detail["locations"]) & set(audience)
    )


def words_for(client: Client, servers: Mapping[str, ResourceServer]) -> frozenset[str]:
    """Return the scope values of resource servers that ``client`` may be registered for.

    Those that its ``resources`` take; where one takes any, whatever the client says.
    """
    own = {} if client.audience is None else {client.audience: ResourceServer.of(client)}
    known = {**servers, **own}
    named = [known[address] for address in client.resources if address in known]
    if not all(server.scope for server in named):
        return frozenset(word for word in client.scope if _SCOPE.match(word))
    return frozenset(word for server in named for word in server.scope)


def check_registration(client: Client, servers: Mapping[str, ResourceServer]) -> None:
    """Raise InvalidClientMetadata unless the client may name, and be, what it says.

    ``servers`` are the others that are registered, by their address.
    """
    if unknown := set(client.resources) - {*servers, client.issuer, client.audience}:
        raise InvalidClientMetadata(f"resources: no {', '.join(sorted(unknown))} is registered")
    if len(client.resources) > MOST_RESOURCES:
        raise InvalidClientMetadata(f"resources are {MOST_RESOURCES} at most")
    if client.audience is not None and client.audience != client.issuer:
        if not is_address(client.audience):
            raise InvalidClientMetadata("audience is an https address without query or fragment")
        if client.audience in servers:
            raise InvalidClientMetadata("audience is another client's")
    if not all(_SCOPE.match(word) for word in client.audience_scope):
        raise InvalidClientMetadata("audience_scope holds characters that are not allowed")
    for seconds in (client.audience_token_lifetime, client.access_token_lifetime):
        if seconds is not None and seconds < 1:
            raise InvalidClientMetadata("a lifetime of access tokens is one second or more")
    if "client_credentials" in client.grant_types and client.is_public:
        raise InvalidClientMetadata("client_credentials needs a client that can authenticate")
