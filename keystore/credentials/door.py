"""What may be asked about stored credentials: approvals by idp, the rest by esignet."""

from enum import StrEnum
from typing import Protocol

import msgspec

from keystore.door import NotPermitted
from keystore.signing.door import Activations, CertificateSubject


class NotWrapped(NotPermitted):
    """The token here can store no key of people: nothing that is asked changes that."""


class CredentialAct(StrEnum):
    """What a person approves about a credential, beside signatures with it."""

    CREATE = "create"
    DELETE = "delete"


class CredentialApproval(msgspec.Struct, frozen=True, kw_only=True):
    """What idp says was approved about a stored credential.

    ``subject`` is the person as esignet's own sector knows them, as in ``Approval``; ``known_as``
    as the client knows them. ``holder`` is named in the certificate of a new credential.
    ``credential`` is the one to be deleted, empty for a new one. ``consent`` is the SHA-256 hash of
    what was agreed to, ``auth_time`` a NumericDate.
    """

    act: CredentialAct
    transaction: str
    subject: str
    known_as: str
    client_id: str
    holder: CertificateSubject
    acr: str
    amr: tuple[str, ...]
    auth_time: int
    consent: bytes
    credential: str = ""


class StoredCredential(msgspec.Struct, frozen=True, kw_only=True):
    """A credential as esignet may know it. ``chain`` begins with its certificate, all in DER.

    ``serial`` is hexadecimal, times are NumericDates. ``attributes`` are what the token said of the
    key when it made it, by PKCS#11 name.
    """

    id: str
    serial: str
    chain: tuple[bytes, ...]
    attributes: dict[str, bool]
    created_at: int
    expires_at: int
    is_revoked: bool = False


class CredentialActivations(Protocol):
    """Only the socket of the idp role answers this."""

    async def activate_credential(self, approval: CredentialApproval) -> str:
        """Return a compact JWS (``typ``: ``credential-activation+jwt``) good for 300 s, once.

        Raises NotPermitted for what could not be done, KeyServiceUnavailable.
        """
        ...


class EveryActivation(Activations, CredentialActivations, Protocol):
    """All that idp has activated."""


class Credentials(Protocol):
    """Only the socket of the esignet role answers this. All may raise KeyServiceUnavailable."""

    async def create_credential(self, activation: str) -> StoredCredential:
        """Make a key and its certificate. Raises NotActivated, NotPermitted."""
        ...

    async def delete_credential(self, activation: str) -> None:
        """Destroy a key and revoke its certificate. Raises NotActivated, NotPermitted."""
        ...

    async def credentials(self, client_id: str, known_as: str) -> list[StoredCredential]:
        """Return those of the person whom this client knows so, made through this client."""
        ...
