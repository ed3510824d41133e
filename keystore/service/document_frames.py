"""What goes over the sockets about documents: digests, plans, evidence; no octets to sign."""

import msgspec

from keystore.authority.revoking import Reason
from keystore.seals.organization import NewOrganization, OrganizationChange, ShownOrganization
from keystore.signing.digests import HashAlgorithm
from keystore.signing.door import Approval, Beside, Signed
from keystore.signing.plans import Plan


class Activate(msgspec.Struct, array_like=True, tag="activate", frozen=True):
    """Make an activation (idp)."""

    id: int
    approval: Approval


class SignDocuments(msgspec.Struct, array_like=True, tag="sign_documents", frozen=True):
    """Sign what an activation names (esignet)."""

    id: int
    activation: str
    hash_algorithm: HashAlgorithm
    digests: list[bytes]
    plans: list[Plan]
    one_key: bool
    beside: Beside = Beside.NOTHING


class Stamp(msgspec.Struct, array_like=True, tag="stamp", frozen=True):
    """Time-stamp digests (esignet)."""

    id: int
    imprints: list[tuple[HashAlgorithm, bytes]]
    archive: bool = False


class StampRequest(msgspec.Struct, array_like=True, tag="stamp_request", frozen=True):
    """Answer a TimeStampReq from anywhere (esignet)."""

    id: int
    request: bytes


class Statuses(msgspec.Struct, array_like=True, tag="statuses", frozen=True):
    """Say about certificates of ours whether they are revoked (esignet)."""

    id: int
    certificates: list[bytes]


class StatusRequest(msgspec.Struct, array_like=True, tag="status_request", frozen=True):
    """Answer an OCSPRequest from anywhere (esignet)."""

    id: int
    request: bytes


class ShowAuthority(msgspec.Struct, array_like=True, tag="authority", frozen=True):
    """Show the certificates and revocation lists of the authority (esignet)."""

    id: int


class Prove(msgspec.Struct, array_like=True, tag="prove", frozen=True):
    """Show that the audit log holds an entry (esignet)."""

    id: int
    about: str


class RevokeCertificate(msgspec.Struct, array_like=True, tag="revoke_certificate", frozen=True):
    """Take a certificate of ours back (operator)."""

    id: int
    serial: str
    reason: Reason


class SealDocuments(msgspec.Struct, array_like=True, tag="seal_documents", frozen=True):
    """Sign what an organisation authorized, with its key (esignet)."""

    id: int
    authorization: str
    hash_algorithm: HashAlgorithm
    digests: list[bytes]
    plans: list[Plan]


class AddOrganization(msgspec.Struct, array_like=True, tag="add_organization", frozen=True):
    """Enrol an organisation (operator)."""

    id: int
    organization: NewOrganization


class ListOrganizations(msgspec.Struct, array_like=True, tag="organizations", frozen=True):
    """Show organisations: one, or all where it is empty (operator)."""

    id: int
    organization: str


class ChangeOrganization(msgspec.Struct, array_like=True, tag="change", frozen=True):
    """Change an organisation's keys or limit (operator)."""

    id: int
    change: OrganizationChange


class DisableOrganization(msgspec.Struct, array_like=True, tag="disable", frozen=True):
    """Let an organisation seal no more (operator)."""

    id: int
    organization: str


class OrganizationsAre(msgspec.Struct, array_like=True, tag="organizations_are", frozen=True):
    """Organisations, by their ids."""

    id: int
    organizations: list[ShownOrganization]


class SealEvidence(msgspec.Struct, array_like=True, tag="seal_evidence", frozen=True):
    """Seal a manifest of evidence: name, media type and SHA-256 digest of each file (esignet)."""

    id: int
    files: list[tuple[str, str, bytes]]


class OneSigned(msgspec.Struct, array_like=True, frozen=True):
    """One signature with all that it stands on."""

    parts: tuple[bytes, ...]
    value: bytes
    alg: str
    certificate: bytes
    chain: tuple[bytes, ...]
    signed_at: int
    promise: bytes


def one_signed(signed: Signed) -> OneSigned:
    """Return a signature as it goes over a socket."""
    return OneSigned(
        parts=signed.parts,
        value=signed.value,
        alg=signed.alg,
        certificate=signed.certificate,
        chain=signed.chain,
        signed_at=signed.signed_at,
        promise=signed.promise,
    )


class DocumentsSigned(msgspec.Struct, array_like=True, tag="documents_signed", frozen=True):
    """The signatures in the order of the plans, and what was made beside them."""

    id: int
    signed: list[OneSigned]
    timestamps: list[bytes] = []
    statuses: dict[bytes, bytes] = {}


class Many(msgspec.Struct, array_like=True, tag="many", frozen=True):
    """Structures in DER, in the order of what was asked."""

    id: int
    values: list[bytes]


class AuthorityIs(msgspec.Struct, array_like=True, tag="authority_is", frozen=True):
    """Chains and lists in DER, the keys of the audit log as a JWK Set, who stamps for archives."""

    id: int
    chains: list[tuple[bytes, ...]]
    crls: list[bytes]
    older: list[bytes]
    audit_keys: bytes
    archiver: bytes


DocumentRequest = (
    Activate
    | SignDocuments
    | Stamp
    | StampRequest
    | Statuses
    | StatusRequest
    | ShowAuthority
    | Prove
    | RevokeCertificate
    | SealEvidence
    | SealDocuments
    | AddOrganization
    | ListOrganizations
    | ChangeOrganization
    | DisableOrganization
)
DocumentReply = DocumentsSigned | Many | AuthorityIs | OrganizationsAre
