"""From what a person approved to documents that are signed, raised to their level, and checked.

The key service signs; everything around it happens here: the signature is put into its document,
time-stamped, given what shows that its certificate was good, and read back as anybody would read it
before it is handed over.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypeVar

import msgspec

from config.runtime.cache import Cache
from config.runtime.turns import Turns
from esignet.evidence.timestamps.port import Stamped, Stamps
from esignet.flows.signing_parts import Made, Part
from esignet.formats.format import Evidence, FormatError, Found, Level
from esignet.pdf.pool import PdfPool
from keystore.checking.timestamp import read_token
from keystore.signing.digests import HashAlgorithm
from keystore.signing.door import (
    Attested,
    AuthorityShown,
    Beside,
    Documents,
    Imprint,
    Signed,
    SigningOrder,
)
from keystore.signing.plans import JadesPlan, ManifestPlan, Plan, XmlPlan

LARGE = 64 * 1024
"""Octets from which a document is worked on in a thread."""

TOGETHER = 50
"""Signatures of one order to which the key service adds what belongs beside them at once: the
answer about more would be long in its making."""

_LEVELS = tuple(Level)
_STAMPED = HashAlgorithm.SHA256
T = TypeVar("T")


class Activated(Protocol):
    """What was approved, as far as the key service asks for it."""

    @property
    def activation(self) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Signing:
    """Signs through the key service. ``shown`` keeps its chains and lists for a while."""

    documents: Documents
    stamps: Stamps
    pdf: PdfPool
    shown: Cache[str, AuthorityShown]
    turns: Turns = field(default_factory=Turns)

    async def made(self, approved: Activated, parts: Sequence[Part], now: int) -> list[Made]:
        """Return each part signed, at its level, and checked.

        Raises NotActivated, NotPermitted, KeyServiceUnavailable, FormatError, PdfBusy. Once the
        key service has signed, the activation is used up whatever happens then.
        """
        return await self.finished(parts, await self.signed(approved.activation, parts))

    async def signed(self, activation: str, parts: Sequence[Part]) -> Attested:
        """Return what the key service signs for each part, the same however often it is asked.

        Beside it comes what our own authority could add at once. Raises NotActivated,
        NotPermitted, KeyServiceUnavailable.
        """
        return await self.documents.sign_attested(order_of(activation, parts), self._beside(parts))

    def _beside(self, parts: Sequence[Part]) -> Beside:
        """Return what the key service may make as it signs: our own stamps, if all are wanted."""
        if len(parts) > TOGETHER or not self.stamps.is_ours:
            return Beside.NOTHING
        if not all(_reaches(part, Level.B_T) for part in parts):
            return Beside.NOTHING
        return Beside.STATUSES if _wants_material(parts) else Beside.TIMESTAMPS

    async def finished(self, parts: Sequence[Part], attested: Attested) -> list[Made]:
        """Return each part with its signature in it, at its level, and checked.

        It can be done again. Raises NotPermitted, KeyServiceUnavailable, FormatError, PdfBusy.
        """
        signed = attested.signed
        made = [
            await self._work(part, "embed", part.prepared, one)
            for part, one in zip(parts, signed, strict=True)
        ]
        tokens = attested.timestamps
        if tokens:
            first = await self.turns.do(read_token, tokens[0])
            stamped = Stamped(tokens=tokens, ours=first.certificate)
        else:
            made, stamped = await self._stamped(parts, made, Level.B_T, "to_stamp")
        material = await self._material(parts, attested, stamped)
        made = [
            await self._raised(part, document, evidence, token)
            for part, document, evidence, token in zip(
                parts, made, material, tokens or [b""] * len(parts), strict=True
            )
        ]
        made, _ = await self._stamped(parts, made, Level.B_LTA, "to_archive")
        for part, document, one in zip(parts, made, signed, strict=True):
            await self._check(part, document, one)
        return [
            Made(document, evidence if part.material else Evidence(), one.promise, one.certificate)
            for document, evidence, part, one in zip(made, material, parts, signed, strict=True)
        ]

    async def _raised(self, part: Part, document: bytes, material: Evidence, token: bytes) -> bytes:
        """Return the document up to B-LT, with the stamp that came as it was signed, if any."""
        evidence = replace(material, timestamp=token)
        if _reaches(part, Level.B_LT):
            return bytes(await self._work(part, "augment", document, Level.B_LT, evidence))
        if token:
            return bytes(await self._work(part, "augment", document, Level.B_T, evidence))
        return document

    async def _stamped(
        self, parts: Sequence[Part], made: Sequence[bytes], level: Level, covered: str
    ) -> tuple[list[bytes], Stamped]:
        """Return the documents with a time-stamp each, and what came of who stamped."""
        places = [place for place, part in enumerate(parts) if _reaches(part, level)]
        if not places:
            return list(made), Stamped(tokens=())
        imprints = [
            Imprint(_STAMPED, await self._imprint(parts[place], made[place], covered))
            for place in places
        ]
        stamped = await self.stamps.stamped(imprints, archive=level is Level.B_LTA)
        raised = list(made)
        for place, token in zip(places, stamped.tokens, strict=True):
            evidence = Evidence(timestamp=token)
            raised[place] = await self._work(parts[place], "augment", made[place], level, evidence)
        return raised, stamped

    async def _imprint(self, part: Part, document: bytes, covered: str) -> bytes:
        """Return the digest of what a time-stamp covers, which may be a whole PDF."""
        if covered == "to_stamp":
            return _STAMPED.of(await self._work(part, covered, document))
        if part.is_pdf:
            return bytes(await self._work(part, covered, document, _STAMPED))
        return _STAMPED.of(await self._work(part, covered, document, part.prepared.items))

    async def _material(
        self, parts: Sequence[Part], attested: Attested, stamped: Stamped
    ) -> list[Evidence]:
        """Return for each part what leads to the root and shows that nothing was revoked."""
        if not _wants_material(parts):
            return [Evidence()] * len(parts)
        shown = await self._authority(attested.signed)
        brought = stamped.evidence
        ends = [
            (one.certificate, *_stampers(part, stamped, shown))
            for part, one in zip(parts, attested.signed, strict=True)
        ]
        answers = dict(attested.statuses)
        asked = list(dict.fromkeys(end for mine in ends for end in mine if end not in answers))
        if asked:
            answers |= zip(asked, await self.documents.statuses(asked), strict=True)
        return [
            Evidence(
                certificates=tuple(dict.fromkeys((*mine, *one.chain, *brought.certificates))),
                ocsp=(*(answers[end] for end in mine), *brought.ocsp),
                crls=(*_lists(one, shown), *brought.crls),
            )
            for mine, one in zip(ends, attested.signed, strict=True)
        ]

    async def _authority(self, signed: Sequence[Signed]) -> AuthorityShown:
        """Return chains and lists of our authority, anew if a newer one certified somebody."""
        shown = await self.shown.get("", self.documents.authority)
        known = {chain[0] for chain in shown.chains}
        if all(one.chain[0] in known for one in signed):
            return shown
        self.shown.forget("")
        return await self.shown.get("", self.documents.authority)

    async def _check(self, part: Part, document: bytes, signed: Signed) -> None:
        """Raise FormatError unless our signature in the document is right.

        What others signed in it before is theirs to answer for.
        """
        found: tuple[Found, ...] = await self._work(part, "check", document, part.prepared.items)
        mine = [one for one in found if one.certificate == signed.certificate]
        wrong = [reason for one in mine for _, reason in one.problems]
        if not mine or wrong:
            raise FormatError(f"the signature cannot be handed over: {(wrong or ['none'])[0]}")

    async def _work(self, part: Part, step: str, *arguments: Any) -> Any:
        """Take one step of a format: a PDF in its pool, what is large in a thread."""
        if part.is_pdf:
            if step == "check":
                arguments = arguments[:1]
            return await getattr(part.pdf or self.pdf, step)(*arguments)
        work: Callable[..., Any] = getattr(part.format, step)
        if sum(len(one) for one in arguments if isinstance(one, bytes)) > LARGE:
            return await asyncio.to_thread(work, *arguments)
        return await self.turns.do(work, *arguments)


def shifted(plan: Plan, by: int) -> Plan:
    """Return the plan with its places in the list of digests moved on."""
    changed = msgspec.structs.replace
    match plan:
        case ManifestPlan(files=files) | JadesPlan(files=files):
            return changed(plan, files=[changed(one, digest=one.digest + by) for one in files])
        case XmlPlan(references=references):
            moved = [changed(one, digest=one.digest + by) for one in references]
            return changed(plan, references=moved)
        case _:
            return changed(plan, digest=plan.digest + by)


def order_of(activation: str, parts: Sequence[Part]) -> SigningOrder:
    """Return what the key service is asked for ``parts`` under an activation."""
    digests: list[bytes] = []
    plans: list[Plan] = []
    for part in parts:
        plans.append(shifted(part.prepared.plan, len(digests)))
        digests += part.prepared.digests
    return SigningOrder(
        activation=activation,
        hash_algorithm=parts[0].prepared.wish.hash_algorithm,
        digests=digests,
        plans=plans,
    )


def _stampers(part: Part, stamped: Stamped, shown: AuthorityShown) -> tuple[bytes, ...]:
    """Return whose time-stamps of ours the part has; who stamps for archives may be another."""
    archiver = shown.archiver if _reaches(part, Level.B_LTA) else b""
    return tuple(filter(None, (stamped.ours, archiver)))


def _lists(signed: Signed, shown: AuthorityShown) -> tuple[bytes, ...]:
    """Return the lists that tell of who certified: every one unless that was who certifies now."""
    is_current = shown.chains[0][0] == signed.chain[0]
    return shown.crls if is_current else (*shown.crls, *shown.older)


def _wants_material(parts: Sequence[Part]) -> bool:
    return any(part.material or _reaches(part, Level.B_LT) for part in parts)


def _reaches(part: Part, level: Level) -> bool:
    return _LEVELS.index(part.level) >= _LEVELS.index(level)
