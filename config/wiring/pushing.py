"""What reads authorization requests of an issuer and takes pushed ones, plugged together."""

from config.runtime.limits import Rate
from config.settings import Issuer
from config.wiring.certificates import trusted_proxies
from config.wiring.details import detail_types
from config.wiring.world import World
from idp.client_auth.keys import ClientKeys
from idp.endpoints.par import ParEndpoint
from idp.flows.clients import ClientAuthentication
from idp.flows.issuer_keys import IssuerKeys
from idp.flows.public_pace import PublicPace
from idp.flows.pushing import Pushing
from idp.flows.request_objects import RequestObjects
from idp.flows.requests import Requests
from idp.flows.senders import Senders
from idp.stores.pushed_requests import PushedRequests


def requests(
    world: World,
    issuer: Issuer,
    keys: IssuerKeys,
    client_keys: ClientKeys,
    pushed: PushedRequests,
) -> Requests:
    """Return what reads the authorization requests of ``issuer``'s clients."""
    return Requests(
        issuer=issuer,
        keys=keys,
        objects=RequestObjects(issuer=issuer, keys=client_keys, fetcher=world.fetcher),
        pushed=pushed,
        detail_types=detail_types(issuer),
    )


def par_endpoint(
    world: World, authentication: ClientAuthentication, senders: Senders, requests: Requests
) -> tuple[ParEndpoint, ...]:
    """Return the endpoint, where the issuer offers it."""
    if not requests.issuer.features.pushed_requests:
        return ()
    settings = world.settings
    rate = Rate.parse(settings.limits.pushed_requests_per_address)
    pushing = Pushing(
        authentication=authentication,
        senders=senders,
        requests=requests,
        database=world.database,
        entropy=world.entropy,
        lifetimes=settings.lifetimes,
        pace=PublicPace("pushed-requests", world.limits, rate, world.limits_secret),
    )
    return (ParEndpoint(pushing, world.clock, trusted_proxies(settings.web)),)
