"""signatures/signDoc (§11.11): which documents shall be signed in which format at which level."""

from collections.abc import Callable
from dataclasses import dataclass

from esignet.protocol.csc.algorithms import digest, signed_hash
from esignet.protocol.csc.asynchronous import kept_for
from esignet.protocol.csc.faults import (
    BOTH_DOCUMENTS,
    DOCUMENTS_NOT_BASE64,
    HASHES_NOT_BASE64,
    INVALID_DIGESTS,
    INVALID_DOCUMENTS,
    INVALID_PROPERTIES,
    NO_DOCUMENTS,
    CscError,
    Fault,
    invalid,
    missing,
)
from esignet.protocol.csc.fields import LONGEST_TOKEN, Fields, from_base64
from keystore.signing.digests import MOST, HashAlgorithm

LARGEST_BODY = 2 * 1024 * 1024
"""Octets of a request: reading it stops all others for some milliseconds.

Larger documents are signed by their digests.
"""

FORMATS = {"C": "cades", "X": "xades", "P": "pades", "J": "jades"}
LEVELS = {"b": "B-B", "t": "B-T", "lt": "B-LT", "lta": "B-LTA"}
LEVEL_NAMES = tuple(f"Ades-{level}" for level in LEVELS.values())
ENVELOPES = {
    "C": {"Attached": "enveloping", "Detached": "detached"},
    "X": {"Enveloped": "enveloped", "Enveloping": "enveloping", "Detached": "detached"},
    "P": {"Certification": "detached", "Revision": "detached"},
    "J": {"Detached": "detached"},
}
"""By format, what the API calls an envelope and what our formats call it; first the default."""

PROPERTIES = (
    *("commitment-type-indication", "content-hints", "mime-type", "signer-location"),
    *("content-time-stamp", "signer-attributes-v2", "signature-policy-identifier"),
    *("content-reference", "content-identifier", "Location", "Reason", "Name", "ContactInfo"),
    *("SignerRoleV2", "CommitmentTypeIndication", "SignatureProductionPlaceV2"),
    *("AllDataObjectsTimeStamp", "IndividualDataObjectsTimeStamp", "SignaturePolicyIdentifier"),
)
"""Names of signed properties that the API knows."""

PREPARED = "prepared"
"""A PDF that has a place for the signature, certification or not."""

WITHIN = frozenset(("enveloping", "enveloped", "certification", "revision", PREPARED))
"""Envelopes whose signature holds the document, so that a digest is not enough."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One signature: of ``content``, or of the document with ``digest``.

    ``format`` is a name of `esignet.formats`, ``level`` one of its levels, ``envelope`` its word.
    """

    format: str
    level: str
    envelope: str
    algorithm: HashAlgorithm
    digest: bytes
    content: bytes | None = None

    @property
    def has_material_apart(self) -> bool:
        """Return whether what B-LT adds comes beside the signature: its place is the PDF, and only
        whoever has the PDF can put it there.
        """
        elsewhere = self.format == FORMATS["P"] and self.content is None
        return elsewhere and self.level == LEVELS["lt"]

    @property
    def is_within(self) -> bool:
        """Return whether the signature holds the document, or the document the signature."""
        return self.envelope in WITHIN


@dataclass(frozen=True, slots=True, kw_only=True)
class SignDoc:
    """``credential`` and ``qualifier`` name what signs; one of the two may be empty."""

    credential: str
    qualifier: str
    sad: str
    wanted: tuple[Wanted, ...]
    keep: int | None
    validation: bool


def sign_doc(fields: Fields) -> SignDoc:
    """Return what is asked, or raise CscError."""
    sad = fields.maybe_text("SAD", LONGEST_TOKEN) or ""
    qualifier = fields.maybe_text("signatureQualifier") or ""
    credential = fields.maybe_text("credentialID") or ""
    if not qualifier and not credential:
        raise missing("string", "credentialID")
    wanted, keep = _all(fields), kept_for(fields)
    if keep is not None and any(one.is_within for one in wanted):
        raise invalid("operationMode")  # an answer that waits is stored, and no document ever is
    return SignDoc(
        credential=credential,
        qualifier=qualifier,
        sad=sad,
        wanted=wanted,
        keep=keep,
        validation=fields.flag("returnValidationInfo")
        or any(one.has_material_apart for one in wanted),
    )


def _all(fields: Fields) -> tuple[Wanted, ...]:
    digests = _listed(fields, "documentDigests", INVALID_DIGESTS)
    documents = _listed(fields, "documents", INVALID_DOCUMENTS)
    if digests and documents:
        raise CscError(BOTH_DOCUMENTS)
    if not digests and not documents:
        raise CscError(NO_DOCUMENTS)
    read: Callable[[Fields], tuple[Wanted, ...]] = _of_digests if digests else _of_document
    fault = INVALID_DIGESTS if digests else INVALID_DOCUMENTS
    found: list[Wanted] = []
    for one in digests or documents:
        found += read(Fields.of(one, fault))
        if len(found) > MOST:
            raise CscError(fault)
    return tuple(found)


def _listed(fields: Fields, name: str, fault: Fault) -> list[object]:
    value = fields.members.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or len(value) > MOST:
        raise CscError(fault)
    return value


def _of_digests(fields: Fields) -> tuple[Wanted, ...]:
    kind = _format(fields)
    hashes = fields.members.get("hashes")
    listed = [hashes] if isinstance(hashes, str) else hashes  # the API's own sample has a text
    if not isinstance(listed, list) or not 0 < len(listed) <= MOST:
        raise CscError(INVALID_DIGESTS)
    algorithm = signed_hash(fields, "hashAlgorithmOID", told_apart=True)
    level, envelope = _level(fields), _envelope(fields, kind, known=False)
    if kind != "C" and level == LEVELS["lta"]:  # archive time-stamps cover the documents as well
        raise invalid("conformance_level")
    _no_properties(fields)
    return tuple(
        Wanted(
            format=FORMATS[kind],
            level=level,
            envelope=envelope,
            algorithm=algorithm,
            digest=digest(one, algorithm, HASHES_NOT_BASE64),
        )
        for one in listed
    )


def _of_document(fields: Fields) -> tuple[Wanted, ...]:
    content = from_base64(fields.members.get("document"), DOCUMENTS_NOT_BASE64)
    kind = _format(fields)
    algorithm = signed_hash(fields, "hashAlgorithmOID", told_apart=True)
    level, envelope = _level(fields), _envelope(fields, kind, known=True)
    _no_properties(fields)
    return (
        Wanted(
            format=FORMATS[kind],
            level=level,
            envelope=envelope,
            algorithm=algorithm,
            digest=algorithm.of(content),
            content=content,
        ),
    )


def _format(fields: Fields) -> str:
    kind = fields.text("signature_format")
    if kind not in FORMATS:
        raise invalid("signature_format")
    return kind


def _level(fields: Fields) -> str:
    """Return the level; the API itself writes ``Ades-B-T``, ``AdES-B-T`` and ``Ades-T``."""
    name = fields.maybe_text("conformance_level")
    if name is None:
        return LEVELS["b"]
    head, _, level = name.lower().partition("-")
    level = level.removeprefix("b-")
    if head != "ades" or level not in LEVELS:
        raise invalid("conformance_level")
    return LEVELS[level]


def _envelope(fields: Fields, kind: str, *, known: bool) -> str:
    """Return our word for the envelope. Without the document (``known``) nothing can hold it."""
    words = ENVELOPES[kind]
    name = fields.maybe_text("signed_envelope_property")
    if name is not None and name not in words:
        raise invalid("signed_envelope_property")
    if kind == "P" and known:  # the PDF was prepared for the one or the other
        return name.lower() if name else PREPARED
    found = words[name] if name else next(iter(words.values())) if known else "detached"
    if found in WITHIN and not known:
        raise invalid("signed_envelope_property")
    return found


def _no_properties(fields: Fields) -> None:
    """Refuse properties of the caller's own making: only the key service writes signed ones.

    Nobody who approves is shown them. The refusal names those that the API knows.
    """
    given = fields.members.get("signed_props")
    if given in (None, []):
        return
    listed = given if isinstance(given, list) else []
    names = [one.get("attribute_name") for one in listed if isinstance(one, dict)]
    known = [name for name in PROPERTIES if name in names]
    told = f" ({', '.join(known)})" if known else ""
    raise CscError(Fault(INVALID_PROPERTIES + told))
