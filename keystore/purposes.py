"""Which role may use which purpose: the one table that the key ring asks."""

from enum import StrEnum

from keystore.door import MacPurpose, SealPurpose, TokenKind


class Role(StrEnum):
    """Who asks. Each role has a socket of its own, checked against its uid."""

    IDP = "idp"
    ESIGNET = "esignet"
    WALLET_BRIDGE = "wallet_bridge"
    WORKER = "worker"
    OPERATOR = "operator"


class Act(StrEnum):
    """What is done with a key."""

    SIGN = "sign"
    MAC = "mac"
    SEAL = "seal"
    OPEN = "open"
    ASK = "ask"
    ADMINISTER = "administer"


class Administration(StrEnum):
    """What an operator does with keys."""

    LIST = "list"
    ROTATE = "rotate"
    ADVANCE = "advance"


class OwnRing(StrEnum):
    """Keys with which the key service signs what it makes by itself; nobody names them."""

    ROOT = "ca:root"
    ISSUING = "ca:issuing"
    STAMPING = "tsa"
    ARCHIVE = "tsa:archive"  # where the settings say so
    STATUS = "ocsp"
    ACTIVATION = "activation"
    AUDIT = "audit"
    EVIDENCE = "evidence"


class OwnSecret(StrEnum):
    """Secrets of the key service around stored keys of people; nobody names them."""

    WRAPPING = "credential:wrapping"  # wraps the keys
    BINDING = "credential:binding"  # authenticates their rows


class DocumentUse(StrEnum):
    """What may be asked about documents, each by one role."""

    ACTIVATE = "activate"
    ACTIVATE_CREDENTIAL = "activate_credential"
    CREDENTIALS = "credentials"
    SIGN = "sign_documents"
    STAMP = "stamp"
    STATUS = "status"
    REVOKE = "revoke_certificate"
    SEAL = "seal_documents"
    ENROL = "enrol_organization"
    EVIDENCE = "seal_evidence"


Purpose = TokenKind | MacPurpose | SealPurpose | Administration | OwnRing | OwnSecret | DocumentUse

_OF_THE_WORKER = frozenset((TokenKind.AUDIT_CHECKPOINT, TokenKind.SIGNATURE_EVENT))
"""Tokens that are signed where they leave."""

_OF_OTHERS = _OF_THE_WORKER | {TokenKind.CLIENT_ASSERTION}

_OF_ESIGNET = frozenset((MacPurpose.SERVICE_NONCE,))

_PERMITTED: dict[Role, frozenset[tuple[Act, Purpose]]] = {
    Role.IDP: frozenset(
        [
            *((Act.SIGN, kind) for kind in TokenKind if kind not in _OF_OTHERS),
            *((Act.MAC, purpose) for purpose in MacPurpose if purpose not in _OF_ESIGNET),
            (Act.SEAL, SealPurpose.PERSON),
            (Act.OPEN, SealPurpose.PERSON),
            (Act.SEAL, SealPurpose.OUTBOX),
            (Act.SEAL, SealPurpose.CLIENT_SECRET),
            (Act.OPEN, SealPurpose.CLIENT_SECRET),
            (Act.SEAL, SealPurpose.NOTIFICATION),
            (Act.OPEN, SealPurpose.NOTIFICATION),
            (Act.ASK, DocumentUse.ACTIVATE),  # and no signature of a document
            (Act.ASK, DocumentUse.ACTIVATE_CREDENTIAL),
        ]
    ),
    Role.WORKER: frozenset(
        [
            (Act.SIGN, TokenKind.LOGOUT_TOKEN),  # back-channel logout is sent by the relay
            *((Act.SIGN, kind) for kind in _OF_THE_WORKER),
            (Act.OPEN, SealPurpose.OUTBOX),
        ]
    ),
    Role.OPERATOR: frozenset(
        [
            *((Act.ADMINISTER, administration) for administration in Administration),
            (Act.ASK, DocumentUse.REVOKE),
            (Act.ASK, DocumentUse.STATUS),  # what anybody sees of the authority
            (Act.ASK, DocumentUse.ENROL),
            (Act.MAC, MacPurpose.LOOKUP),  # importing and showing residents
            (Act.SEAL, SealPurpose.PERSON),
            (Act.OPEN, SealPurpose.PERSON),
            (Act.SEAL, SealPurpose.CLIENT_SECRET),  # registering a client
        ]
    ),
    Role.ESIGNET: frozenset(
        [
            (Act.ASK, DocumentUse.SIGN),  # and no activation of its own
            (
                Act.SIGN,
                TokenKind.CLIENT_ASSERTION,
            ),  # as a client of idp, for who signs on its pages
            (Act.ASK, DocumentUse.CREDENTIALS),
            (Act.ASK, DocumentUse.SEAL),  # with the organisation's own word, which it cannot write
            (Act.ASK, DocumentUse.STAMP),
            (Act.ASK, DocumentUse.STATUS),
            (Act.ASK, DocumentUse.EVIDENCE),
            *((Act.MAC, purpose) for purpose in _OF_ESIGNET),
            (Act.SEAL, SealPurpose.DOCUMENT),
            (Act.OPEN, SealPurpose.DOCUMENT),
            (Act.SEAL, SealPurpose.HISTORY),
            (Act.OPEN, SealPurpose.HISTORY),
        ]
    ),
    Role.WALLET_BRIDGE: frozenset(),
}


def permits(role: Role, act: Act, purpose: Purpose) -> bool:
    """Say whether ``role`` may do ``act`` for ``purpose``. Reading public keys needs no permit."""
    return (act, purpose) in _PERMITTED[role]
