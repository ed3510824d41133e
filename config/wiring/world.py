"""Everything outside the program: production makes one, each test makes another."""

from dataclasses import dataclass

from config.runtime.clock import Clock
from config.runtime.database.connect import OpenDatabase
from config.runtime.entropy import Entropy
from config.runtime.limits import Limits
from config.runtime.outbound import Fetcher
from config.settings import Settings
from idp.residents.port import Residents
from keystore.credentials.door import EveryActivation
from keystore.door import Door


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """``limits_secret`` hides what the keys of shared limits say; all processes have the same.

    ``activations`` has signatures activated: of the web server's role alone. ``to_issuer`` asks
    the issuer, of the signing service's role alone.
    """

    settings: Settings
    clock: Clock
    entropy: Entropy
    database: OpenDatabase
    door: Door
    residents: Residents
    limits: Limits
    limits_secret: bytes
    fetcher: Fetcher
    activations: EveryActivation | None = None
    to_issuer: Fetcher | None = None
