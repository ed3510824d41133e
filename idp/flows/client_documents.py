"""Client ID metadata documents: fetched through the guarded client, kept for some minutes.

draft-ietf-oauth-client-id-metadata-document-02. Nothing is remembered of a document that is not
there or not sound (§4.3); one that was is used for a while after its host went away.
"""

import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass

from config.runtime.cache import Cache
from config.runtime.clock import Clock
from config.runtime.outbound import FetchFailed
from idp.client_auth.tls_client_auth import check_subject
from idp.protocol.client import Client
from idp.protocol.client_document import client_of, host_of, shell
from idp.protocol.errors import InvalidClientMetadata, OAuthError, TemporarilyUnavailable
from idp.protocol.registration import Possible
from keystore.jose.jwk import KeyRefused, parse_set

LARGEST_DOCUMENT = 10_240
"""Bytes; §8.6 recommends 5 kB, and keys may stand in it."""

DOCUMENT_SECONDS = 3.0
"""Until a document has to be here."""

FRESH = 300.0
"""Seconds after which a document is fetched again."""

STALE = 3600.0
"""Seconds for which a document is used while it cannot be fetched."""

AGAIN = 10.0
"""Seconds at least between two fetches of one document."""

MOST_DOCUMENTS = 2_000
MOST_AT_ONCE = 16
"""Documents fetched at the same time: whoever names ever new ones is told to wait."""

Fetch = Callable[[str, int, float], Awaitable[object]]
"""Return the JSON document at an address, of so many bytes, after so many seconds at most; or raise
FetchFailed: ``Fetcher.get_json``.
"""

_log = logging.getLogger("symbolon.clients")


@dataclass(frozen=True, slots=True)
class _Held:
    client: Client
    at: float


class ClientDocuments:
    """The clients of one issuer that describe themselves.

    ``hosts`` are the only ones whose documents count; empty takes any.
    """

    def __init__(
        self, possible: Possible, fetch: Fetch, clock: Clock, hosts: Collection[str]
    ) -> None:
        self._possible = possible
        self._fetch = fetch
        self._clock = clock
        self._hosts = frozenset(hosts)
        self._held: OrderedDict[str, _Held] = OrderedDict()
        self._tried: Cache[str, None] = Cache(clock, entries=MOST_DOCUMENTS, seconds=AGAIN)
        self._running = 0

    async def find(self, client_id: str) -> Client | None:
        """Return the client whose document is at ``client_id``; None when there is none.

        Raises TemporarilyUnavailable while too many are being fetched.
        """
        host = host_of(client_id)
        if host is None or (self._hosts and host not in self._hosts):
            return None
        if not self._younger(client_id, FRESH):
            await self._tried.get(client_id, lambda: self._refresh(client_id))
        return self._held[client_id].client if self._younger(client_id, STALE) else None

    def remembered(self, client_id: str) -> Client | None:
        """Return the client without fetching anything, if only by the name of its host."""
        held = self._held.get(client_id)
        return shell(client_id, self._possible.issuer.address) if held is None else held.client

    def _younger(self, client_id: str, seconds: float) -> bool:
        held = self._held.get(client_id)
        return held is not None and self._clock.elapsed() - held.at < seconds

    async def _refresh(self, client_id: str) -> None:
        if self._running >= MOST_AT_ONCE:
            raise TemporarilyUnavailable("too many documents of clients are being fetched")
        self._running += 1
        try:
            document = await self._fetch(client_id, LARGEST_DOCUMENT, DOCUMENT_SECONDS)
            client = client_of(document, client_id, self._possible)
            _check_keys(client)
        except FetchFailed as failure:
            _log.warning("the document of a client cannot be fetched: %s", failure)
            return
        except OAuthError as refusal:
            self._held.pop(client_id, None)  # who changes it for the worse is gone at once
            _log.warning("the document of a client is refused: %s", refusal.description)
            return
        finally:
            self._running -= 1
        self._held[client_id] = _Held(client, self._clock.elapsed())
        self._held.move_to_end(client_id)
        if len(self._held) > MOST_DOCUMENTS:
            self._held.popitem(last=False)


def _check_keys(client: Client) -> None:
    check_subject(client)
    if client.jwks is not None:
        try:
            parse_set(client.jwks)
        except KeyRefused as reason:
            raise InvalidClientMetadata(f"jwks: {reason}") from None
