"""What the demonstration begins with: sample residents and registered relying parties."""

import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from joserfc.jwk import ECKey

from config.wiring.demo.contract import CREDENTIAL
from config.wiring.demo.contract import SCOPE as SIGNATURES
from config.wiring.demo.plan import SAMPLES, Plan
from config.wiring.demo.relying_party import Registration
from config.wiring.registering import registrar
from config.wiring.world import World
from idp.flows.registration import Registered
from idp.protocol.client import Client
from idp.residents.embedded import EmbeddedResidents
from idp.residents.importing import Importer, Order, Progress
from idp.residents.pins import PinHashing

TESTERS_REDIRECT_URI = "http://127.0.0.1:8765/cb"
METHODS = (
    "private_key_jwt",
    "client_secret_basic",
    "client_secret_post",
    "client_secret_jwt",
    "none",
)
WITHOUT_PKCE = frozenset(("client_secret_basic", "client_secret_post"))
"""Sample clients that stand for older software, and for the OpenID conformance suite: its plans
for plain OpenID Connect send no code challenge."""

SCOPE = frozenset(("openid", "profile", "email", "phone", "address", "offline_access"))


async def import_samples(
    world: World, directory: Path, report: Callable[[Progress], None]
) -> Progress:
    """Import the sample residents; on a second run they are unchanged."""
    assert isinstance(world.residents, EmbeddedResidents)
    pin = world.settings.factors.pin
    hashing = PinHashing.argon2id(memory=pin.memory, rounds=pin.rounds, threads=pin.concurrent)
    order = Order.of(SAMPLES, rejected=directory / "samples.rejected.jsonl")
    return await Importer.into(world.residents, hashing, world.clock).run(order, report)


async def register_clients(world: World, plan: Plan) -> None:
    """Register the sample relying party and a client for each way to authenticate.

    They are kept as long as the addresses stay the same: a client belongs to one issuer.
    """
    if plan.clients_file.exists() and _is_registered(plan):
        return
    write_private(plan.clients_file, [await _tester(world, plan, method) for method in METHODS])
    write_private(plan.registration_file, asdict(await _sample(world, plan)))


def _is_registered(plan: Plan) -> bool:
    try:
        kept = Registration.read(plan.registration_file)
    except (OSError, ValueError, TypeError):  # a run that was killed wrote a part of it, or nothing
        return False
    known = kept.issuer, kept.address, kept.certificate
    return known == (plan.issuer, plan.relying_party, _certificate(plan))


def _certificate(plan: Plan) -> str:
    return str(plan.certificate) if plan.tls else ""


async def _registered(world: World, wish: Client) -> Registered:
    """Register ``wish`` in the place of what a run before registered under its name."""
    service, now = registrar(world), world.clock.now()
    await service.remove(wish.client_id, now)
    return await service.add(wish, "", now)


@dataclass(frozen=True, slots=True)
class _KeyPair:
    private: dict[str, Any]
    public: bytes


def _key_pair() -> _KeyPair:
    key = ECKey.generate_key("P-256", {"alg": "ES256", "use": "sig"}, private=True, auto_kid=True)
    public = json.dumps({"keys": [key.as_dict(private=False)]}).encode()
    return _KeyPair(dict(key.as_dict(private=True)), public)


async def _sample(world: World, plan: Plan) -> Registration:
    pair = _key_pair()
    wish = Client(
        client_id="harbour-clinic",
        issuer=plan.issuer,
        profile="oidc",
        names={"": "Harbour Clinic", "fr": "Clinique du Port", "es": "Clínica del Puerto"}
        | {"ar": "عيادة الميناء", "hi": "हार्बर क्लिनिक", "sw": "Kliniki ya Bandari"},
        purposes={
            "": "to show you your appointments",
            "fr": "pour vous montrer vos rendez-vous",
            "es": "para mostrarle sus citas",
            "ar": "لعرض مواعيدك",
            "hi": "आपको आपकी अपॉइंटमेंट दिखाने के लिए",
            "sw": "ili kukuonyesha miadi yako",
        },
        redirect_uris=(f"{plan.relying_party}/cb", f"{plan.relying_party}/sign/cb"),
        grant_types=("authorization_code", "client_credentials"),
        authorization_details_types=(CREDENTIAL,),
        resources=(plan.esignet,),
        post_logout_redirect_uris=(f"{plan.relying_party}/",),
        token_endpoint_auth_method="private_key_jwt",
        sector="",
        jwks=pair.public,
        scope=SCOPE | {SIGNATURES},
    )
    client = (await _registered(world, wish)).client
    return Registration(
        issuer=plan.issuer,
        address=plan.relying_party,
        client_id=client.client_id,
        private_key=pair.private,
        cookie_secret=world.entropy.token(),
        esignet=plan.esignet,
        certificate=_certificate(plan),
    )


async def _tester(world: World, plan: Plan, method: str) -> dict[str, Any]:
    pair = _key_pair() if method == "private_key_jwt" else None
    wish = Client(
        client_id=f"sample-{method.replace('_', '-')}",
        issuer=plan.issuer,
        profile="oidc",
        names={"": f"Sample service ({method})"},
        redirect_uris=(TESTERS_REDIRECT_URI,),
        post_logout_redirect_uris=("http://127.0.0.1:8765/logged-out",),
        token_endpoint_auth_method=method,
        sector="",
        jwks=pair.public if pair else None,
        grant_types=("authorization_code", "refresh_token"),
        scope=SCOPE,
        require_pkce=method not in WITHOUT_PKCE,
    )
    registered = await _registered(world, wish)
    client = registered.client
    told: dict[str, Any] = {
        "client_id": client.client_id,
        "token_endpoint_auth_method": method,
        "redirect_uris": list(client.redirect_uris),
        "post_logout_redirect_uris": list(client.post_logout_redirect_uris),
        "id_token_signed_response_alg": client.id_token_signed_response_alg,
        "scope": " ".join(sorted(client.scope)),
        "require_pkce": client.require_pkce,
    }
    if registered.secret is not None:
        told["client_secret"] = registered.secret
    if pair is not None:
        told["jwks"] = {"keys": [pair.private]}
    return told


def write_private(path: Path, content: object) -> None:
    """Write JSON that only this user may read."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "w") as file:
        json.dump(content, file, indent=2)
