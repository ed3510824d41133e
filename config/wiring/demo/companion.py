"""A companion of the demonstration in a process of its own: the relying party or the inbox."""

import asyncio
import sys
from pathlib import Path
from typing import Any

from config.wiring.serving import Listening, Server


async def serve(application: Any, listening: Listening) -> None:
    """Serve until SIGTERM."""
    await Server(application, listening, on_stop=lambda: None).serve()


def relying_party(registration: Path, port: int, certificate: str, key: str) -> None:
    """Run the sample relying party that ``registration`` describes."""
    from config.wiring.demo.relying_party import Registration, application

    listening = Listening(host="127.0.0.1", port=port, certificate=certificate, certificate_key=key)
    asyncio.run(serve(application(Registration.read(registration)), listening))


if __name__ == "__main__":
    name, file, port, certificate, key = (*sys.argv[1:], "", "")[:5]
    relying_party(Path(file), int(port), certificate, key)
