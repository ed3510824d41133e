"""Approving signatures for the signing service, plugged together: by issuers that offer it."""

from dataclasses import dataclass

from config.settings import Issuer
from config.wiring.world import World
from idp.flows.activating import Activating
from idp.stores.subjects import Subjects
from keystore.door import Door


@dataclass(frozen=True, slots=True)
class _SubjectStores:
    subjects: Subjects


@dataclass(frozen=True, slots=True)
class _Naming:
    issuer: str
    door: Door
    stores: _SubjectStores


def activating(world: World, issuer: Issuer) -> Activating | None:
    """Return what activates the signatures that residents approve; None where none are."""
    features = issuer.features
    if not features.signing_service:
        return None
    assert world.activations is not None, "only the web server's role has signatures activated"
    return Activating(
        service=features.signing_service,
        country=features.signing_country,
        naming=_Naming(issuer.address, world.door, _SubjectStores(Subjects(world.database))),
        residents=world.residents,
        activations=world.activations,
    )
