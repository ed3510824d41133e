"""What goes over the sockets about stored credentials: approvals, activations, certificates."""

from keystore.credentials.door import CredentialApproval, StoredCredential
from keystore.service.numbered import Numbered


class ActivateCredential(Numbered, tag="activate_credential", frozen=True):
    """Make an activation about a credential (idp)."""

    approval: CredentialApproval


class CreateCredential(Numbered, tag="create_credential", frozen=True):
    """Make the credential that an activation asks for (esignet)."""

    activation: str


class DeleteCredential(Numbered, tag="delete_credential", frozen=True):
    """Destroy the credential that an activation names (esignet)."""

    activation: str


class ListCredentials(Numbered, tag="list_credentials", frozen=True):
    """Show the credentials of a person as a client knows them (esignet)."""

    client_id: str
    known_as: str


class CredentialsAre(Numbered, tag="credentials_are", frozen=True):
    """Credentials, the oldest first."""

    found: list[StoredCredential]


CredentialRequest = ActivateCredential | CreateCredential | DeleteCredential | ListCredentials
