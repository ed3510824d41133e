"""Telling clients of their signature requests, plugged together: who queues, who delivers."""

from config.runtime.destinations import Rules
from config.runtime.outbox import DatabaseOutbox
from config.settings import Issuer
from config.wiring.world import World
from esignet.flows.notices import WebhookDeliverer, Webhooks


def webhooks(world: World, issuer: Issuer) -> Webhooks:
    """Return what queues messages that ``issuer`` signs."""
    return Webhooks(
        outbox=DatabaseOutbox(),
        entropy=world.entropy,
        issuer=issuer.address,
        rules=Rules(loopback=world.settings.web.loopback_fetch),
    )


def webhook_deliverer(world: World) -> WebhookDeliverer:
    """Return what signs and posts them, in the worker."""
    return WebhookDeliverer(
        door=world.door,
        fetcher=world.fetcher,
        algs={one.address: one.signing_algs[0] for one in world.settings.issuers},
    )
