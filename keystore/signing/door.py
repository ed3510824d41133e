"""What may be asked about documents: activations by idp, signatures and evidence by esignet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

import msgspec

from keystore.signing.digests import HashAlgorithm
from keystore.signing.plans import Plan

MOST_ARCHIVED = 25
"""Time-stamps for archives in one answer: their key is slow, and they are long."""


class NotActivated(Exception):
    """The activation is not one of ours, is too old, was used, or does not cover what is asked."""


class UsedBefore(NotActivated):
    """The activation covers what is asked, and was used before."""


class CertificateSubject(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a certificate says about its holder (ETSI EN 319 412-2 §4.2.4).

    ``pseudonym`` alone, or the names. ``serial`` tells people of the same name apart and is
    pairwise. ``country`` is of ISO 3166-1 alpha-2. ``organization`` makes it a seal's, with its
    ``organization_identifier`` (ETSI EN 319 412-3 §4.2.1) and no serial.
    """

    serial: str
    country: str
    pseudonym: str = ""
    given_name: str = ""
    surname: str = ""
    organization: str = ""
    organization_identifier: str = ""


class ActivationKind(StrEnum):
    """Whose signature is activated."""

    PERSON = "person"
    ORGANIZATION = "organization"


class Approval(msgspec.Struct, frozen=True, kw_only=True):
    """What idp says was approved. ``subject`` is the person as esignet's own sector knows them.

    ``credential`` names a stored credential, and is empty for a one-time key and certificate.
    ``raw`` is whether the digests are of what is signed itself (hashType ``dtbsr``), which a stored
    credential signs as they are; ``commitment`` is what every plan must say (its object identifier,
    empty for none). ``digests`` is ``list_hash`` of the ``count`` digests. ``consent`` is the
    SHA-256 hash of the page that was agreed to. ``auth_time`` is a NumericDate.
    """

    kind: ActivationKind
    transaction: str
    subject: str
    client_id: str
    holder: CertificateSubject
    hash_algorithm: HashAlgorithm
    count: int
    digests: bytes
    acr: str
    amr: tuple[str, ...]
    auth_time: int
    consent: bytes
    credential: str = ""
    raw: bool = False
    commitment: str = ""


class Activations(Protocol):
    """Only the socket of the idp role answers this."""

    async def activate(self, approval: Approval) -> str:
        """Return the activation, a compact JWS (``typ``: ``activation+jwt``) good for 300 s, once.

        Raises NotPermitted for an approval that is malformed, KeyServiceUnavailable.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningOrder:
    """Sign ``plans`` with the key that ``activation`` names. ``digests`` are the approved ones.

    ``one_key`` signs all with one key and certificate; else each plan has its own, so that nobody
    can tell that two documents were signed together. A stored credential is one in any case.
    """

    activation: str
    hash_algorithm: HashAlgorithm
    digests: Sequence[bytes]
    plans: Sequence[Plan]
    one_key: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """One signature. ``value`` is as JWS writes it (r || s for ECDSA); ``alg`` is its JWS name.

    ``parts`` are what the plan's builder wrote, ``chain`` leads from the certificate to the root,
    which is last. ``promise`` is the signed promise that the audit log will hold the record.
    """

    parts: tuple[bytes, ...]
    value: bytes
    alg: str
    certificate: bytes
    chain: tuple[bytes, ...]
    signed_at: int
    promise: bytes


class Beside(StrEnum):
    """What our own authorities make beside signatures, in the same breath."""

    NOTHING = ""
    TIMESTAMPS = "timestamps"
    STATUSES = "statuses"
    """Time-stamps, and what is known of the certificates of signers and stamper."""


@dataclass(frozen=True, slots=True)
class Attested:
    """Signatures, and what was made beside them if that could be made.

    ``timestamps`` holds a TimeStampToken over each signature, as its format has it stamped;
    ``statuses`` an OCSPResponse by the certificate that it is about. All in DER.
    """

    signed: Sequence[Signed]
    timestamps: Sequence[bytes] = ()
    statuses: Mapping[bytes, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Imprint:
    """What is time-stamped: the digest of something (RFC 3161 §2.4.1)."""

    hash_algorithm: HashAlgorithm
    digest: bytes


@dataclass(frozen=True, slots=True)
class EvidenceFile:
    """A file of evidence by its name, its media type and its SHA-256 digest."""

    name: str
    media_type: str
    digest: bytes


class Documents(Protocol):
    """Only the socket of the esignet role answers this. All may raise KeyServiceUnavailable."""

    async def sign_documents(self, order: SigningOrder) -> list[Signed]:
        """Return a signature per plan. Raises NotActivated, NotPermitted (a plan is malformed)."""
        ...

    async def sign_attested(self, order: SigningOrder, beside: Beside) -> Attested:
        """Return the same signatures, with what is wanted ``beside`` them, made now.

        Where that cannot be made the signatures come alone. Raises as ``sign_documents``.
        """
        ...

    async def seal_documents(self, order: SigningOrder) -> list[Signed]:
        """Return an organisation's seal per plan; the activation is what the organisation signed.

        Raises as ``sign_documents``.
        """
        ...

    async def timestamps(
        self, imprints: Sequence[Imprint], *, archive: bool = False
    ) -> list[bytes]:
        """Return a TimeStampToken in DER of each (RFC 3161 §2.4.2), of our own authority.

        ``archive`` has them signed by its key for archives, where it has one.
        """
        ...

    async def timestamp_response(self, request: bytes) -> bytes:
        """Return the TimeStampResp in DER to a TimeStampReq; one that is refused says why in it."""
        ...

    async def statuses(self, certificates: Sequence[bytes]) -> list[bytes]:
        """Return an OCSPResponse in DER about each certificate of ours (RFC 6960)."""
        ...

    async def status_response(self, request: bytes) -> bytes:
        """Return the OCSPResponse in DER to an OCSPRequest."""
        ...

    async def authority(self) -> "AuthorityShown":
        """Return the certificates and revocation lists of our authority."""
        ...

    async def proof(self, about: str) -> bytes | None:
        """Return the proof (JSON) that the audit log keeps a promise; None until a checkpoint."""
        ...

    async def seal_evidence(self, files: Sequence[EvidenceFile]) -> Signed:
        """Return the seal of the signing service itself over a manifest of ``files``.

        Its parts are the signed attributes and the manifest. Raises NotPermitted for files that
        are no evidence.
        """
        ...


@dataclass(frozen=True, slots=True)
class AuthorityShown:
    """``chains`` are issuing certificates towards their root, newest first; all in DER.

    ``older`` are the lists of authorities that were replaced and still have certificates out.
    ``audit_keys`` is a JWK Set (RFC 7517 §5): the keys of promises and checkpoints. ``archiver`` is
    the certificate of the key that stamps for archives, empty where the usual one does.
    """

    chains: tuple[tuple[bytes, ...], ...]
    crls: tuple[bytes, ...]
    older: tuple[bytes, ...] = ()
    audit_keys: bytes = b'{"keys":[]}'
    archiver: bytes = b""
