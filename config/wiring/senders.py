"""What proves senders and judges access tokens of an issuer, plugged together."""

from config.runtime.cache import Cache
from config.settings import Issuer
from config.wiring.world import World
from idp.flows.access import GLANCE, MOST_GLANCES, Access
from idp.flows.dpop_nonces import DpopNonces
from idp.flows.dpop_proofs import DpopProofs
from idp.flows.issuer_keys import IssuerKeys
from idp.stores.grants import Grants
from idp.stores.used import Used
from keystore.jose.embedded import EmbeddedKeys


def dpop_proofs(world: World, issuer: Issuer) -> DpopProofs | None:
    """Return what verifies DPoP proofs at ``issuer``; None where they are switched off."""
    features = issuer.features
    if not features.dpop:
        return None
    nonces = DpopNonces(issuer.address, world.door, world.clock) if features.dpop_nonce else None
    return DpopProofs(keys=EmbeddedKeys(), used=Used(), nonces=nonces)


def access(world: World, keys: IssuerKeys, grants: Grants, proofs: DpopProofs | None) -> Access:
    """Return what judges the access tokens that ``keys``' issuer signed."""
    return Access(
        issuer=keys.issuer,
        keys=keys,
        grants=grants,
        residents=world.residents,
        database=world.database,
        proofs=proofs,
        active=Cache(world.clock, entries=MOST_GLANCES, seconds=GLANCE),
    )
