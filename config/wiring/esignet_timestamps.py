"""Who stamps time for signatures, plugged together."""

from collections.abc import Iterable
from pathlib import Path

from config.runtime.plugins import plugins
from config.settings.esignet import TimestampSource
from config.wiring.world import World
from esignet.evidence.timestamps.order import InOrder
from esignet.evidence.timestamps.port import Ground, Stamps
from keystore.checking.paths import pem_certificates
from keystore.signing.door import Documents


def timestamps(world: World, documents: Documents) -> Stamps:
    """Return the sources of the settings in their order.

    Raises UnknownPlugin, and SettingsError where one cannot work.
    """
    ground = Ground(
        documents=documents,
        clock=world.clock,
        entropy=world.entropy,
        loopback=world.settings.web.loopback_fetch,
    )
    chosen = world.settings.esignet.timestamps
    kinds = plugins("esignet.evidence.timestamps", (one.kind for one in chosen))
    made = [(one.stamps, kinds[one.kind].build(one, ground)) for one in chosen]
    return InOrder(
        [source for what, source in made if what != "archives"],
        [source for what, source in made if what != "signatures"],
    )


def stamp_anchors(chosen: Iterable[TimestampSource]) -> tuple[bytes, ...]:
    """Return in DER under whom time-stamps of these sources are believed, beside our own."""
    files = dict.fromkeys(one.anchors for one in chosen if one.anchors)
    return tuple(der for file in files for der in pem_certificates(Path(file).read_bytes()))
