"""HTTP over connections on which the client showed a certificate."""

import asyncio

from config.runtime.web.certificates import CERTIFICATE, ClientCertificate
from config.runtime.web.protocol import BoundedProtocol


class CertifiedProtocol(BoundedProtocol):
    """One connection of a listener that asks for certificates; each of its requests carries it."""

    _certificate: ClientCertificate | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin, after the handshake: the certificate stays the same as long as the connection."""
        super().connection_made(transport)
        chain: list[bytes] = transport.get_extra_info("ssl_object").get_unverified_chain()
        if chain:
            self._certificate = ClientCertificate(chain[0], tuple(chain[1:]))

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        self.scope[CERTIFICATE] = self._certificate  # type: ignore[literal-required]
