"""What people sign with in journeys: a key service of its own, and the signing service on it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from msgspec import structs

from config.runtime.database.connect import open_database
from config.settings import KeySettings
from config.settings.esignet import Esignet
from config.wiring.world import World as Outside
from keystore.purposes import Role
from keystore.stores.tables import key_version
from tests import servers
from tests.journeys.login_world import Site
from tests.keyrings import software_backend
from tests.signing_house import SETTINGS, SigningHouse, signing_house

SERVICE = SETTINGS.address


@asynccontextmanager
async def signing_keys(directory: Path, esignet: Esignet = SETTINGS) -> AsyncIterator[SigningHouse]:
    """Run a key service with a database of its own, as in every deployment."""
    url = f"sqlite:///{directory / 'keys.db'}"
    servers.create_tables(url, key_version.metadata)
    database = await open_database(url)
    (directory / "keys").mkdir()
    backend = software_backend(directory / "keys")
    async with signing_house(backend, database, directory, esignet) as house:
        yield house
    await database.close()


def offered(house: SigningHouse, **features: Any) -> dict[str, Any]:
    """Return what makes an issuer one whose people sign at this service."""
    told: dict[str, Any] = {"signing_service": SERVICE, "signing_country": "UT", **features}
    return {"activations": house.idp, **told}


def signing_world(here: Site, sockets: Path, esignet: Esignet, **more: Any) -> Outside:
    """Return what the signing service of an issuer stands on; ``more`` differs from the issuer."""
    keys = structs.replace(KeySettings(), sockets=str(sockets))
    settings = structs.replace(here.outside.settings, keys=keys, esignet=esignet)
    door = here.world.keys.door(Role.ESIGNET)
    return replace(here.outside, settings=settings, door=door, activations=None, **more)
