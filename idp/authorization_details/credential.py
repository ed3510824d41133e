"""``https://cloudsignatureconsortium.org/2025/credential``: signatures on documents.

Cloud Signature Consortium API v2.2 and Data Model 1.0.0; ETSI TS 119 432 V1.3.1. The documents are
named by their digests, and are never seen here.
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import urlsplit

from idp.authorization_details import fields
from idp.authorization_details.commitments import COMMITMENTS
from idp.protocol.details import Row, Shown
from idp.protocol.errors import InvalidAuthorizationDetails
from idp.protocol.redirect_uris import LONGEST as LONGEST_ADDRESS
from idp.protocol.signing import CREDENTIAL, SigningApproval, is_raw
from keystore.signing.digests import MOST, HashAlgorithm, list_hash

_HEADING, _KIND = "Sign documents", "Kind"
_SAYS, _WHAT = "It says", "What is signed"
_HASH = "A code that the application made. Nobody but the application can tell of which document"
TELLS, WITH = "It tells everybody", "With your certificate"
_WORDS = {
    "aes": "Advanced electronic signature",
    "qes": "Qualified electronic signature",
}
SUBJECTS = {
    "pseudonym": "A number that stands for you at this service alone, and not your name",
    "name": "Your name, and a number that stands for you at this service alone",
}
_KINDS = ("sodr", "sdr", "dtbsr")
_ALGORITHMS = {algorithm.oid: algorithm for algorithm in HashAlgorithm}
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{43,88}={0,2}\Z", re.ASCII)
_CHECKSUM = re.compile(r"(sha256|sha384|sha512)-([A-Za-z0-9+/_-]{43,88}={0,2})\Z", re.ASCII)
_TO_URL_SAFE = str.maketrans("+/", "-_")
_ADDRESS = re.compile(
    r"https://[A-Za-z0-9.:\[\]-]+(/[\x21\x23-\x3b\x3d\x3f-\x5b\x5d\x5f\x61-\x7a\x7e]*)?\Z"
)
_IDENTIFIER = re.compile(r"[A-Za-z0-9._:@/+=-]{1,128}\Z", re.ASCII)
_QUALIFIER = re.compile(r"[a-z0-9]+(_[a-z0-9]+){2}\Z", re.ASCII)
_MEMBERS = (
    *("type", "credentialID", "signatureQualifier", "numSignatures", "documentDigests"),
    *("hashAlgorithmOID", "locations", "certificateSubject", "commitment"),
)
_DOCUMENT = ("hash", "label", "hashType", "href", "checksum", "access", "pages")


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One document as a person is told of it: ``kind`` is what was digested (sodr, sdr, dtbsr).

    ``file_digest`` is that of the file as one has it, where the request tells it, by its algorithm.
    ``pages`` is 0, and ``address`` of the file empty, where it is not told.
    """

    label: str
    digest: bytes
    kind: str
    pages: int
    address: str
    file_digest: tuple[HashAlgorithm, bytes] | None


@dataclass(frozen=True, slots=True)
class Credential:
    """Signatures with a credential, or with a new one of a kind, on documents by their digests."""

    name: str

    texts: ClassVar[tuple[str, ...]] = (
        _HEADING,
        *(_KIND, _SAYS, _WHAT, _HASH, TELLS, WITH),
        *_WORDS.values(),
        *SUBJECTS.values(),
        *COMMITMENTS.values(),
    )

    def check(self, detail: Mapping[str, Any]) -> None:
        """Every digest is one of its algorithm, and every document has a name to show."""
        fields.only(detail, _MEMBERS)
        if "credentialID" in detail:
            identifier(detail)
            if "certificateSubject" in detail:
                raise InvalidAuthorizationDetails("a stored credential has its certificate already")
        if "signatureQualifier" in detail:
            _matching(detail, "signatureQualifier", _QUALIFIER)
        if detail.get("certificateSubject", "name") not in tuple(SUBJECTS):
            raise InvalidAuthorizationDetails(f"certificateSubject is among {', '.join(SUBJECTS)}")
        found = documents(detail)
        _check_commitment(detail, raw=is_raw(detail))
        count = detail.get("numSignatures", len(found))
        if type(count) is not int or count != len(found):
            raise InvalidAuthorizationDetails("numSignatures is not the number of documents")
        if "locations" in detail:
            fields.texts(detail, "locations")

    def shown(self, detail: Mapping[str, Any]) -> Shown:
        """What the signature will be; the documents have a page (``idp.pages.signing_page``)."""
        rows = []
        if qualifier := detail.get("signatureQualifier", ""):
            word = _WORDS.get(qualifier.rpartition("_")[2])
            rows.append(Row(_KIND, word or qualifier, is_ours=word is not None))
        if commitment := detail.get("commitment", ""):
            rows.append(Row(_SAYS, COMMITMENTS[commitment], is_ours=True))
        if is_raw(detail):
            rows.append(Row(_WHAT, _HASH, is_ours=True))
        if "credentialID" in detail:
            rows.append(Row(WITH, detail["credentialID"]))
        else:
            subject = SUBJECTS[detail.get("certificateSubject", "pseudonym")]
            rows.append(Row(TELLS, subject, is_ours=True))
        return Shown(_HEADING, tuple(rows))

    def within(self, wanted: Mapping[str, Any], granted: Mapping[str, Any]) -> bool:
        """An approval cannot be narrowed."""
        return wanted == granted


def algorithm_of(detail: Mapping[str, Any]) -> HashAlgorithm:
    """Return the digests' algorithm; what is weaker than SHA-256 is refused."""
    found = _ALGORITHMS.get(str(detail.get("hashAlgorithmOID")))
    if found is None:
        known = ", ".join(_ALGORITHMS)
        raise InvalidAuthorizationDetails(f"hashAlgorithmOID is among {known}")
    return found


def documents(detail: Mapping[str, Any]) -> tuple[Document, ...]:
    """Return the documents in their order, or raise InvalidAuthorizationDetails."""
    algorithm, listed = algorithm_of(detail), detail.get("documentDigests")
    if not isinstance(listed, list) or not 0 < len(listed) <= MOST:
        raise InvalidAuthorizationDetails(f"documentDigests is a list of 1 to {MOST}")
    return tuple(_document(one, algorithm) for one in listed)


def approved(detail: Mapping[str, Any], transaction: str, page: bytes) -> SigningApproval:
    """Return what agreeing to ``page`` approves, of a detail that was checked."""
    algorithm = algorithm_of(detail)
    digests = [document.digest for document in documents(detail)]
    return SigningApproval(
        type=detail["type"],
        transaction=transaction,
        page=page,
        algorithm=algorithm.value,
        oid=algorithm.oid,
        count=len(digests),
        digests=list_hash(algorithm, digests),
        credential=detail.get("credentialID", ""),
        qualifier=detail.get("signatureQualifier", ""),
        named=detail.get("certificateSubject") == "name",
        raw=is_raw(detail),
        commitment=detail.get("commitment", ""),
    )


def _document(value: object, algorithm: HashAlgorithm) -> Document:
    if not isinstance(value, dict):
        raise InvalidAuthorizationDetails("a document is an object")
    fields.only(value, _DOCUMENT)
    kind = value.get("hashType", "dtbsr")
    if kind not in _KINDS:
        raise InvalidAuthorizationDetails(f"hashType is among {', '.join(_KINDS)}")
    pages = value.get("pages", 1)
    if type(pages) is not int or not 0 < pages <= 1_000_000:
        raise InvalidAuthorizationDetails("pages is a number above zero")
    if "href" in value and not _leads_somewhere(value["href"]):
        raise InvalidAuthorizationDetails("href must be an https address")
    if value.get("access", {"type": "public"}) != {"type": "public"}:
        raise InvalidAuthorizationDetails(
            "access is public; what opens a document is not sent here"
        )
    digest = _digest(value.get("hash"), algorithm)
    return Document(
        label=fields.text(value, "label"),
        digest=digest,
        kind=kind,
        pages=value.get("pages", 0),
        address=value.get("href", ""),
        file_digest=_of_file(value, kind, algorithm, digest),
    )


def _of_file(
    value: Mapping[str, Any], kind: str, algorithm: HashAlgorithm, digest: bytes
) -> tuple[HashAlgorithm, bytes] | None:
    """Return the digest of the file: what is signed itself, or what ``checksum`` says (W3C SRI)."""
    if "checksum" not in value:
        return (algorithm, digest) if kind == "sodr" else None
    match = _CHECKSUM.match(value["checksum"]) if isinstance(value["checksum"], str) else None
    if match is None:
        raise InvalidAuthorizationDetails("checksum must be like sha256-BASE64")
    named = HashAlgorithm(match[1])
    told = _digest(match[2], named)
    if kind == "sodr" and named is algorithm and told != digest:
        raise InvalidAuthorizationDetails(
            "checksum and hash of a document are not of the same file"
        )
    return named, told


def _digest(value: object, algorithm: HashAlgorithm) -> bytes:
    """Return the octets of a digest in base64 or base64url, with padding or without.

    Two alphabets in one text, or bits beyond the octets, would be a second way to write it.
    """
    if isinstance(value, str) and _BASE64.match(value) and not _is_mixed(value):
        text = value.rstrip("=").translate(_TO_URL_SAFE)
        padded = text + "=" * (-len(text) % 4)
        octets = urlsafe_b64decode(padded) if len(text) % 4 != 1 else b""
        whole = urlsafe_b64encode(octets).decode()
        if len(octets) == algorithm.length and whole == padded and len(value) <= len(padded):
            return octets
    raise InvalidAuthorizationDetails(f"a digest is the base64 of {algorithm.length} octets")


def _is_mixed(text: str) -> bool:
    return bool({"-", "_"} & set(text)) and bool({"+", "/"} & set(text))


def _leads_somewhere(value: object) -> bool:
    """Return whether a document's address can be shown as a link, and read in one way only."""
    if not isinstance(value, str) or len(value) > LONGEST_ADDRESS or not _ADDRESS.match(value):
        return False
    try:
        parts = urlsplit(value)
        return parts.port != 0 and bool(parts.hostname) and parts.username is None
    except ValueError:
        return False


def identifier(detail: Mapping[str, Any]) -> None:
    """Raise InvalidAuthorizationDetails unless ``credentialID`` can name a stored credential."""
    _matching(detail, "credentialID", _IDENTIFIER)


def _check_commitment(detail: Mapping[str, Any], *, raw: bool) -> None:
    if "commitment" not in detail:
        return
    if detail["commitment"] not in tuple(COMMITMENTS):
        raise InvalidAuthorizationDetails(f"commitment is among {', '.join(COMMITMENTS)}")
    if raw:
        raise InvalidAuthorizationDetails("what a signed hash says is up to who made it")


def _matching(detail: Mapping[str, Any], name: str, pattern: re.Pattern[str]) -> None:
    value = detail[name]
    if not isinstance(value, str) or not pattern.match(value):
        raise InvalidAuthorizationDetails(f"{name} is malformed")


TYPE = Credential(CREDENTIAL)
