"""Seals of organisations: prepared, authorized by the organisation itself, and made once.

Nothing is kept between the two. The same documents at the same time are prepared to the same
octets, so what was authorized is what comes back.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from esignet.flows.preparing import Preparing, to_approve
from esignet.flows.request_contents import ToApprove
from esignet.flows.sealed_documents import Sealed, SealedElsewhere
from esignet.flows.signed_names import signed_document
from esignet.flows.signing import Signing, order_of
from esignet.flows.signing_parts import Part
from esignet.formats.format import FormatError, Level, Prepared
from esignet.protocol.asking import Asked, BadRequest
from esignet.protocol.seals import Sealable
from keystore.door import NotPermitted
from keystore.seals.wording import plan_hash, text_of
from keystore.signing.digests import list_hash
from keystore.signing.door import Attested
from keystore.signing.plans import commitment_of


@dataclass(frozen=True, slots=True)
class Appended:
    """What is appended to a PDF before and after the place of its seal: with the document, all that
    its digest is of.
    """

    before: bytes
    after: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ToAuthorize:
    """What an organisation is to authorize: digests in their order, and what is around each.

    ``plans`` is the text of what the key service is asked; ``appended`` is of whole PDFs alone.
    """

    documents: tuple[ToApprove, ...]
    appended: tuple[Appended | None, ...]
    list_hash: bytes
    plans: str
    plan_hash: bytes


@dataclass(frozen=True, slots=True)
class Seals:
    """May raise KeyServiceUnavailable, DatabaseUnavailable and PdfBusy."""

    preparing: Preparing
    signing: Signing
    elsewhere: SealedElsewhere

    async def prepared(self, client_id: str, sealable: Sealable) -> ToAuthorize:
        """Return what is to be authorized, or raise BadRequest."""
        asked, parts = await self._parts(client_id, sealable)
        order, documents = order_of("", parts), tuple(to_approve([one.prepared for one in parts]))
        text = text_of(order.plans, asked.algorithm)
        return ToAuthorize(
            documents=documents,
            appended=_appended(asked, parts, len(documents)),
            list_hash=list_hash(asked.algorithm, order.digests),
            plans=text,
            plan_hash=plan_hash(text),
        )

    async def sealed(self, client_id: str, sealable: Sealable) -> list[Sealed]:
        """Return the documents with their seals. The same again answers the same seals.

        Raises BadRequest, NotActivated (what was authorized is something else, used or too old),
        FormatError (the seal cannot be raised to its level, or stands in no such document).
        """
        asked, parts = await self._parts(client_id, sealable)
        try:
            signed = await self.signing.documents.seal_documents(
                order_of(sealable.authorization, parts)
            )
            async with self.preparing.uploaded.over(parts) as lent:
                made = await self.signing.finished(lent, Attested(signed))
        except NotPermitted as fault:
            raise FormatError("the documents cannot be sealed in this way") from fault
        documents = [
            signed_document(part, one, asked.envelope)
            for part, one in zip(parts, made, strict=True)
        ]
        order = sha256(f"{asked.level} {sealable.authorization}".encode()).digest()
        return await self.elsewhere.kept(client_id, documents, order)

    async def _parts(self, client_id: str, sealable: Sealable) -> tuple[Asked, list[Part]]:
        """Return what is asked, with its uploads, and what is to be sealed, or raise BadRequest."""
        given = await self.preparing.uploaded.given(client_id, sealable.asked)
        asked = given.asked
        prepared = await self.preparing.first(asked, sealable.at)
        if any(commitment_of(one.plan) != asked.commitment for one in prepared):
            raise BadRequest(f"{asked.format} states no commitment", 422)
        form, level = self.preparing.formats[asked.format], Level(asked.level)
        return asked, [Part(form, one, level) for one in prepared]


def _appended(asked: Asked, parts: Sequence[Part], count: int) -> tuple[Appended | None, ...]:
    if asked.format != "pades":
        return (None,) * count
    given = [len(one.content or b"") for one in asked.documents]
    return tuple(_around(part.prepared, size) for part, size in zip(parts, given, strict=True))


def _around(prepared: Prepared, size: int) -> Appended | None:
    """Return what stands behind the ``size`` octets of the document itself."""
    if prepared.content is None or prepared.place is None:
        return None
    begins, ends = prepared.place
    return Appended(prepared.content[size:begins], prepared.content[ends:])
