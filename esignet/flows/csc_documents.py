"""Signatures of documents through the CSC API (signatures/signDoc)."""

from base64 import b64encode
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from esignet.flows.csc_approvals import Given, Keeps
from esignet.flows.signing_parts import Made, Part
from esignet.formats.format import Evidence, Format, FormatError, Item, Level, Prepared, Wish
from esignet.pdf.pool import PdfBusy, PdfPool
from esignet.protocol.csc.approval import Approved
from esignet.protocol.csc.faults import (
    DISABLED,
    DOCUMENT_NOT_AUTHORIZED,
    INVALID_DOCUMENTS,
    SAD_EXPIRED,
    UNAVAILABLE,
    CscError,
    invalid,
    unfit,
)
from esignet.protocol.csc.sign_doc import SignDoc, Wanted
from esignet.protocol.history import ApiSignature
from keystore.der.names import serial_number
from keystore.door import NotPermitted
from keystore.signing.door import NotActivated


class Signs(Protocol):
    """Has the key service sign what was prepared, and raises it (`esignet.flows.signing`)."""

    async def made(self, approved: Approved, parts: Sequence[Part], now: int) -> list[Made]:
        """Return a signature of each.

        Raises NotActivated, NotPermitted (more than one answer of the key service holds),
        KeyServiceUnavailable, FormatError (it cannot be raised to its level), PdfBusy.
        """
        ...


@dataclass(frozen=True, slots=True)
class CscDocuments:
    """Signs documents, or what has their digests.

    ``formats`` are those that are switched on, ``qualifiers`` the kinds of signatures that are
    offered; whole PDFs have their ``pdf`` processes.
    """

    formats: Mapping[str, Format]
    signs: Signs
    qualifiers: Collection[str]
    pdf: PdfPool
    keeps: Keeps

    async def signed(self, given: Given, asked: SignDoc, now: int) -> dict[str, Any]:
        """Return the answer, or raise CscError: nothing was signed then.

        What is approved is a list of digests in its order; here it comes in the same order.
        DatabaseUnavailable and KeyServiceUnavailable come through.
        """
        approved = given.approved
        self._judge(approved, asked)
        parts = [
            await self._part(wanted, approved.commitment, material=asked.validation)
            for wanted in asked.wanted
        ]
        digests = [digest for part in parts for digest in part.prepared.digests]
        if not approved.covers(asked.wanted[0].algorithm, digests):
            raise CscError(DOCUMENT_NOT_AUTHORIZED)
        made = await self._made(approved, asked, parts, now)
        await self.keeps.keep(given, _signature(asked, digests, made), now)
        return _answer(asked, made)

    async def _made(
        self, approved: Approved, asked: SignDoc, parts: Sequence[Part], now: int
    ) -> list[Made]:
        try:
            return await self.signs.made(approved, parts, now)
        except NotActivated:
            raise CscError(SAD_EXPIRED) from None
        except NotPermitted:
            raise CscError(DISABLED if asked.credential else INVALID_DOCUMENTS) from None
        except FormatError as reason:
            if any(part.is_pdf for part in parts):
                raise unfit(str(reason)) from None
            raise invalid("conformance_level") from None
        except PdfBusy:
            raise CscError(UNAVAILABLE) from None

    def _judge(self, approved: Approved, asked: SignDoc) -> None:
        """Raise CscError unless the approval is for the credential, or the kind, asked for."""
        if asked.credential != approved.credential:
            raise invalid("credentialID")
        if {asked.qualifier, approved.qualifier} - {"", *self.qualifiers}:
            raise invalid("signatureQualifier")
        if asked.qualifier and asked.qualifier != approved.qualifier:
            raise invalid("signatureQualifier")
        if approved.is_raw:
            raise CscError(DOCUMENT_NOT_AUTHORIZED)

    async def _part(self, wanted: Wanted, commitment: str, *, material: bool) -> Part:
        form = self.formats.get(wanted.format)
        if form is None:
            raise invalid("signature_format")
        item = Item(name="document", digest=wanted.digest, content=wanted.content)
        wish = Wish(
            hash_algorithm=wanted.algorithm, envelope=wanted.envelope, commitment=commitment
        )
        try:
            prepared = await self._prepared(form, item, wish)
        except FormatError as reason:
            if wanted.content is not None:
                raise unfit(str(reason)) from None
            raise invalid("signed_envelope_property") from None
        except PdfBusy:
            raise CscError(UNAVAILABLE) from None
        level = Level.B_T if wanted.has_material_apart else Level(wanted.level)
        return Part(form, prepared, level, material)

    async def _prepared(self, form: Format, item: Item, wish: Wish) -> Prepared:
        if form.name == "pades" and item.content is not None:
            return await self.pdf.prepare(item, wish)
        return form.prepare([item], wish)


def _signature(asked: SignDoc, digests: Sequence[bytes], made: Sequence[Made]) -> ApiSignature:
    """Return what the person finds in their list."""
    return ApiSignature(
        formats=frozenset(wanted.format for wanted in asked.wanted),
        levels=frozenset(wanted.level for wanted in asked.wanted),
        algorithm=asked.wanted[0].algorithm,
        digests=digests,
        certificates=[serial_number(one.certificate) for one in made],
    )


def _answer(asked: SignDoc, made: Sequence[Made]) -> dict[str, Any]:
    within: list[str] = []
    apart: list[str] = []
    for wanted, one in zip(asked.wanted, made, strict=True):
        (within if wanted.is_within else apart).append(_text(one.document))
    told: dict[str, Any] = {}
    if within:
        told["DocumentWithSignature"] = within
    if apart:
        told["SignatureObject"] = apart
    if asked.validation:
        told["validationInfo"] = _validation([one.evidence for one in made])
    return told


def _validation(evidence: Sequence[Evidence]) -> dict[str, list[str]]:
    """Return each piece once, in the order in which it comes."""
    return {
        "ocsp": _once(octets for one in evidence for octets in one.ocsp),
        "crl": _once(octets for one in evidence for octets in one.crls),
        "certificates": _once(octets for one in evidence for octets in one.certificates),
    }


def _once(pieces: Iterable[bytes]) -> list[str]:
    return [_text(piece) for piece in dict.fromkeys(pieces)]


def _text(octets: bytes) -> str:
    return b64encode(octets).decode()
