"""The resource servers of an issuer, from memory: whom tokens can be meant for (RFC 8707)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from config.runtime.cache import Cache
from idp.protocol.errors import InvalidTarget
from idp.protocol.resources import ResourceServer
from idp.stores.clients import Clients

SIGNING_SCOPE = frozenset({"service", "credential", "signatures", "signing_history", "seals"})
"""What the signing service takes: the CSC API (v2.2 §8.4), and its own signature requests."""


def signing_server(address: str) -> tuple[ResourceServer, ...]:
    """Return the signing service at ``address`` as a resource server; none where there is none."""
    return (ResourceServer(address=address, scope=SIGNING_SCOPE),) if address else ()


@dataclass(frozen=True, slots=True)
class ResourceServers:
    """Registrations of resource servers may be as old as ``cache`` keeps them."""

    issuer: str
    clients: Clients
    cache: Cache[str, Mapping[str, ResourceServer]]
    signing_service: str = ""

    async def named(self, addresses: Sequence[str]) -> tuple[ResourceServer, ...]:
        """Return the resource servers, or raise InvalidTarget where one is not known (any more).

        The issuer is one that takes every word, as its own resources judge for themselves.
        """
        if tuple(addresses) == (self.issuer,):
            return (ResourceServer(address=self.issuer),)
        known = await self.cache.get(self.issuer, self._load)
        try:
            return tuple(known[address] for address in addresses)
        except KeyError:
            raise InvalidTarget("resource is not known") from None

    async def _load(self) -> Mapping[str, ResourceServer]:
        servers = await self.clients.resource_servers(self.issuer)
        own = (ResourceServer(address=self.issuer), *signing_server(self.signing_service))
        return {server.address: server for server in (*servers, *own)}
