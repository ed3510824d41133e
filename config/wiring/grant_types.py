"""The grant types of an issuer, plugged together."""

from dataclasses import dataclass
from functools import partial
from typing import Protocol

from config.settings import Issuer
from config.wiring.backchannel import ciba_grant
from config.wiring.device import device_grant
from config.wiring.native_sso import native_sso_profile, with_device_secrets
from config.wiring.stores import Stores
from config.wiring.world import World
from idp.client_auth.keys import ClientKeys
from idp.flows.access import Access
from idp.flows.clients import KnownClients
from idp.flows.exchanged_tokens import AccessTokens, IdTokens
from idp.flows.issuer_keys import IssuerKeys
from idp.flows.login_subjects import subject_of
from idp.grants.authorization_code import AuthorizationCode
from idp.grants.client_credentials import ClientCredentials
from idp.grants.grant_type import GrantType
from idp.grants.jwt_bearer import JwtBearer
from idp.grants.opening import Opening
from idp.grants.refresh_token import RefreshTokenGrant
from idp.grants.revocation import Revocation
from idp.grants.token_exchange import TokenExchange
from idp.protocol.token_exchange import ACCESS_TOKEN, ID_TOKEN
from idp.stores.subjects import Subjects
from keystore.door import Door


class Shared(Protocol):
    """What the endpoints for machines of one issuer have in common."""

    @property
    def issuer(self) -> Issuer: ...

    @property
    def access(self) -> Access: ...

    @property
    def keys(self) -> IssuerKeys: ...

    @property
    def known(self) -> KnownClients: ...

    @property
    def client_keys(self) -> ClientKeys: ...


def grant_types(world: World, stores: Stores, shared: Shared) -> dict[str, GrantType]:
    """Return the grant types that the issuer offers, by their names."""
    issuer = shared.issuer
    opening = Opening(
        grants=stores.grants,
        refresh_tokens=stores.refresh_tokens,
        records=stores.records,
        entropy=world.entropy,
        lifetimes=world.settings.lifetimes,
    )
    revocation = Revocation(world.database, stores.grants, stores.records)
    code = AuthorizationCode(
        codes=stores.codes,
        residents=world.residents,
        opening=opening,
        revocation=revocation,
    )
    refresh = RefreshTokenGrant(
        grants=stores.grants,
        refresh_tokens=stores.refresh_tokens,
        residents=world.residents,
        records=stores.records,
        entropy=world.entropy,
        lifetimes=world.settings.lifetimes,
        revocation=revocation,
    )
    device = device_grant(world, issuer.address, opening)
    offered: tuple[GrantType, ...] = (
        *with_device_secrets(world, issuer, code, refresh, device),
        ClientCredentials(issuer=issuer.address, opening=opening, entropy=world.entropy),
        _exchange(world, stores, shared, opening),
        _jwt_bearer(world, stores, shared, opening),
        ciba_grant(world, issuer.address, opening),
    )
    return {one.name: one for one in offered if one.name in issuer.features.grant_types}


def _exchange(world: World, stores: Stores, shared: Shared, opening: Opening) -> TokenExchange:
    id_tokens = IdTokens(
        access=shared.access, clients=stores.clients, subjects=Subjects(world.database)
    )
    return TokenExchange(
        issuer=shared.issuer.address,
        readers={ACCESS_TOKEN: AccessTokens(shared.access), ID_TOKEN: id_tokens},
        profiles=native_sso_profile(world, shared, opening),
        clients=stores.clients,
        grants=stores.grants,
        refresh_tokens=stores.refresh_tokens,
        records=stores.records,
        entropy=world.entropy,
        lifetimes=world.settings.lifetimes,
    )


@dataclass(frozen=True, slots=True)
class _SubjectStores:
    subjects: Subjects


@dataclass(frozen=True, slots=True)
class _Naming:
    issuer: str
    door: Door
    stores: _SubjectStores


def _jwt_bearer(world: World, stores: Stores, shared: Shared, opening: Opening) -> JwtBearer:
    address = shared.issuer.address
    naming = _Naming(address, world.door, _SubjectStores(Subjects(world.database)))
    return JwtBearer(
        issuer=address,
        trusted=shared.issuer.trusted_issuers,
        keys=shared.client_keys,
        residents=world.residents,
        subject_of=partial(subject_of, naming),
        used=stores.used,
        opening=opening,
        entropy=world.entropy,
    )
