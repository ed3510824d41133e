"""Backchannel authentication (CIBA) plugged together: its endpoint, its grant, its devices."""

from typing import Protocol

from config.runtime.audit.records import DatabaseAudit
from config.runtime.journal import DatabaseJournal
from config.runtime.outbox import DatabaseOutbox
from config.runtime.plugins import plugins
from config.settings import Issuer
from config.wiring.details import detail_types
from config.wiring.world import World
from idp.authentication_devices.device import AuthenticationDevice, Parts
from idp.client_auth.keys import ClientKeys
from idp.endpoints.approvals import ApprovalPages
from idp.endpoints.backchannel import BackchannelEndpoint
from idp.endpoints.me_user_code import MeUserCode
from idp.endpoints.own_forms import OwnDoor
from idp.flows.approvals import Approvals
from idp.flows.backchannel import Backchannel
from idp.flows.backchannel_objects import BackchannelObjects
from idp.flows.backchannel_people import BackchannelPeople
from idp.flows.clients import ClientAuthentication
from idp.flows.issuer_keys import IssuerKeys
from idp.flows.me_user_code import OwnUserCode
from idp.flows.notices import Notices
from idp.flows.tokens import Tokens
from idp.grants.ciba import Ciba
from idp.grants.collecting import Collecting
from idp.grants.opening import Opening
from idp.grants.revocation import Revocation
from idp.protocol.ciba import GRANT_TYPE
from idp.stores.challenges import Challenges
from idp.stores.decoupled import DecoupledRequests
from idp.stores.grants import Grants
from idp.stores.records import Records
from idp.stores.refresh_tokens import RefreshTokens
from idp.stores.sessions import Sessions
from idp.stores.subjects import Subjects
from idp.stores.used import Used


def ciba_grant(world: World, issuer: str, opening: Opening) -> Ciba:
    """Return the grant type with which clients collect their tokens."""
    return Ciba(
        Collecting(
            requests=DecoupledRequests(world.database),
            sessions=Sessions(world.database, issuer),
            residents=world.residents,
            opening=opening,
            limits=world.limits,
            revocation=Revocation(world.database, opening.grants, opening.records),
        )
    )


class Shared(Protocol):
    """What the endpoints for machines of one issuer have in common."""

    @property
    def issuer(self) -> Issuer: ...

    @property
    def authentication(self) -> ClientAuthentication: ...

    @property
    def keys(self) -> IssuerKeys: ...

    @property
    def client_keys(self) -> ClientKeys: ...


def backchannel(world: World, shared: Shared, tokens: Tokens) -> tuple[BackchannelEndpoint, ...]:
    """Return the endpoint at which clients ask, if the issuer offers one."""
    issuer = shared.issuer
    if not _is_offered(issuer):
        return ()
    people = BackchannelPeople(
        issuer=issuer.address,
        residents=world.residents,
        subjects=Subjects(world.database),
        limits=world.limits,
        rates=world.settings.limits,
        secret=world.limits_secret,
    )
    flow = Backchannel(
        issuer=issuer.address,
        settings=world.settings.backchannel,
        authentication=shared.authentication,
        objects=BackchannelObjects(issuer=issuer.address, keys=shared.client_keys, used=Used()),
        keys=shared.keys,
        people=people,
        residents=world.residents,
        devices=devices(world),
        decoupled=DecoupledRequests(world.database),
        notices=notices(world, tokens),
        detail_types=detail_types(issuer),
        features=issuer.features,
        database=world.database,
        journal=DatabaseJournal(),
        entropy=world.entropy,
    )
    return (BackchannelEndpoint(flow, world.clock),)


def devices(world: World) -> list[AuthenticationDevice]:
    """Return the ways in which people are asked."""
    settings = world.settings
    parts = Parts(
        residents=world.residents,
        door=world.door,
        outbox=DatabaseOutbox(),
        challenges=Challenges(world.database),
        entropy=world.entropy,
        channels=[
            module.build(settings)
            for module in plugins("idp.channels", settings.channels.enabled).values()
        ],
    )
    modules = plugins("idp.authentication_devices", settings.backchannel.devices)
    return [module.build(parts) for module in modules.values()]


def approval_pages(issuer: Issuer, door: OwnDoor) -> tuple[ApprovalPages | MeUserCode, ...]:
    """Return the pages on which people approve, if the issuer takes such requests."""
    if not _is_offered(issuer):
        return ()
    approvals = Approvals(door.me.flow)
    return ApprovalPages(door, approvals), MeUserCode(door, OwnUserCode(door.me))


def notices(world: World, tokens: Tokens) -> Notices:
    """Return what tells clients how their requests ended."""
    return Notices(
        door=world.door,
        outbox=DatabaseOutbox(),
        entropy=world.entropy,
        tokens=tokens,
        opening=Opening(
            grants=Grants(world.database),
            refresh_tokens=RefreshTokens(world.database),
            records=Records(DatabaseJournal(), DatabaseAudit()),
            entropy=world.entropy,
            lifetimes=world.settings.lifetimes,
        ),
    )


def _is_offered(issuer: Issuer) -> bool:
    return GRANT_TYPE in issuer.features.grant_types
