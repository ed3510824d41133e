"""The child's end of the socket pair to the key service."""

import socket
import threading
from collections.abc import Sequence

from keystore.pkcs11.messages import Reply, frame, unframe


class Line:
    """Any thread may send; one at a time may wait for frames."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._sending = threading.Lock()
        self._received = bytearray()

    def send(self, replies: Sequence[Reply]) -> None:
        """Send answers in one frame; that nobody listens any more is no error here."""
        message = frame(replies)
        with self._sending:
            try:
                self._connection.sendall(message)
            except OSError:
                return

    def frames(self) -> list[bytes]:
        """Return the bodies of the frames that arrived next, nothing at the end."""
        found: list[bytes] = []
        while not found:
            try:
                received = self._connection.recv(1 << 18)
            except OSError:  # the key service died with answers unread
                return []
            if not received:
                return []
            self._received += received
            unframe(self._received, found.append)
        return found
