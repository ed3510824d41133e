"""``credential_deletion``: the same under the name that clients of v2.1 use."""

from idp.authorization_details.credential_deletion import CredentialDeletion
from idp.protocol.signing import DELETION_V2

TYPE = CredentialDeletion(DELETION_V2)
