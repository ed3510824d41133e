"""How what was said of a relying party on the command line becomes a registration.

An option whose name is a member of ``Client`` needs nothing here but its line in ``rp_options``.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import MISSING, fields, replace
from typing import Any

import click
from joserfc.jwk import ECKey

from idp.protocol.client import Client
from idp.protocol.profile import PROFILES
from idp.protocol.response_types import IMPLICIT, canonical, grants_of

_TAGGED = re.compile(r"([A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8})*)=(.*)", re.DOTALL)
_MEMBERS = {field.name: field for field in fields(Client)}

GRANTS = {
    name.rpartition(":")[2]: name
    for name in (
        "urn:ietf:params:oauth:grant-type:device_code",
        "urn:ietf:params:oauth:grant-type:token-exchange",
        "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "urn:openid:params:grant-type:ciba",
    )
}
"""Grant types that are addresses, by their last word."""

REMOVABLE = tuple(
    name
    for name, member in _MEMBERS.items()
    if member.default in (None, (), frozenset())
    if name not in ("secret_digest", "sealed_secret")
)
"""Members that a registration can be without."""


def generated(options: dict[str, Any]) -> dict[str, Any] | None:
    """Put the keys into ``options`` as bytes; return the private one that was made for it."""
    file = options.pop("jwks")
    options["jwks"] = None if file is None else file.read_bytes()
    if not options.pop("generate_key"):
        return None
    if file is not None or options["jwks_uri"]:
        raise click.UsageError("--generate-key excludes --jwks and --jwks-uri")
    key = ECKey.generate_key("P-256", {"alg": "ES256", "use": "sig"}, private=True, auto_kid=True)
    options["jwks"] = json.dumps({"keys": [key.as_dict(private=False)]}).encode()
    return dict(key.as_dict(private=True))


def applied(client: Client, options: Mapping[str, Any]) -> Client:
    """Return ``client`` with what ``options`` say; what was not given stays as it is."""
    said = {name: value for name, value in options.items() if value not in (None, ())}
    if "jwks" in said:
        said.setdefault("jwks_uri", None)
    elif "jwks_uri" in said:
        said["jwks"] = None
    if "audience_scope" in said:
        said["audience_scope"] = frozenset(said["audience_scope"].split())
    said |= _reach(client, said) | _kind(client, said) | _texts(client, said)
    return replace(client, **said)


def without(client: Client, members: tuple[str, ...]) -> Client:
    """Return ``client`` without the ``members`` (of REMOVABLE)."""
    defaults = {name: _MEMBERS[name].default for name in members}
    return replace(client, **{k: v for k, v in defaults.items() if v is not MISSING})


def _reach(client: Client, said: dict[str, Any]) -> dict[str, Any]:
    """Return scope, grant types and response types, which belong together.

    Refresh tokens come with offline_access and go with it; response types with the code flow.
    """
    if not said.keys() & {"scope", "offline", "grant_types", "response_types"}:
        return {}
    scope = frozenset(said.pop("scope").split()) if "scope" in said else client.scope
    offline = said.pop("offline", None)
    if offline is not None:
        scope = scope | {"offline_access"} if offline else scope - {"offline_access"}
    wished = said.pop("grant_types", client.grant_types)
    grant_types = [GRANTS.get(name, name) for name in wished if name != "refresh_token"]
    wished = said.pop("response_types", client.response_types or ("code",))
    response_types = tuple(canonical(one) for one in wished)
    if not {"authorization_code", IMPLICIT} & set(grant_types):
        response_types = ()
    grant_types = _fitting(grant_types, response_types)
    if "offline_access" in scope:
        grant_types.append("refresh_token")
    return {"scope": scope, "grant_types": tuple(grant_types), "response_types": response_types}


def _fitting(grant_types: list[str], response_types: tuple[str, ...]) -> list[str]:
    """Return the grant types with those that the response types bring (RFC 7591 §2.1)."""
    brought = frozenset[str]().union(*(grants_of(one) for one in response_types))
    others = [name for name in grant_types if name not in ("authorization_code", IMPLICIT)]
    return [*sorted(brought), *others]


def _kind(client: Client, said: dict[str, Any]) -> dict[str, Any]:
    members: dict[str, Any] = {}
    if "native" in said:
        members["application_type"] = "native" if said.pop("native") else "web"
    if "without_pkce" in said:
        members["require_pkce"] = not said.pop("without_pkce")
    bound = said.pop("bound_to", None)
    profile = PROFILES[said.get("profile", client.profile)]
    if bound is None and profile.sender_constrained and not client.is_sender_constrained:
        bound = "dpop"
    if bound is not None:
        members["dpop_bound_access_tokens"] = bound == "dpop"
        members["tls_client_certificate_bound_access_tokens"] = bound == "certificate"
    return members


def _texts(client: Client, said: dict[str, Any]) -> dict[str, Any]:
    """Return names and purposes: each TEXT or TAG=TEXT is one language, an empty one goes."""
    members = {}
    for name in ("names", "purposes"):
        texts = dict(getattr(client, name))
        for given in said.pop(name, ()):
            tagged = _TAGGED.fullmatch(given)
            tag, text = (tagged[1], tagged[2]) if tagged else ("", given)
            texts[tag] = text
        members[name] = {tag: text for tag, text in texts.items() if text}
    return members
