"""Clients that describe themselves, plugged together."""

from config.settings import Issuer
from config.wiring.world import World
from idp.client_auth.private_key_jwt import ALGS
from idp.flows.client_documents import ClientDocuments
from idp.protocol.registration import Possible
from keystore.jose.jwe import CONTENT, KEY_MANAGEMENT


def client_documents(world: World, issuer: Issuer) -> ClientDocuments | None:
    """Return what finds them, where the issuer takes them."""
    features = issuer.features
    if not features.client_id_documents:
        return None
    possible = Possible(issuer, frozenset(ALGS), KEY_MANAGEMENT, CONTENT)
    return ClientDocuments(possible, world.fetcher.get_json, world.clock, features.client_id_hosts)
