"""Seals of organisations: prepared, authorized by the organisation itself, and made once.

Nothing is kept between the two. The same documents at the same time are prepared to the same
octets, so what was authorized is what comes back.
"""

from dataclasses import dataclass

from esignet.flows.preparing import Preparing, to_approve
from esignet.flows.request_contents import SignedDocument, ToApprove
from esignet.flows.signed_names import signed_document
from esignet.flows.signing import Signing, order_of
from esignet.flows.signing_parts import Part
from esignet.formats.format import FormatError, Level
from esignet.protocol.seals import Sealable
from keystore.door import NotPermitted
from keystore.signing.digests import list_hash


@dataclass(frozen=True, slots=True)
class ToAuthorize:
    """What an organisation is to authorize: the digests in their order, and their list's hash."""

    documents: tuple[ToApprove, ...]
    list_hash: bytes


@dataclass(frozen=True, slots=True)
class Seals:
    """May raise KeyServiceUnavailable and PdfBusy."""

    preparing: Preparing
    signing: Signing

    async def prepared(self, sealable: Sealable) -> ToAuthorize:
        """Return what is to be authorized, or raise BadRequest."""
        prepared = await self.preparing.first(sealable.asked, sealable.at)
        digests = [digest for one in prepared for digest in one.digests]
        hashed = list_hash(sealable.asked.algorithm, digests)
        return ToAuthorize(tuple(to_approve(prepared)), hashed)

    async def sealed(self, sealable: Sealable) -> list[SignedDocument]:
        """Return the documents with their seals. The same again answers the same seals.

        Raises BadRequest, NotActivated (what was authorized is something else, used or too old),
        FormatError (the seal cannot be raised to its level, or stands in no such document).
        """
        form = self.preparing.formats[sealable.asked.format]
        prepared = await self.preparing.first(sealable.asked, sealable.at)
        parts = [Part(form, one, Level(sealable.asked.level)) for one in prepared]
        try:
            order = order_of(sealable.authorization, parts)
            signed = await self.signing.documents.seal_documents(order)
            made = await self.signing.finished(parts, signed)
        except NotPermitted as fault:
            raise FormatError("the documents cannot be sealed in this way") from fault
        return [
            signed_document(part, one, sealable.asked.envelope)
            for part, one in zip(parts, made, strict=True)
        ]
