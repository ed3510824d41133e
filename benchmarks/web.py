"""The web process of the benchmarks: ``symbolon serve`` with one-time codes that are known.

All else is the real thing; a login can only be walked by a machine that knows its code.
"""

import asyncio
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.targets import CODE
from benchmarks.where import Sampler
from config.cli.opening import settings_of
from config.cli.serve import serve_application
from config.runtime.entropy import Entropy
from config.runtime.logs import configure_logs
from config.settings import Settings
from config.wiring.app import build_application
from config.wiring.loops import use_uvloop
from config.wiring.production import open_world
from keystore.purposes import Role


@dataclass(frozen=True, slots=True)
class KnownDigits:
    """Rolls real dice for everything but digits."""

    real: Entropy

    def bytes(self, count: int) -> bytes:
        return self.real.bytes(count)

    def token(self, count: int = 32) -> str:
        return self.real.token(count)

    def digits(self, count: int) -> str:
        return CODE[:count]


def main(settings_file: str, samples: str) -> None:
    """Serve until SIGTERM, and tell in the file ``samples`` where the time went when asked to."""
    configure_logs()
    use_uvloop()
    Sampler(Path(samples)).install()
    asyncio.run(_serve(settings_of(settings_file)))


async def _serve(settings: Settings) -> None:
    async with open_world(settings, Role.IDP) as world:
        known = replace(world, entropy=KnownDigits(world.entropy))
        await serve_application(build_application(known), settings)


if __name__ == "__main__":
    main(*sys.argv[1:])
