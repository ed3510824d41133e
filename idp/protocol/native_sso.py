"""Single sign-on among the apps of one maker on one device (OpenID Connect Native SSO 1.0).

One app gets a device secret beside its ID token and leaves both where only the apps of its maker
on that device can read them; another one exchanges them for tokens of its own.
"""

import re
from base64 import urlsafe_b64encode
from dataclasses import dataclass

from idp.protocol.client import Client
from idp.protocol.errors import (
    InvalidClientMetadata,
    InvalidRequest,
    InvalidScope,
    InvalidTarget,
)
from idp.protocol.parameters import Parameters
from idp.protocol.token_exchange import ACCESS_TOKEN, ID_TOKEN

DEVICE_SSO = "device_sso"
"""The scope that asks for a device secret (§3.1)."""

DEVICE_SECRET = "urn:openid:params:token-type:device-secret"
"""The type of the actor token (§4.1)."""

_GROUP = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceSecret:
    """What a device secret stands for. ``digest`` is its SHA-256: the secret is not kept.

    It is good for clients of ``sso_group`` while the session lives, and no longer than
    ``expires_at``. ``auth_time``, ``acr`` and ``amr`` are those of the login that it came from.
    """

    digest: bytes
    issuer: str
    sso_group: str
    session_id: str
    resident_id: str
    auth_time: int
    acr: str | None
    amr: tuple[str, ...]
    expires_at: int

    @property
    def ds_hash(self) -> str:
        """Return what binds an ID token to it: the claim ``ds_hash`` (§3.4)."""
        return urlsafe_b64encode(self.digest).rstrip(b"=").decode()


def check_registration(client: Client, offered: bool) -> None:
    """Raise InvalidClientMetadata unless a client that takes part may, and says with whom."""
    if not client.sso_group:
        return
    if not offered:
        raise InvalidClientMetadata("the issuer does not offer native single sign-on")
    if not _GROUP.fullmatch(client.sso_group):
        raise InvalidClientMetadata("sso_group has 1 to 64 letters, digits, dots and dashes")


def scope_words(client: Client, offered: bool) -> frozenset[str]:
    """Return the scope values that a client of a group may be registered for."""
    return frozenset((DEVICE_SSO,)) if offered and client.sso_group else frozenset()


def check_exchange(asked: Parameters, issuer: str) -> None:
    """Raise an OAuthError unless the request has what the profile demands (§4.2)."""
    for name in ("subject_token", "actor_token", "audience"):
        asked.require(name)
    if asked.get("subject_token_type") != ID_TOKEN:
        raise InvalidRequest("subject_token_type is not that of an ID token")
    if asked.get("requested_token_type", ACCESS_TOKEN) != ACCESS_TOKEN:
        raise InvalidRequest("requested_token_type is not supported")
    if asked.words("audience") != (issuer,):
        raise InvalidTarget("audience is not this issuer")


def wanted_scope(asked: Parameters, client: Client) -> tuple[str, ...]:
    """Return the scope of the new tokens, or raise InvalidScope: nothing beyond the registration.

    Nothing asked is ``openid``.
    """
    wanted = asked.words("scope") or ("openid",)
    if "openid" not in wanted or not client.scope.issuperset(wanted):
        raise InvalidScope("scope holds openid, and nothing that is not registered")
    if "refresh_token" not in client.grant_types:
        return tuple(word for word in wanted if word != "offline_access")
    return wanted
