"""Device authorization plugged together: its endpoint, its grant, its pages."""

from config.runtime.limits import Rate
from config.settings import Issuer
from config.wiring.certificates import trusted_proxies
from config.wiring.details import detail_types
from config.wiring.world import World
from idp.endpoints.device import DeviceEndpoint
from idp.endpoints.device_pages import DevicePages
from idp.endpoints.own_forms import OwnDoor
from idp.flows.clients import ClientAuthentication
from idp.flows.device import DeviceAuthorization
from idp.flows.device_approval import DeviceApproval
from idp.flows.device_guesses import DeviceGuesses
from idp.flows.public_pace import PublicPace
from idp.grants.collecting import Collecting
from idp.grants.device_code import DeviceCode
from idp.grants.opening import Opening
from idp.grants.revocation import Revocation
from idp.protocol.device import GRANT_TYPE
from idp.stores.decoupled import DecoupledRequests
from idp.stores.sessions import Sessions


def device_grant(world: World, issuer: str, opening: Opening) -> DeviceCode:
    """Return the grant type with which devices collect their tokens."""
    return DeviceCode(
        Collecting(
            requests=DecoupledRequests(world.database),
            sessions=Sessions(world.database, issuer),
            residents=world.residents,
            opening=opening,
            limits=world.limits,
            revocation=Revocation(world.database, opening.grants, opening.records),
        )
    )


def device_endpoint(
    world: World, issuer: Issuer, authentication: ClientAuthentication
) -> tuple[DeviceEndpoint, ...]:
    """Return the endpoint at which devices ask, if the issuer offers one."""
    if not _is_offered(issuer):
        return ()
    settings = world.settings
    rate = Rate.parse(settings.limits.device_requests_per_address)
    pace = PublicPace("device-requests", world.limits, rate, world.limits_secret)
    flow = DeviceAuthorization(
        issuer=issuer,
        authentication=authentication,
        requests=DecoupledRequests(world.database),
        detail_types=detail_types(issuer),
        database=world.database,
        door=world.door,
        entropy=world.entropy,
        lifetime=settings.lifetimes.device_code,
        pace=pace,
    )
    return (DeviceEndpoint(flow, world.clock, trusted_proxies(settings.web)),)


def device_pages(world: World, issuer: Issuer, door: OwnDoor) -> tuple[DevicePages, ...]:
    """Return the pages at which people type their codes, if the issuer offers any."""
    if not _is_offered(issuer):
        return ()
    guesses = DeviceGuesses(world.limits, world.settings.limits, world.limits_secret)
    approval = DeviceApproval(door.me.flow, door.me, guesses)
    return (DevicePages(approval, door, world.clock),)


def _is_offered(issuer: Issuer) -> bool:
    return GRANT_TYPE in issuer.features.grant_types
