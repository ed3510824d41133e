"""The seal of the signing service on its own evidence: nothing but a manifest, written here.

The key seals what esignet tells of signatures, so esignet asks for it without an activation. What
comes of it can be taken for nobody's signature: the certificate names the service, every file of
the manifest has a name of evidence, and each seal leaves a record in the audit log.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from config.runtime.audit.records import AuditEntry, DatabaseAudit
from config.runtime.clock import Clock
from config.runtime.database.unit import Database
from config.runtime.entropy import Entropy
from keystore.authority.authority import Authority
from keystore.authority.profiles import Kind
from keystore.backends.backend import Algorithm
from keystore.door import NotPermitted
from keystore.keyring import KeyRing
from keystore.purposes import OwnRing, Role
from keystore.signing.digests import HashAlgorithm
from keystore.signing.door import EvidenceFile, Signed
from keystore.signing.plans import DataFile, ManifestPlan
from keystore.signing.structures import manifest
from keystore.signing.structures.structure import BadPlan, Ground

SIGNATURE = "META-INF/signature001.p7s"
"""Where the seal lies in its container."""

HASH = HashAlgorithm.SHA256

_NAME = re.compile(r"evidence\.json|audit-keys\.json|(?:receipt|proof)[a-z0-9.-]{1,24}", re.ASCII)
_MOST_FILES = 1_100
"""Receipts in every language, and a proof for each of 500 signatures."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceSeal:
    """Seals manifests with the key service's own key for that."""

    ring: KeyRing
    authority: Authority
    database: Database
    clock: Clock
    entropy: Entropy

    async def sealed(self, files: Sequence[EvidenceFile]) -> Signed:
        """Return the seal over ``files``; its parts are the signed attributes and the manifest.

        Raises NotPermitted for what is no evidence, KeyServiceUnavailable, DatabaseUnavailable.
        """
        _check(files)
        now, own = self.clock.now(), self.authority.own(Kind.EVIDENCE)
        chain = self.authority.chain(own)[1:]
        ground = Ground(
            hash_algorithm=HASH,
            digests=[one.digest for one in files],
            certificate=own.certificate,
            chain=chain[:-1],
            alg=Algorithm.ES256.value,
            now=now,
        )
        try:
            built = manifest.build(plan_of(files), ground)
        except BadPlan as reason:
            raise NotPermitted(str(reason)) from reason
        await self.database.submit(DatabaseAudit().write(self._entry(built.parts[1], now)))
        [value] = await self.ring.sign_own(OwnRing.EVIDENCE, [built.signed])
        return Signed(
            parts=built.parts,
            value=value,
            alg=Algorithm.ES256.value,
            certificate=own.certificate,
            chain=chain,
            signed_at=now,
            promise=b"",
        )

    def _entry(self, written: bytes, now: int) -> AuditEntry:
        return AuditEntry(
            at=now,
            actor=Role.ESIGNET,
            action="evidence.sealed",
            about=self.entropy.token(16),
            details={"manifest": HASH.of(written).hex()},
        )


def plan_of(files: Sequence[EvidenceFile]) -> ManifestPlan:
    """Return the plan of the manifest over ``files``, in their order."""
    return ManifestPlan(
        uri=SIGNATURE,
        files=[DataFile(place, one.name, one.media_type) for place, one in enumerate(files)],
    )


def _check(files: Sequence[EvidenceFile]) -> None:
    if not files or files[0].name != "evidence.json" or len(files) > _MOST_FILES:
        raise NotPermitted("evidence begins with evidence.json")
    if not all(_NAME.fullmatch(one.name) for one in files):
        raise NotPermitted("a file has no name of evidence")
    if any(len(one.digest) != HASH.length for one in files):
        raise NotPermitted(f"a digest of {HASH} has {HASH.length} octets")
