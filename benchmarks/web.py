"""The processes of the benchmarks: the real ones, which tell where their time went when asked.

The web server's one-time codes are known: a login can only be walked by a machine that knows them.
"""

import asyncio
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.targets import CODE
from benchmarks.where import Sampler
from config.cli.opening import settings_of
from config.cli.serve import serve_application, serve_esignet
from config.runtime.clock import SystemClock
from config.runtime.entropy import Entropy, SystemEntropy
from config.runtime.logs import configure_logs
from config.settings import Settings
from config.wiring.app import build_application
from config.wiring.keys import serve_keys
from config.wiring.loops import calm_the_collector, use_uvloop
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


def main(product: str, settings_file: str, samples: str) -> None:
    """Serve until SIGTERM: ``idp``, ``esignet`` or ``keys``; ``samples`` is the Sampler's file."""
    configure_logs()
    use_uvloop()
    sampler = Sampler(Path(samples))
    sampler.install()
    served = {"idp": _idp, "esignet": serve_esignet, "keys": _keys}[product]
    asyncio.run(sampler.beside(served(settings_of(settings_file))))


async def _idp(settings: Settings) -> None:
    async with open_world(settings, Role.IDP) as world:
        known = replace(world, entropy=KnownDigits(world.entropy))
        await serve_application(build_application(known), settings)


async def _keys(settings: Settings) -> None:
    await serve_keys(settings, SystemClock(), SystemEntropy(), calm_the_collector)


if __name__ == "__main__":
    main(*sys.argv[1:])
