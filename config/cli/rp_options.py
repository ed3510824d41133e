"""What may be said of a relying party on the command line.

An option whose name is a member of ``Client`` needs no more than its line here.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from idp.protocol.authorization import RESPONSE_MODES
from idp.protocol.ciba import MODES
from idp.protocol.profile import PROFILES
from idp.protocol.registration import METHODS

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)

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
    click.option("--id-token-encryption-enc", "id_token_encrypted_response_enc"),
    click.option("--userinfo-alg", "userinfo_signed_response_alg", help="Default: plain JSON."),
    click.option("--userinfo-encryption-alg", "userinfo_encrypted_response_alg"),
    click.option("--userinfo-encryption-enc", "userinfo_encrypted_response_enc"),
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
    click.option("--answer-encryption-enc", "authorization_encrypted_response_enc"),
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
    click.option("--audience-scope", help="Words of the scope that it takes; default: all."),
    click.option(
        "--audience-token-lifetime",
        type=click.IntRange(1),
        help="Seconds that access tokens for it live at most.",
    ),
    click.option(
        "--introspection-alg",
        "introspection_signed_response_alg",
        help="Introspection is answered with a signed token (RFC 9701).",
    ),
    click.option("--introspection-encryption-alg", "introspection_encrypted_response_alg"),
    click.option("--introspection-encryption-enc", "introspection_encrypted_response_enc"),
    click.option(
        "--resource",
        "resources",
        multiple=True,
        help="A resource server that it may name (RFC 8707). Repeatable.",
    ),
    click.option(
        "--token-lifetime",
        "access_token_lifetime",
        type=click.IntRange(1),
        help="Seconds that its access tokens live at most.",
    ),
    click.option(
        "--exchange-subject",
        "exchange_subjects",
        multiple=True,
        help="client_id of whom it may exchange tokens (RFC 8693). Repeatable.",
    ),
    click.option(
        "--impersonates/--acts",
        "exchange_impersonates",
        default=None,
        help="What it exchanges says nothing of it, or says that it acts (default).",
    ),
    click.option("--may-act", help="client_id of whom alone may act with its tokens."),
    click.option(
        "--first-party/--third-party",
        default=None,
        help="An application of the issuer's own, which may show the login itself.",
    ),
)


def registration_options(command: Any) -> Any:
    """Give ``command`` every option of a registration."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command
