"""From what was prepared and approved to checked signatures at their levels.

The order is that of the evidence: signature, time-stamp over it, then what the authority says of
the certificates after that moment, then the archive time-stamp over everything.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from esignet.flows.signing_parts import Made, Part
from esignet.formats.format import Evidence, Level
from esignet.protocol.csc.approval import Approved
from keystore.checking.timestamp import read_token
from keystore.door import KeyServiceUnavailable, NotPermitted
from keystore.signing.digests import HashAlgorithm
from keystore.signing.door import Documents, Imprint, NotActivated, Signed, SigningOrder
from keystore.signing.plans import JadesPlan, ManifestPlan, Plan, XmlPlan

_STAMPED = HashAlgorithm.SHA256

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CscSigning:
    """Has the key service sign, all parts under one approval with one key and certificate."""

    documents: Documents

    async def made(self, approved: Approved, parts: Sequence[Part], now: int) -> list[Made]:
        """Return a signature of each part; see `esignet.flows.csc_documents.Signs`."""
        signed = await self._signed(approved, parts)
        made = [
            part.format.embed(part.prepared, one) for part, one in zip(parts, signed, strict=True)
        ]
        made = await self._stamped(parts, made)
        materials = await self._materials(parts, made, signed)
        for place, part in enumerate(parts):
            if part.level in (Level.B_LT, Level.B_LTA):
                made[place] = part.format.augment(made[place], Level.B_LT, materials[place])
        made = await self._archived(parts, made)
        for part, document in zip(parts, made, strict=True):
            _check(part, document)
        return [Made(*pair) for pair in zip(made, materials, strict=True)]

    async def _signed(self, approved: Approved, parts: Sequence[Part]) -> list[Signed]:
        digests: list[bytes] = []
        plans: list[Plan] = []
        for part in parts:
            plans.append(_moved(part.prepared.plan, len(digests)))
            digests += part.prepared.digests
        order = SigningOrder(
            activation=approved.activation,
            hash_algorithm=approved.algorithm,
            digests=digests,
            plans=plans,
        )
        try:
            return await self.documents.sign_documents(order)
        except NotPermitted as reason:  # two documents of one digest, or more than a frame holds
            raise NotActivated("the key service does not sign this") from reason

    async def _stamped(self, parts: Sequence[Part], made: Sequence[bytes]) -> list[bytes]:
        covered = {
            place: part.format.to_stamp(made[place])
            for place, part in enumerate(parts)
            if part.level is not Level.B_B
        }
        return await self._with_stamps(parts, made, covered, Level.B_T)

    async def _archived(self, parts: Sequence[Part], made: Sequence[bytes]) -> list[bytes]:
        covered = {
            place: part.format.to_archive(made[place], part.prepared.items)
            for place, part in enumerate(parts)
            if part.level is Level.B_LTA
        }
        return await self._with_stamps(parts, made, covered, Level.B_LTA)

    async def _with_stamps(
        self, parts: Sequence[Part], made: Sequence[bytes], covered: dict[int, bytes], level: Level
    ) -> list[bytes]:
        """Return what was ``made``, raised to ``level`` where octets are ``covered``."""
        raised = list(made)
        if covered:
            imprints = [Imprint(_STAMPED, _STAMPED.of(octets)) for octets in covered.values()]
            stamps = await self.documents.timestamps(imprints)
            for place, stamp in zip(covered, stamps, strict=True):
                evidence = Evidence(timestamp=stamp)
                raised[place] = parts[place].format.augment(raised[place], level, evidence)
        return raised

    async def _materials(
        self, parts: Sequence[Part], made: Sequence[bytes], signed: Sequence[Signed]
    ) -> list[Evidence]:
        """Return what proves the certificates of each part, nothing where that is not wanted."""
        wanted = [
            place
            for place, part in enumerate(parts)
            if part.material or part.level in (Level.B_LT, Level.B_LTA)
        ]
        materials = [Evidence()] * len(parts)
        if not wanted:
            return materials
        about = {
            place: tuple(
                dict.fromkeys((signed[place].certificate, *_stampers(parts[place], made[place])))
            )
            for place in wanted
        }
        every = tuple(dict.fromkeys(one for some in about.values() for one in some))
        statuses = dict(zip(every, await self.documents.statuses(every), strict=True))
        shown = await self.documents.authority()
        for place, some in about.items():
            chain = (*signed[place].chain, *(one for chain in shown.chains for one in chain))
            materials[place] = Evidence(
                certificates=tuple(dict.fromkeys((*some, *chain))),
                ocsp=tuple(statuses[one] for one in some),
                crls=shown.crls,
            )
        return materials


def _stampers(part: Part, document: bytes) -> list[bytes]:
    """Return the certificates of who time-stamped ``document``."""
    return [
        read_token(token).certificate
        for found in part.format.check(document, part.prepared.items)
        for token, _ in found.timestamps
    ]


def _moved(plan: Plan, by: int) -> Plan:
    """Return ``plan`` with its digests named in a list where ``by`` others come before them."""
    match plan:
        case ManifestPlan() | JadesPlan():
            files = [msgspec.structs.replace(one, digest=one.digest + by) for one in plan.files]
            return msgspec.structs.replace(plan, files=files)
        case XmlPlan():
            references = [
                msgspec.structs.replace(one, digest=one.digest + by) for one in plan.references
            ]
            return msgspec.structs.replace(plan, references=references)
    return msgspec.structs.replace(plan, digest=plan.digest + by)


def _check(part: Part, document: bytes) -> None:
    """Raise KeyServiceUnavailable unless what is handed over is what was asked for, and right."""
    found = part.format.check(document, part.prepared.items)
    mine = found[-1] if found else None
    if mine is None or mine.problems or mine.level is not part.level:
        _log.error("a %s signature of our own is not right", part.format.name)
        raise KeyServiceUnavailable("a signature of our own is not right")
