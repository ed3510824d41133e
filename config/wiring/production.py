"""The world as it is: system clock and dice, database and key service of the settings."""

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from ipaddress import ip_network
from pathlib import Path
from urllib.parse import urlsplit

from config.runtime.clock import Clock, SystemClock
from config.runtime.database.connect import DatabaseOptions, OpenDatabase, open_database
from config.runtime.database.postgresql import PostgresqlOptions
from config.runtime.database.sqlite import SqliteOptions
from config.runtime.destinations import Rules
from config.runtime.entropy import SystemEntropy
from config.runtime.limits import Limits, MemoryLimits, RedisLimits
from config.runtime.outbound import Fetcher
from config.runtime.redis import Redis
from config.settings import Settings
from config.wiring.world import World
from idp.residents.embedded import EmbeddedResidents
from idp.residents.normalising import Numbering
from keystore.credentials.door import EveryActivation
from keystore.door import Door, KeyServiceUnavailable, MacPurpose
from keystore.purposes import Role
from keystore.service.client import KeyServiceClient
from keystore.service.document_client import DocumentClient
from keystore.service.run import socket_path

OWN_NETWORKS = tuple(
    map(ip_network, ("10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"))
)
"""Where an issuer may lie that the signing service reaches without leaving the house (RFC 1918,
RFC 6598, RFC 4193)."""

WAIT = 0.25
"""Seconds between two questions to a key service that is not there yet."""

_log = logging.getLogger("symbolon.wiring")


@asynccontextmanager
async def open_world(settings: Settings, role: Role) -> AsyncIterator[World]:
    """Open what a process of ``role`` stands on, and close it at the end.

    Nothing needs to be reachable yet (R6). Where limits are shared in Redis, it returns when the
    key service has answered once.
    """
    clock, entropy = SystemClock(), SystemEntropy()
    async with AsyncExitStack() as stack:
        database = await _database(settings)
        stack.push_async_callback(database.close)
        door = KeyServiceClient(
            socket_path(Path(settings.keys.sockets), role), clock, deadline=settings.keys.timeout
        )
        stack.push_async_callback(door.close)
        fetcher = Fetcher(
            clock, Rules(loopback=settings.web.loopback_fetch), trust=_trust(settings)
        )
        stack.push_async_callback(fetcher.close)
        secret = entropy.bytes(32)
        limits: Limits = MemoryLimits()
        if settings.database.redis_url and role is Role.IDP:
            secret = await _shared_secret(door)
            limits = _shared_limits(settings, secret, clock, stack)
        numbering = Numbering(country_code=settings.pages.country_code)
        yield World(
            settings=settings,
            clock=clock,
            entropy=entropy,
            database=database,
            door=door,
            residents=EmbeddedResidents.build(database, door, entropy, numbering),
            limits=limits,
            limits_secret=secret,
            fetcher=fetcher,
            activations=_activations(settings, role, stack),
            to_issuer=_to_issuer(settings, role, clock, stack),
        )


def _activations(settings: Settings, role: Role, stack: AsyncExitStack) -> EveryActivation | None:
    """Return what activates signatures: for the web server's role, where an issuer has them."""
    if role is not Role.IDP or not any(one.features.signing_service for one in settings.issuers):
        return None
    keys = settings.keys
    client = DocumentClient(socket_path(Path(keys.sockets), role), deadline=keys.timeout)
    stack.push_async_callback(client.close)
    return client


def issuer_rules(settings: Settings) -> Rules:
    """Return where the issuers may be asked: addresses of the operator's own, in any network."""
    ports = {urlsplit(issuer.address).port or 443 for issuer in settings.issuers}
    return Rules(private=OWN_NETWORKS, ports=frozenset(ports), loopback=settings.web.loopback_fetch)


def _to_issuer(
    settings: Settings, role: Role, clock: Clock, stack: AsyncExitStack
) -> Fetcher | None:
    """Return what asks the issuers: for the signing service's role, on whose pages people sign."""
    if role is not Role.ESIGNET:
        return None
    fetcher = Fetcher(clock, issuer_rules(settings), trust=_trust(settings), keep=True)
    stack.push_async_callback(fetcher.close)
    return fetcher


async def _database(settings: Settings) -> OpenDatabase:
    chosen = settings.database
    options = DatabaseOptions(
        sqlite=SqliteOptions(readers=min(chosen.connections, 4), deadline=chosen.timeout),
        postgresql=PostgresqlOptions(
            connections=chosen.connections,
            deadline=chosen.timeout,
            prepared=not chosen.behind_pgbouncer,
        ),
    )
    return await open_database(chosen.url, options)


async def _shared_secret(door: Door) -> bytes:
    """Return the same secret in every web process: none is stored anywhere for it.

    Waits for a key service that is not there yet.
    """
    while True:
        try:
            return (await door.mac(MacPurpose.DEVICE, b"limits"))[0].value
        except KeyServiceUnavailable as reason:
            _log.warning("waiting for the key service: %s", reason)
            await asyncio.sleep(WAIT)


def _shared_limits(
    settings: Settings, secret: bytes, clock: Clock, stack: AsyncExitStack
) -> Limits:
    redis = Redis(settings.database.redis_url, clock)
    stack.push_async_callback(redis.close)
    return RedisLimits(redis, secret, MemoryLimits())


def _trust(settings: Settings) -> ssl.SSLContext:
    """Return whom the HTTP client trusts: in the demonstration its own certificate too."""
    trust = ssl.create_default_context()
    if settings.demo and settings.web.certificate:
        trust.load_verify_locations(settings.web.certificate)
    return trust
