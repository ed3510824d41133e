"""The demonstration as a conformance tester needs it: an issuer per profile, two clients for each.

What the OpenID Foundation's suite drives, and in which fields its operator types what the ready
file says, is in docs/how-to/run-a-conformance-suite.md.
"""

import json
from dataclasses import dataclass, replace
from typing import Any

from joserfc.jwk import ECKey

from config.settings.issuers import RESPONSE_TYPES
from config.wiring.demo.plan import Plan
from config.wiring.demo.seed import write_private
from config.wiring.registering import registrar
from config.wiring.world import World
from idp.protocol.client import Client
from keystore.x509.self_signed import self_signed

SCOPE = frozenset(("openid", "profile", "email", "phone", "address", "offline_access"))
CIBA = "urn:openid:params:grant-type:ciba"
GRANTS = ("authorization_code", "refresh_token")


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """Clients of one kind: two, with keys of their own. ``alias`` is the tester's name of the test.

    ``changes`` are members of their registration.
    """

    alias: str
    profile: str
    method: str
    changes: dict[str, Any]


FAMILIES = (
    Family(
        alias="symbolon-oidc",
        profile="oidc",
        method="client_secret_basic",
        changes={
            "require_pkce": False,
            "response_types": RESPONSE_TYPES,
            "grant_types": (*GRANTS, "implicit"),
        },
    ),
    Family(
        alias="symbolon-oidc-post",
        profile="oidc",
        method="client_secret_post",
        changes={"require_pkce": False},
    ),
    Family(
        alias="symbolon-fapi2",
        profile="fapi2",
        method="private_key_jwt",
        changes={
            "dpop_bound_access_tokens": True,
            "grant_types": (*GRANTS, "client_credentials"),
            "authorization_details_types": ("payment_initiation",),
        },
    ),
    Family(
        alias="symbolon-fapi2-mtls",
        profile="fapi2",
        method="self_signed_tls_client_auth",
        changes={
            "tls_client_certificate_bound_access_tokens": True,
            "grant_types": (*GRANTS, "client_credentials"),
        },
    ),
    Family(
        alias="symbolon-fapi2-ms",
        profile="fapi2-message-signing",
        method="private_key_jwt",
        changes={"dpop_bound_access_tokens": True},
    ),
    Family(
        alias="symbolon-ciba-poll",
        profile="fapi2",
        method="private_key_jwt",
        changes={
            "tls_client_certificate_bound_access_tokens": True,
            "grant_types": (*GRANTS, CIBA),
            "backchannel_token_delivery_mode": "poll",
        },
    ),
    Family(
        alias="symbolon-ciba-ping",
        profile="fapi2",
        method="private_key_jwt",
        changes={
            "tls_client_certificate_bound_access_tokens": True,
            "grant_types": (*GRANTS, CIBA),
            "backchannel_token_delivery_mode": "ping",
        },
    ),
)


async def register_families(world: World, plan: Plan) -> None:
    """Register every family, and keep what the ready file says of them, by alias."""
    told = {family.alias: await _family(world, plan, family) for family in FAMILIES}
    write_private(plan.families_file, told)


async def _family(world: World, plan: Plan, family: Family) -> dict[str, Any]:
    issuer = resources = plan.issuer_of(family.profile)
    if family.changes.get("tls_client_certificate_bound_access_tokens"):
        resources = plan.certified(issuer)  # elsewhere nobody is asked for a certificate
    told: dict[str, Any] = {
        "issuer": issuer,
        "discoveryUrl": f"{issuer}/.well-known/openid-configuration",
        "resourceUrl": f"{resources}/resource",
    }
    for suffix in ("", "2"):
        told |= await _client(world, plan, family, suffix)
    return told


async def _client(world: World, plan: Plan, family: Family, suffix: str) -> dict[str, Any]:
    base = f"{plan.tester}/test/a/{family.alias}"
    keys = _Keys.made(world.clock.now())
    wish = Client(
        client_id=f"{family.alias}-client{suffix}",
        issuer=plan.issuer_of(family.profile),
        profile=family.profile,
        names={"": f"Conformance client {family.alias}{suffix}"},
        redirect_uris=(f"{base}/callback", f"{base}/callback?dummy1=lorem&dummy2=ipsum"),
        post_logout_redirect_uris=(f"{base}/post_logout_redirect",),
        token_endpoint_auth_method=family.method,
        sector="",
        grant_types=GRANTS,
        scope=SCOPE,
        jwks=None if "secret" in family.method else keys.public,
    )
    wish = replace(wish, **family.changes)
    if wish.backchannel_token_delivery_mode == "ping":
        wish = replace(
            wish, backchannel_client_notification_endpoint=f"{base}/ciba-notification-endpoint"
        )
    service = registrar(world)
    await service.remove(wish.client_id, world.clock.now())
    registered = await service.add(wish, "", world.clock.now())
    client: dict[str, Any] = {"client_id": wish.client_id, "scope": " ".join(sorted(SCOPE))}
    if registered.secret is not None:
        client["client_secret"] = registered.secret
        return {f"client{suffix}": client}
    client["jwks"] = {"keys": [keys.private]}
    return {f"client{suffix}": client, f"mtls{suffix}": keys.mtls}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Keys:
    """A signing key, and a certificate for TLS with a key of its own."""

    private: dict[str, Any]
    public: bytes
    mtls: dict[str, str]

    @classmethod
    def made(cls, now: int) -> "_Keys":
        signing = ECKey.generate_key("P-256", {"alg": "ES256", "use": "sig"}, auto_kid=True)
        certificate, key = self_signed((), ("client.example",), now)
        shown = certificate.decode()
        x5c = "".join(line for line in shown.splitlines() if "-" not in line)
        presented = ECKey.import_key(key).as_dict(private=False) | {"use": "sig", "x5c": [x5c]}
        public = [signing.as_dict(private=False), presented]
        return cls(
            private=dict(signing.as_dict(private=True)),
            public=json.dumps({"keys": public}).encode(),
            mtls={"cert": shown, "key": key.decode()},
        )
