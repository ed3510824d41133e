"""Which method of the CSC API does what, in v2.2 and in v1.0.4.0 beside it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from esignet.endpoints.csc import Method
from esignet.flows.csc_approvals import Approvals, Presented
from esignet.flows.csc_changes import CscChanges
from esignet.flows.csc_credentials import CscCredentials
from esignet.flows.csc_documents import CscDocuments
from esignet.flows.csc_hashes import CscHashes
from esignet.flows.csc_later import Later, Work
from esignet.flows.csc_stamps import CscStamps
from esignet.protocol.csc import authorizing, credentials, timestamp
from esignet.protocol.csc.asynchronous import polled
from esignet.protocol.csc.faults import invalid
from esignet.protocol.csc.fields import Fields
from esignet.protocol.csc.sign_doc import LARGEST_BODY, sign_doc
from esignet.protocol.csc.sign_hash import sign_hash
from esignet.protocol.csc.version import V1, Version


@dataclass(frozen=True, slots=True, kw_only=True)
class CscMethods:
    """What the methods of one version stand on.

    ``changes`` is None where the key service keeps no keys of people, and ``hashes`` where those
    sign no hashes.
    """

    version: Version
    approvals: Approvals
    credentials: CscCredentials
    documents: CscDocuments
    stamps: CscStamps
    later: Later
    hashes: CscHashes | None = None
    changes: CscChanges | None = None

    def served(self) -> Mapping[str, Method]:
        """Return the methods by their names in addresses and in ``info``, which is none of them."""
        both = {
            "credentials/list": Method(self._list),
            "credentials/info": Method(self._told),
            "credentials/authorize": Method(self._authorize),
            "credentials/extendTransaction": Method(self._extend),
            "signatures/timestamp": Method(self._stamp),
        }
        if self.hashes is not None:
            both["signatures/signHash"] = Method(partial(self._hashes, self.hashes))
        if self.version is V1:
            return both
        if self.changes is not None:
            both["credentials/create"] = Method(partial(self._create, self.changes))
            both["credentials/delete"] = Method(partial(self._delete, self.changes))
        return {
            **both,
            "credentials/authorizeCheck": Method(self._check),
            "credentials/getChallenge": Method(self._challenge),
            "signatures/signDoc": Method(self._documents, LARGEST_BODY),
            "signatures/signPolling": Method(self._poll),
        }

    async def _list(self, fields: Fields, presented: Presented, now: int) -> dict[str, Any]:
        asked = credentials.listing(fields, self.version)
        return await self.credentials.listed(presented.caller, asked, self.version, now)

    async def _told(self, fields: Fields, presented: Presented, now: int) -> dict[str, Any]:
        asked = credentials.named(fields)
        return await self.credentials.told(presented.caller, asked, self.version, now)

    async def _create(
        self, changes: CscChanges, fields: Fields, presented: Presented, now: int
    ) -> dict[str, Any]:
        asked = credentials.created(fields)
        return await changes.created(presented.caller, asked, self.version, now)

    async def _delete(
        self, changes: CscChanges, fields: Fields, presented: Presented, now: int
    ) -> dict[str, Any]:
        return await changes.deleted(presented.caller, credentials.deleted(fields))

    async def _authorize(self, fields: Fields, presented: Presented, now: int) -> dict[str, Any]:
        asked = authorizing.authorize(fields, self.version)
        return await self.approvals.sad(presented, asked, now)

    async def _extend(self, fields: Fields, presented: Presented, now: int) -> dict[str, Any]:
        asked = authorizing.extend(fields, self.version)
        return await self.approvals.extended(presented, asked, now)

    async def _check(self, fields: Fields, _: Presented, now: int) -> dict[str, Any]:
        """No approval is ever underway here (``credentials/authorize`` answers at once)."""
        fields.maybe_text("handle")
        raise invalid("handle")

    async def _challenge(self, fields: Fields, _: Presented, now: int) -> dict[str, Any]:
        """No credential has authentication objects: people approve in OAuth."""
        fields.text("credentialID")
        fields.text("authObjectID")
        raise invalid("authObjectID")

    async def _stamp(self, fields: Fields, _: Presented, now: int) -> dict[str, Any]:
        return dict(await self.stamps.stamped(timestamp.stamp(fields)))

    async def _documents(self, fields: Fields, presented: Presented, now: int) -> dict[str, Any]:
        asked = sign_doc(fields)
        given = await self.approvals.of(presented, asked.sad, now)
        work = partial(self.documents.signed, given, asked, now)
        return await self._now_or_later(presented, asked.keep, work)

    async def _hashes(
        self, hashes: CscHashes, fields: Fields, presented: Presented, now: int
    ) -> dict[str, Any]:
        asked = sign_hash(fields, self.version)
        given = await self.approvals.of(presented, asked.sad, now)
        work = partial(hashes.signed, given, asked, now)
        return await self._now_or_later(presented, asked.keep, work)

    async def _now_or_later(
        self, presented: Presented, keep: int | None, work: Work
    ) -> dict[str, Any]:
        if keep is None:
            return await work()
        return dict(await self.later.begin(presented.caller, keep, work))

    async def _poll(self, fields: Fields, presented: Presented, now: int) -> dict[str, Any]:
        return await self.later.fetched(presented.caller, polled(fields), now)
