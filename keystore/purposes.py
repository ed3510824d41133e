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
    ADMINISTER = "administer"


class Administration(StrEnum):
    """What an operator does with keys."""

    LIST = "list"
    ROTATE = "rotate"
    ADVANCE = "advance"


Purpose = TokenKind | MacPurpose | SealPurpose | Administration

_PERMITTED: dict[Role, frozenset[tuple[Act, Purpose]]] = {
    Role.IDP: frozenset(
        [
            *((Act.SIGN, kind) for kind in TokenKind if kind is not TokenKind.AUDIT_CHECKPOINT),
            *((Act.MAC, purpose) for purpose in MacPurpose),
            (Act.SEAL, SealPurpose.PERSON),
            (Act.OPEN, SealPurpose.PERSON),
            (Act.SEAL, SealPurpose.OUTBOX),
            (Act.SEAL, SealPurpose.CLIENT_SECRET),
            (Act.OPEN, SealPurpose.CLIENT_SECRET),
            (Act.SEAL, SealPurpose.NOTIFICATION),
            (Act.OPEN, SealPurpose.NOTIFICATION),
        ]
    ),
    Role.WORKER: frozenset(
        [
            (Act.SIGN, TokenKind.LOGOUT_TOKEN),  # back-channel logout is sent by the relay
            (Act.SIGN, TokenKind.AUDIT_CHECKPOINT),
            (Act.OPEN, SealPurpose.OUTBOX),
        ]
    ),
    Role.OPERATOR: frozenset(
        [
            *((Act.ADMINISTER, administration) for administration in Administration),
            (Act.MAC, MacPurpose.LOOKUP),  # importing and showing residents
            (Act.SEAL, SealPurpose.PERSON),
            (Act.OPEN, SealPurpose.PERSON),
            (Act.SEAL, SealPurpose.CLIENT_SECRET),  # registering a client
        ]
    ),
    Role.ESIGNET: frozenset(),
    Role.WALLET_BRIDGE: frozenset(),
}


def permits(role: Role, act: Act, purpose: Purpose) -> bool:
    """Say whether ``role`` may do ``act`` for ``purpose``. Reading public keys needs no permit."""
    return (act, purpose) in _PERMITTED[role]
