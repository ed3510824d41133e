"""What a web server serves, of whichever product."""

from dataclasses import dataclass

from config.runtime.telemetry import LoopLag
from config.runtime.web import Web
from config.runtime.web.operations import Operations


@dataclass(frozen=True, slots=True)
class Application:
    """``web`` is for everybody; ``operations`` is for the operator's port alone.

    Somebody has to ``watch`` the ``lag`` of the event loop that it runs on.
    """

    web: Web
    operations: Operations
    lag: LoopLag
