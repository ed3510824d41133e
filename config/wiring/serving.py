"""Running an ASGI application under uvicorn: one process, drained on SIGTERM."""

import signal
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType
from typing import Any

import uvicorn

from config.runtime.web.protocol import BoundedProtocol

KEEP_ALIVE = 15
"""Seconds that an idle connection stays open."""

MOST_WAITING = 2048
"""Connections that the kernel holds before they are accepted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """Where to listen, and with which certificate (PEM files; empty is plain HTTP)."""

    host: str
    port: int
    certificate: str = ""
    certificate_key: str = ""
    drain: float = 20.0


class Server(uvicorn.Server):
    """uvicorn, telling the application first when it is asked to stop."""

    def __init__(self, application: Any, listening: Listening, on_stop: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                application,
                host=listening.host,
                port=listening.port,
                loop="uvloop",
                http=BoundedProtocol,
                ws="none",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                backlog=MOST_WAITING,
                timeout_keep_alive=KEEP_ALIVE,
                timeout_graceful_shutdown=int(listening.drain),
                ssl_certfile=listening.certificate or None,
                ssl_keyfile=listening.certificate_key or None,
            )
        )
        self._on_stop = on_stop

    async def serve_quietly(self) -> None:
        """Serve without listening to signals: beside a server that does."""
        await self._serve()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Drain on the first signal; a second SIGINT stops at once."""
        if self.should_exit:
            self.force_exit = sig == signal.SIGINT
            return
        self._on_stop()
        self.should_exit = True
