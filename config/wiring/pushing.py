"""Pushed authorization requests of an issuer, plugged together."""

from config.wiring.world import World
from idp.endpoints.par import ParEndpoint
from idp.flows.clients import ClientAuthentication
from idp.flows.pushing import Pushing
from idp.flows.requests import Requests
from idp.flows.senders import Senders


def par_endpoint(
    world: World, authentication: ClientAuthentication, senders: Senders, requests: Requests
) -> tuple[ParEndpoint, ...]:
    """Return the endpoint, where the issuer offers it."""
    if not requests.issuer.features.pushed_requests:
        return ()
    pushing = Pushing(
        authentication=authentication,
        senders=senders,
        requests=requests,
        database=world.database,
        entropy=world.entropy,
        lifetimes=world.settings.lifetimes,
    )
    return (ParEndpoint(pushing, world.clock),)
