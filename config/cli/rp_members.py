"""What may be said of a relying party on the command line, and how it becomes a registration.

An option whose name is a member of ``Client`` needs no more than its line in OPTIONS.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, replace
from pathlib import Path
from typing import Any

import click
from joserfc.jwk import ECKey

from idp.protocol.authorization import RESPONSE_MODES
from idp.protocol.ciba import MODES
from idp.protocol.client import Client
from idp.protocol.profile import PROFILES
from idp.protocol.registration import METHODS
from idp.protocol.response_types import IMPLICIT, canonical, grants_of

_TAGGED = re.compile(r"([A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8})*)=(.*)", re.DOTALL)
_MEMBERS = {field.name: field for field in fields(Client)}
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)

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

Decorator = Callable[[Any], Any]

OPTIONS: tuple[Decorator, ...] = (
    click.option("--redirect-uri", "redirect_uris", multiple=True, help="Repeatable."),
    click.option("--post-logout-redirect-uri", "post_logout_redirect_uris", multiple=True),
    click.option(
        "--auth-method",
        "token_endpoint_auth_method",
        type=click.Choice(METHODS),
        help="Default: private_key_jwt.",
    ),
    click.option("--profile", type=click.Choice(tuple(PROFILES)), help="Default: fapi2."),
    click.option(
        "--bound-to",
        type=click.Choice(("dpop", "certificate", "nothing")),
        help="What its access tokens are bound to; default: a DPoP key, if the profile demands"
        " one.",
    ),
    click.option(
        "--auth-alg", "token_endpoint_auth_signing_alg", help="Default: any that is safe."
    ),
    click.option(
        "--tls-subject",
        "tls_client_auth_subject_dn",
        help="The subject of its certificates (RFC 4514), for tls_client_auth; or one of these:",
    ),
    click.option("--tls-dns", "tls_client_auth_san_dns", help="A DNS name in its certificates."),
    click.option("--tls-uri", "tls_client_auth_san_uri", help="An address in its certificates."),
    click.option("--tls-ip", "tls_client_auth_san_ip", help="An IP address in its certificates."),
    click.option("--tls-email", "tls_client_auth_san_email", help="An e-mail address in them."),
    click.option("--jwks", type=_FILE, help="A file with its public keys (RFC 7517 §5)."),
    click.option("--jwks-uri", help="Where the client publishes its keys."),
    click.option(
        "--generate-key", is_flag=True, help="Make a key pair; the private half is printed."
    ),
    click.option("--scope", help="Default: openid profile email phone address."),
    click.option(
        "--offline/--no-offline",
        default=None,
        help="Allow refresh tokens (scope offline_access).",
    ),
    click.option(
        "--id-token-alg", "id_token_signed_response_alg", help="Default: the issuer's first."
    ),
    click.option("--id-token-encryption-alg", "id_token_encrypted_response_alg"),
    click.option("--userinfo-alg", "userinfo_signed_response_alg", help="Default: plain JSON."),
    click.option("--userinfo-encryption-alg", "userinfo_encrypted_response_alg"),
    click.option(
        "--native/--web",
        default=None,
        help="An application on a device (RFC 8252), or a website (default).",
    ),
    click.option(
        "--grant-type",
        "grant_types",
        multiple=True,
        help="authorization_code (default), client_credentials, device_code, ciba, token-exchange,"
        " jwt-bearer; repeatable.",
    ),
    click.option(
        "--response-type", "response_types", multiple=True, help="Default: code. Repeatable."
    ),
    click.option(
        "--response-mode", "response_modes", multiple=True, type=click.Choice(RESPONSE_MODES)
    ),
    click.option(
        "--push-requests/--no-push-requests",
        "require_pushed_authorization_requests",
        default=None,
        help="It pushes every authorization request (PAR); FAPI demands that always.",
    ),
    click.option(
        "--sign-requests/--no-sign-requests",
        "require_signed_request_object",
        default=None,
        help="It signs every authorization request (JAR).",
    ),
    click.option("--request-object-alg", "request_object_signing_alg", help="It signs with this."),
    click.option("--request-uri", "request_uris", multiple=True, help="Where signed ones lie."),
    click.option(
        "--answer-alg",
        "authorization_signed_response_alg",
        help="Signs answers that it wants signed (JARM); default: the issuer's first that fits.",
    ),
    click.option("--answer-encryption-alg", "authorization_encrypted_response_alg"),
    click.option(
        "--without-pkce/--with-pkce",
        default=None,
        help="Do not demand PKCE of a confidential client.",
    ),
    click.option(
        "--default-acr",
        "default_acr_values",
        multiple=True,
        help="Level of authentication where the request names none. Repeatable.",
    ),
    click.option(
        "--default-max-age",
        type=click.IntRange(0),
        help="Seconds since the person proved themselves, where the request names none.",
    ),
    click.option(
        "--require-auth-time/--no-require-auth-time",
        default=None,
        help="Tell auth_time in every ID token.",
    ),
    click.option("--purpose", "purposes", multiple=True, help="Why it asks: shown; or fr=TEXT."),
    click.option("--logo-uri"),
    click.option("--policy-uri"),
    click.option("--tos-uri"),
    click.option("--details-type", "authorization_details_types", multiple=True, help="RFC 9396."),
    click.option(
        "--delivery",
        "backchannel_token_delivery_mode",
        type=click.Choice(MODES),
        help="How a client of the grant ciba gets its tokens.",
    ),
    click.option(
        "--notification-endpoint",
        "backchannel_client_notification_endpoint",
        help="Where it is pinged, or its tokens are pushed.",
    ),
    click.option(
        "--request-alg",
        "backchannel_authentication_request_signing_alg",
        help="It signs its backchannel requests, with this; FAPI demands a signature always.",
    ),
    click.option(
        "--user-code/--no-user-code",
        "backchannel_user_code_parameter",
        default=None,
        help="It tells the code that people set against unwanted requests.",
    ),
    click.option(
        "--number-match/--no-number-match",
        default=None,
        help="It shows the number of the answer, which people type to approve.",
    ),
    click.option("--sso-group", help="Apps of one maker that share logins (Native SSO)."),
    click.option("--audience", help="The resource server whose tokens it may introspect."),
)

REMOVABLE = tuple(
    name
    for name, member in _MEMBERS.items()
    if member.default is None or (member.default == () and name != "response_types")
    if name not in ("secret_digest", "sealed_secret")
)
"""Members that a registration can be without."""


def registration_options(command: Any) -> Any:
    """Give ``command`` every option of a registration."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command


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
