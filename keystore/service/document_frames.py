"""What goes over the sockets about documents: digests, plans, evidence; no octets to sign."""

import msgspec

from keystore.authority.revoking import Reason
from keystore.seals.organization import NewOrganization, OrganizationChange, ShownOrganization
from keystore.service.numbered import Numbered
from keystore.signing.digests import HashAlgorithm
from keystore.signing.door import Approval, Beside, Signed
from keystore.signing.plans import Plan


class Activate(Numbered, tag="activate", frozen=True):
    """Make an activation (idp)."""

    approval: Approval


class SignDocuments(Numbered, tag="sign_documents", frozen=True):
    """Sign what an activation names (esignet)."""

    activation: str
    hash_algorithm: HashAlgorithm
    digests: list[bytes]
    plans: list[Plan]
    one_key: bool
    beside: Beside = Beside.NOTHING


class Stamp(Numbered, tag="stamp", frozen=True):
    """Time-stamp digests (esignet)."""

    imprints: list[tuple[HashAlgorithm, bytes]]
    archive: bool = False


class StampRequest(Numbered, tag="stamp_request", frozen=True):
    """Answer a TimeStampReq from anywhere (esignet)."""

    request: bytes


class Statuses(Numbered, tag="statuses", frozen=True):
    """Say about certificates of ours whether they are revoked (esignet)."""

    certificates: list[bytes]


class StatusRequest(Numbered, tag="status_request", frozen=True):
    """Answer an OCSPRequest from anywhere (esignet)."""

    request: bytes


class ShowAuthority(Numbered, tag="authority", frozen=True):
    """Show the certificates and revocation lists of the authority (esignet)."""


class Prove(Numbered, tag="prove", frozen=True):
    """Show that the audit log holds an entry (esignet)."""

    about: str


class RevokeCertificate(Numbered, tag="revoke_certificate", frozen=True):
    """Take a certificate of ours back (operator)."""

    serial: str
    reason: Reason


class SealDocuments(Numbered, tag="seal_documents", frozen=True):
    """Sign what an organisation authorized, with its key (esignet)."""

    authorization: str
    hash_algorithm: HashAlgorithm
    digests: list[bytes]
    plans: list[Plan]


class AddOrganization(Numbered, tag="add_organization", frozen=True):
    """Enrol an organisation (operator)."""

    organization: NewOrganization


class ListOrganizations(Numbered, tag="organizations", frozen=True):
    """Show organisations: one, or all where it is empty (operator)."""

    organization: str


class ChangeOrganization(Numbered, tag="change", frozen=True):
    """Change an organisation's keys or limit (operator)."""

    change: OrganizationChange


class DisableOrganization(Numbered, tag="disable", frozen=True):
    """Let an organisation seal no more (operator)."""

    organization: str


class OrganizationsAre(Numbered, tag="organizations_are", frozen=True):
    """Organisations, by their ids."""

    organizations: list[ShownOrganization]


class SealEvidence(Numbered, tag="seal_evidence", frozen=True):
    """Seal a manifest of evidence: name, media type and SHA-256 digest of each file (esignet)."""

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


class DocumentsSigned(Numbered, tag="documents_signed", frozen=True):
    """The signatures in the order of the plans, and what was made beside them."""

    signed: list[OneSigned]
    timestamps: list[bytes] = msgspec.field(default_factory=list)
    statuses: dict[bytes, bytes] = msgspec.field(default_factory=dict)


class Many(Numbered, tag="many", frozen=True):
    """Structures in DER, in the order of what was asked."""

    values: list[bytes]


class AuthorityIs(Numbered, tag="authority_is", frozen=True):
    """Chains and lists in DER, the keys of the audit log as a JWK Set, who stamps for archives."""

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
