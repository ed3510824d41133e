"""``credential``: the same as Cloud Signature Consortium API v2.0 and v2.1 call it."""

from idp.authorization_details.credential import Credential
from idp.protocol.signing import CREDENTIAL_V2

TYPE = Credential(CREDENTIAL_V2)
