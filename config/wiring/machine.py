"""What machines ask of an issuer, plugged together: metadata, keys, tokens, userinfo."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from config.runtime.cache import Cache
from config.runtime.crashpoints import CrashHere
from config.runtime.web.sites import Route
from config.settings import Issuer
from config.wiring.attestation import attestation_methods, challenge_endpoint
from config.wiring.backchannel import backchannel
from config.wiring.certificates import certificate_methods, certificates_arrive, with_aliases
from config.wiring.client_documents import client_documents
from config.wiring.details import detail_types
from config.wiring.device import device_endpoint
from config.wiring.global_revocation import global_revocation
from config.wiring.grant_management import grant_management
from config.wiring.grant_types import grant_types
from config.wiring.pushing import par_endpoint, requests
from config.wiring.senders import access, dpop_proofs
from config.wiring.signatures import activating
from config.wiring.stores import Stores
from config.wiring.world import World
from idp.client_auth.assertion import Audience
from idp.client_auth.client_secret_basic import ClientSecretBasic
from idp.client_auth.client_secret_jwt import ClientSecretJwt
from idp.client_auth.client_secret_post import ClientSecretPost
from idp.client_auth.keys import ClientKeys
from idp.client_auth.method import Method
from idp.client_auth.none import Public
from idp.client_auth.private_key_jwt import ALGS, PrivateKeyJwt
from idp.endpoints.discovery import DiscoveryEndpoint
from idp.endpoints.errors import explained
from idp.endpoints.inspection import InspectionEndpoint
from idp.endpoints.jwks import JwksEndpoint
from idp.endpoints.resource import Resource
from idp.endpoints.sample_resource import SampleResource
from idp.endpoints.token import TokenEndpoint
from idp.endpoints.userinfo import UserinfoEndpoint
from idp.flows.access import Access
from idp.flows.clients import (
    CACHE_ENTRIES,
    CACHE_SECONDS,
    ClientAuthentication,
    KnownClients,
    SigningService,
)
from idp.flows.inspection import Inspection
from idp.flows.issuer_keys import IssuerKeys
from idp.flows.nesting import Nesting
from idp.flows.requests import Requests
from idp.flows.resource_servers import ResourceServers
from idp.flows.senders import Senders
from idp.flows.tokens import Tokens
from idp.flows.userinfo import Userinfo
from idp.grants.grant_type import GrantType
from idp.protocol.acr import Ladder
from idp.protocol.discovery import Offer
from keystore.jose import jwe


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """One issuer as machines see it. All but ``routes`` is what several flows stand on."""

    issuer: Issuer
    known: KnownClients
    client_keys: ClientKeys
    keys: IssuerKeys
    authentication: ClientAuthentication
    senders: Senders
    access: Access
    nesting: Nesting
    requests: Requests
    resource_servers: ResourceServers
    routes: tuple[Route, ...] = ()


class Routed(Protocol):
    """Something with addresses."""

    def routes(self) -> Sequence[Route]: ...


def machine(world: World, issuer: Issuer, stores: Stores, crash_here: CrashHere) -> Machine:
    """Return the machine endpoints of ``issuer``."""
    clock, max_age = world.clock, world.settings.lifetimes.metadata
    shared = _shared(world, issuer, stores)
    offered = grant_types(world, stores, shared)
    offer = _offer(world, issuer, offered, shared.authentication.methods)
    made = tokens(world, shared, offered, crash_here)
    endpoints: tuple[Routed, ...] = (
        DiscoveryEndpoint(issuer, offer, max_age),
        JwksEndpoint(issuer.address, shared.keys, max_age),
        TokenEndpoint(made, clock),
        UserinfoEndpoint(
            _userinfo(world, shared),
            Resource(access=shared.access, clock=clock, scope="openid", form=True),
        ),
        InspectionEndpoint(_inspection(world, stores, shared), clock),
        *par_endpoint(world, shared.authentication, shared.senders, shared.requests),
        *challenge_endpoint(world, issuer),
        *device_endpoint(world, issuer, shared.authentication),
        *backchannel(world, shared, made),
        *grant_management(world, issuer, shared.access),
        *global_revocation(world, issuer, stores, shared.known, shared.access),
        *((SampleResource(shared.access, clock),) if issuer.features.sample_resource else ()),
    )
    routes = [route for endpoint in endpoints for route in endpoint.routes()]
    return replace(shared, routes=with_aliases(explained(routes, issuer.address), issuer))


def _shared(world: World, issuer: Issuer, stores: Stores) -> Machine:
    keys = IssuerKeys(issuer.address, world.door)
    known = KnownClients(
        issuer.address,
        issuer.profile,
        stores.clients,
        Cache(world.clock, entries=CACHE_ENTRIES, seconds=CACHE_SECONDS),
        client_documents(world, issuer),
        _signing_service(issuer, keys),
    )
    client_keys = ClientKeys(world.fetcher.get_json, world.clock)
    methods = _methods(world, issuer, stores, client_keys)
    proofs = dpop_proofs(world, issuer)
    return Machine(
        issuer=issuer,
        known=known,
        client_keys=client_keys,
        keys=keys,
        authentication=ClientAuthentication(known, methods, world.database),
        senders=Senders(proofs),
        access=access(world, keys, stores.grants, proofs),
        nesting=Nesting(client_keys),
        requests=requests(world, issuer, keys, client_keys, stores.pushed),
        resource_servers=ResourceServers(
            issuer.address,
            stores.clients,
            Cache(world.clock, entries=1, seconds=CACHE_SECONDS),
            issuer.features.signing_service,
        ),
    )


def _signing_service(issuer: Issuer, keys: IssuerKeys) -> SigningService | None:
    """Return the signing service as who acts for clients, proven by keys of the issuer's own."""

    async def jwks() -> bytes:
        return (await keys.published()).jwks

    address = issuer.features.signing_service
    return SigningService(address, jwks) if address else None


def tokens(
    world: World, shared: Machine, offered: Mapping[str, GrantType], crash_here: CrashHere
) -> Tokens:
    """Return what makes tokens of the issuer, and exchanges grants of the ``offered`` types."""
    return Tokens(
        issuer=shared.issuer,
        authentication=shared.authentication,
        keys=shared.keys,
        senders=shared.senders,
        grant_types=offered,
        residents=world.residents,
        nesting=shared.nesting,
        resource_servers=shared.resource_servers,
        detail_types=detail_types(shared.issuer),
        door=world.door,
        database=world.database,
        entropy=world.entropy,
        lifetimes=world.settings.lifetimes,
        crash_here=crash_here,
        activating=activating(world, shared.issuer),
    )


def _userinfo(world: World, shared: Machine) -> Userinfo:
    return Userinfo(
        issuer=shared.issuer,
        access=shared.access,
        known=shared.known,
        nesting=shared.nesting,
        door=world.door,
    )


def _inspection(world: World, stores: Stores, shared: Machine) -> Inspection:
    return Inspection(
        issuer=shared.issuer,
        authentication=shared.authentication,
        access=shared.access,
        refresh_tokens=stores.refresh_tokens,
        records=stores.records,
        database=world.database,
        door=world.door,
        nesting=shared.nesting,
    )


def _methods(
    world: World, issuer: Issuer, stores: Stores, client_keys: ClientKeys
) -> dict[str, Method]:
    audience = Audience(issuer.address)
    secrets: Cache[bytes, bytes] = Cache(world.clock, entries=CACHE_ENTRIES, seconds=300)
    methods: tuple[Method, ...] = (
        PrivateKeyJwt(client_keys, stores.used, audience),
        ClientSecretBasic(),
        ClientSecretPost(),
        ClientSecretJwt(world.door, stores.used, audience, secrets),
        Public(),
        *certificate_methods(world.settings.web, client_keys),
        *attestation_methods(world, issuer, client_keys, stores.used),
    )
    offered = issuer.features.auth_methods
    return {method.name: method for method in methods if method.name in offered}


def _offer(
    world: World, issuer: Issuer, offered: Mapping[str, GrantType], methods: Mapping[str, Method]
) -> Offer:
    ladder = Ladder.of(issuer.ladder, world.settings.factors.enabled)
    return Offer(
        grant_types=tuple(offered),
        auth_methods=tuple(methods),
        auth_algs=(*ALGS, "HS256"),
        acr_values=ladder.names,
        languages=world.settings.pages.languages,
        encryption_algs=sorted(jwe.KEY_MANAGEMENT),
        encryption_encs=sorted(jwe.CONTENT),
        detail_types=sorted(detail_types(issuer)),
        certificates=certificates_arrive(world.settings.web),
    )
