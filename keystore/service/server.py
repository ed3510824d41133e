"""The key service's sockets: one per role, each open only to the uids of that role.

A connection carries any number of requests at once; replies come as they are ready and name the
request. What arrives together is answered together, and written in one piece.
"""

import asyncio
import logging
import os
import socket
import struct
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from keystore.service import frames
from keystore.service.desk import Desk

_LOG = logging.getLogger(__name__)
_MOST_AT_ONCE = 1024
"""Requests of one connection that are answered at once; beyond, it is not read from."""
_CREDENTIALS = struct.Struct("3i")


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Who may connect: the socket's mode and group, and the uids that SO_PEERCRED must show."""

    uids: frozenset[int]
    mode: int = 0o600
    group: int | None = None


@dataclass(slots=True)
class Listener:
    """The socket of one role. ``open`` it, and ``close`` it when what was asked is answered."""

    path: Path
    access: Access
    desk: Desk
    _server: asyncio.Server | None = None
    _inode: int = 0
    _connections: "set[_Connection]" = field(default_factory=set)

    async def open(self) -> None:
        """Listen. A service that is being replaced keeps its connections and loses the name."""
        bound = _bind(self.path, self.access)
        self._inode = self.path.stat().st_ino
        loop = asyncio.get_running_loop()
        self._server = await loop.create_unix_server(self._connection, sock=bound)

    def announce(self) -> None:
        """Tell every connection that published keys changed."""
        for connection in self._connections:
            connection.send(frames.Done(frames.CHANGED))

    async def close(self, patience: float) -> None:
        """Stop listening, answer what was asked within ``patience`` seconds, hang up."""
        if self._server is None:
            return
        self._server.close()
        try:
            if self.path.stat().st_ino == self._inode:
                self.path.unlink()
        except FileNotFoundError:
            pass  # somebody removed it, or a successor was stopped before us
        connections = tuple(self._connections)
        await asyncio.gather(*(connection.drain(patience) for connection in connections))

    def _connection(self) -> "_Connection":
        return _Connection(self.desk, self.access.uids, self._connections)


class _Connection(asyncio.BufferedProtocol):
    def __init__(self, desk: Desk, uids: Iterable[int], connections: "set[_Connection]") -> None:
        self._desk = desk
        self._uids = uids
        self._connections = connections
        self._reader = frames.FrameReader()
        self._buffer = bytearray(frames.CHUNK)
        self._transport: asyncio.Transport | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._replies: list[bytes] = []
        self._paused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        stream = cast(asyncio.Transport, transport)  # uvloop's is no subclass of it
        uid = peer_uid(stream)
        if uid not in self._uids:
            _LOG.warning("uid %s may not use this socket", uid)
            stream.abort()
            return
        self._transport = stream
        self._connections.add(self)

    def connection_lost(self, reason: Exception | None) -> None:
        self._transport = None
        self._connections.discard(self)
        for task in self._tasks:
            task.cancel()

    def get_buffer(self, hint: int) -> bytearray:
        return self._buffer

    def buffer_updated(self, count: int) -> None:
        if self._transport is None:
            return
        try:
            requests = self._reader.feed(bytes(self._buffer[:count]), frames.REQUESTS)
        except frames.BadFrame as reason:
            _LOG.warning("hung up: %s", reason)
            self._transport.abort()
            return
        loop = asyncio.get_running_loop()
        for request in requests:
            task = loop.create_task(self._answer(request))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        self._throttle()

    def send(self, reply: frames.Reply) -> None:
        """Write ``reply`` together with what else this turn of the loop brings."""
        if not self._replies:
            asyncio.get_running_loop().call_soon(self._write)
        self._replies.append(frames.encode(reply))

    async def drain(self, patience: float) -> None:
        """Answer what was asked, then hang up."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=patience)
        self._write()
        if self._transport is not None:
            self._transport.close()

    async def _answer(self, request: frames.Request) -> None:
        reply = await self._desk.answer(request)
        self.send(reply)
        if self._paused:
            self._throttle()

    def _write(self) -> None:
        replies, self._replies = self._replies, []
        if replies and self._transport is not None:
            self._transport.write(b"".join(replies))

    def _throttle(self) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        crowded = len(self._tasks) > _MOST_AT_ONCE
        if crowded and not self._paused:
            self._transport.pause_reading()
        elif self._paused and not crowded:
            self._transport.resume_reading()
        self._paused = crowded


def peer_uid(transport: asyncio.BaseTransport) -> int:
    """Return the uid of the process at the other end (SO_PEERCRED of unix(7))."""
    peer = transport.get_extra_info("socket")
    raw: bytes = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    uid: int = _CREDENTIALS.unpack(raw)[1]
    return uid


def _bind(path: Path, access: Access) -> socket.socket:
    """Return a listening socket that takes the name ``path`` in one step, whoever had it."""
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    _bind_private(bound, fresh)
    if access.group is not None:
        os.chown(fresh, -1, access.group)
    fresh.chmod(access.mode)
    bound.listen(128)
    fresh.replace(path)
    return bound


def _bind_private(bound: socket.socket, path: Path) -> None:
    before = os.umask(0o177)  # never connectable by others, not even before chmod
    try:
        bound.bind(str(path))
    finally:
        os.umask(before)
