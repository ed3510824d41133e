"""Running an ASGI application under uvicorn: one process, drained on SIGTERM."""

import signal
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import uvicorn

from config.runtime.web.certificates import within_bounds
from config.runtime.web.certified import CertifiedProtocol
from config.runtime.web.protocol import BoundedProtocol
from keystore.x509.listening import TLS12_CIPHERS, AnyCertificate

KEEP_ALIVE = 15
"""Seconds that an idle connection stays open."""

MOST_WAITING = 2048
"""Connections that the kernel holds before they are accepted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """Where to listen, and with which certificate (PEM files; empty is plain HTTP).

    ``asks`` says that clients are asked for certificates: not where browsers come, because they
    would ask the person for one.
    """

    host: str
    port: int
    certificate: str = ""
    certificate_key: str = ""
    asks: bool = False
    drain: float = 20.0


class Server(uvicorn.Server):
    """uvicorn, telling the application first when it is asked to stop."""

    def __init__(
        self,
        application: Any,
        listening: Listening,
        on_stop: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(
            uvicorn.Config(
                application,
                host=listening.host,
                port=listening.port,
                loop="uvloop",
                http=CertifiedProtocol if listening.asks else BoundedProtocol,
                ws="none",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                backlog=MOST_WAITING,
                timeout_keep_alive=KEEP_ALIVE,
                timeout_graceful_shutdown=int(listening.drain),
                ssl_context_factory=_context_factory(listening),
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


def _context_factory(listening: Listening) -> Callable[..., ssl.SSLContext] | None:
    """Return what makes the TLS context: TLS 1.3, and of TLS 1.2 what FAPI 2.0 §5.2.2 allows."""
    if not listening.certificate:
        return None
    certificate, key = Path(listening.certificate), Path(listening.certificate_key)

    def asking(*_: object) -> ssl.SSLContext:
        return AnyCertificate(certificate, key, within_bounds)

    def silent(*_: object) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(TLS12_CIPHERS)
        context.load_cert_chain(certificate, key)
        return context

    return asking if listening.asks else silent
