"""``credential_creation``: the same under the name that clients of v2.1 use."""

from idp.authorization_details.credential_creation import CredentialCreation
from idp.protocol.signing import CREATION_V2

TYPE = CredentialCreation(CREATION_V2)
