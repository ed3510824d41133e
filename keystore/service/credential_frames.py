"""What goes over the sockets about stored credentials: approvals, activations, certificates."""

import msgspec

from keystore.credentials.door import CredentialApproval, StoredCredential


class ActivateCredential(msgspec.Struct, array_like=True, tag="activate_credential", frozen=True):
    """Make an activation about a credential (idp)."""

    id: int
    approval: CredentialApproval


class CreateCredential(msgspec.Struct, array_like=True, tag="create_credential", frozen=True):
    """Make the credential that an activation asks for (esignet)."""

    id: int
    activation: str


class DeleteCredential(msgspec.Struct, array_like=True, tag="delete_credential", frozen=True):
    """Destroy the credential that an activation names (esignet)."""

    id: int
    activation: str


class ListCredentials(msgspec.Struct, array_like=True, tag="list_credentials", frozen=True):
    """Show the credentials of a person as a client knows them (esignet)."""

    id: int
    client_id: str
    known_as: str


class CredentialsAre(msgspec.Struct, array_like=True, tag="credentials_are", frozen=True):
    """Credentials, the oldest first."""

    id: int
    found: list[StoredCredential]


CredentialRequest = ActivateCredential | CreateCredential | DeleteCredential | ListCredentials
