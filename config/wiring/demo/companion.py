"""A companion of the demonstration in a process of its own: relying party, inbox or desk."""

import asyncio
import sys
from pathlib import Path
from typing import Any

from config.runtime.clock import SystemClock
from config.runtime.entropy import SystemEntropy
from config.runtime.logs import configure_logs
from config.settings import Settings, anchored, load
from config.wiring.demo.plan import LOOPBACK
from config.wiring.loops import use_uvloop
from config.wiring.serving import Listening, Server


def main(name: str, directory: Path) -> None:
    """Run the companion ``name`` of the demonstration in ``directory`` until SIGTERM."""
    configure_logs()
    use_uvloop()
    settings = anchored(load(directory / "symbolon.toml", {}), directory)
    application, listening = _COMPANIONS[name](settings, directory)
    asyncio.run(Server(application, listening).serve())


def _inbox(settings: Settings, directory: Path) -> tuple[Any, Listening]:
    from config.wiring.inbox import inbox

    listening = Listening(host=LOOPBACK, port=settings.web.port + 2)
    return inbox(settings, directory, SystemClock(), SystemEntropy()), listening


def _relying_party(settings: Settings, directory: Path) -> tuple[Any, Listening]:
    from config.wiring.demo.relying_party import Registration, application

    listening = Listening(
        host=LOOPBACK,
        port=settings.web.port + 1,
        certificate=settings.web.certificate,
        certificate_key=settings.web.certificate_key,
    )
    return application(Registration.read(directory / "relying-party.json")), listening


def _desk(settings: Settings, directory: Path) -> tuple[Any, Listening]:
    from config.wiring.demo.desk import desk

    listening = Listening(host=LOOPBACK, port=settings.web.port + 5)
    return desk(settings, SystemClock(), SystemEntropy()), listening


_COMPANIONS = {"inbox": _inbox, "relying-party": _relying_party, "desk": _desk}


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
