"""Enrolling organisations: each gets a key of its own, which never leaves, and its certificate."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from config.runtime.audit.records import AuditEntry, DatabaseAudit
from config.runtime.clock import Clock
from config.runtime.database.unit import Refused, Write
from keystore.administration import KeyAdministration
from keystore.authority.authority import Authority
from keystore.authority.profiles import Kind, name_of
from keystore.backends.backend import Algorithm
from keystore.door import KeyServiceUnavailable, KeyState, NotPermitted
from keystore.keyring import KeyRing
from keystore.purposes import OwnRing, Role
from keystore.rings import organization_ring
from keystore.rotation import KeyVersion
from keystore.seals.organization import (
    NewOrganization,
    OrganizationChange,
    ShownOrganization,
    check,
    check_change,
)
from keystore.stores.organizations import Enrolled, Organizations

_NONE = "no organisation with this id may seal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolment:
    """What an operator does with organisations; each act leaves an entry in the audit log."""

    store: Organizations
    ring: KeyRing
    administration: KeyAdministration
    authority: Authority
    clock: Clock

    async def add(self, asked: NewOrganization) -> ShownOrganization:
        """Enrol an organisation, make its key and certify it; raises NotPermitted.

        What fails after the enrolment is made up for by ``keep``.
        """
        check(asked)
        now = self.clock.now()
        details: dict[str, str | int] = {"name": asked.name, "identifier": asked.identifier}
        details |= {"limit": asked.per_day, "keys": sha256(asked.jwks).hexdigest()}
        entry = _entry("enrolled", asked.id, now, details)
        await self._submit(
            self.store.added(asked, now), entry, "an organisation with this id is there already"
        )
        await self.keep()
        return await self.show(asked.id)

    async def change(self, asked: OrganizationChange) -> ShownOrganization:
        """Change whose word counts as an organisation's, or its limit; raises NotPermitted.

        Authorizations by keys that are left out are refused from now on.
        """
        check_change(asked)
        details: dict[str, str | int] = {}
        if asked.jwks is not None:
            details["keys"] = sha256(asked.jwks).hexdigest()
        if asked.per_day is not None:
            details["limit"] = asked.per_day
        entry = _entry("changed", asked.id, self.clock.now(), details)
        await self._submit(self.store.changed(asked), entry, _NONE)
        return await self.show(asked.id)

    async def disable(self, identifier: str) -> None:
        """Let an organisation seal no more, for good, and destroy its keys; raises NotPermitted.

        Keys that cannot be destroyed now are by ``keep``.
        """
        now = self.clock.now()
        await self._submit(
            self.store.disabled(identifier, now),
            _entry("disabled", identifier, now, {}),
            _NONE,
        )
        await self.administration.retire(organization_ring(identifier))

    async def every(self) -> list[ShownOrganization]:
        """Return every organisation, by its id."""
        return [self._shown(one) for one in await self.store.every()]

    async def show(self, identifier: str) -> ShownOrganization:
        """Return one, or raise NotPermitted."""
        found = await self.store.find(identifier)
        if found is None:
            raise NotPermitted("there is no organisation with this id")
        return self._shown(found)

    async def keep(self) -> None:
        """Make the keys that organisations lack, and certify those that are used next.

        The issuing authority that is active certifies: one that was replaced is believed no more,
        or not as long. Keys of organisations that are disabled are destroyed.
        """
        for one in await self.store.every():
            name = one.organization.said.id
            ring = organization_ring(name)
            if one.organization.disabled_at is not None:
                if self.ring.sealers().get(name):
                    await self.administration.retire(ring)
                continue
            if not self.ring.sealers().get(name):
                await self.administration.begin(ring, Algorithm.ES256)
            for key in self.ring.sealers().get(name, ()):
                if key.state is not KeyState.RETIRING and not self._is_certified(key):
                    subject = name_of(one.organization.said.subject)
                    await self.authority.certify(Kind.SEAL, key, subject)

    def _is_certified(self, key: KeyVersion) -> bool:
        own = self.authority.of(key.kid)
        return own is not None and own.issuer_kid == self.ring.own(OwnRing.ISSUING).kid

    def _shown(self, found: Enrolled) -> ShownOrganization:
        said = found.organization.said
        try:
            key = self.ring.sealer(said.id)
        except KeyServiceUnavailable:  # it is made in a moment
            kid, own = "", None
        else:
            kid, own = key.kid, self.authority.of(key.kid)
        return ShownOrganization(
            said=said,
            enrolled_at=found.organization.enrolled_at,
            disabled_at=found.organization.disabled_at,
            kid=kid,
            certificate=own.certificate if own else b"",
            sealed_today=found.today(self.clock.now()),
        )

    async def _submit(self, write: Write, entry: AuditEntry, otherwise: str) -> None:
        writes: Sequence[Write] = (write, DatabaseAudit().write(entry))
        try:
            await self.store.database.submit(*writes)
        except Refused:
            raise NotPermitted(otherwise) from None


def _entry(what: str, identifier: str, now: int, details: dict[str, str | int]) -> AuditEntry:
    return AuditEntry(
        at=now,
        actor=Role.OPERATOR,
        action=f"organization.{what}",
        about=identifier,
        details=dict(details),
    )
