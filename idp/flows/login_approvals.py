"""What a person approved once in a login: signatures, or a change of their stored keys."""

from idp.authorization_details.credential import approved
from idp.authorization_details.credential_change import changed
from idp.flows.login_ground import digest
from idp.protocol.login import Login
from idp.protocol.signing import (
    CREATIONS,
    CredentialChange,
    SigningApproval,
    asked_change,
    asked_signature,
)
from idp.stores.history import KEY_ENDED, KEY_MADE, LOGGED_IN, SIGNED


def outcome_of(login: Login) -> str:
    """Return what a person finds in their history."""
    if asked_signature(login.request.details) is not None:
        return SIGNED
    change = asked_change(login.request.details)
    if change is None:
        return LOGGED_IN
    return KEY_MADE if change["type"] in CREATIONS else KEY_ENDED


def signature_of(login: Login) -> SigningApproval | None:
    """Return what was approved for signing. One login is one transaction."""
    asked = asked_signature(login.request.details)
    if asked is None:
        return None
    return approved(asked, _transaction(login), login.page)


def change_of(login: Login) -> CredentialChange | None:
    """Return what was approved about stored credentials."""
    asked = asked_change(login.request.details)
    return None if asked is None else changed(asked, _transaction(login))


def _transaction(login: Login) -> str:
    return digest(f"transaction {login.id}").hex()[:32]
