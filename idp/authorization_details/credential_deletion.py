"""``https://cloudsignatureconsortium.org/2025/credential-deletion``: a stored credential ends.

Cloud Signature Consortium API v2.2, credentials/delete: its key is destroyed, its certificate
revoked.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from idp.authorization_details import fields
from idp.authorization_details.credential import WITH, identifier
from idp.protocol.details import Row, Shown
from idp.protocol.errors import InvalidAuthorizationDetails
from idp.protocol.signing import DELETION

_HEADING, _AFTER, _END = (
    "Destroy a key for your signatures",
    "What happens",
    "Nobody can sign with it any more; this cannot be undone. Signatures made before stay valid",
)
_MEMBERS = ("type", "credentialID", "locations")


@dataclass(frozen=True, slots=True)
class CredentialDeletion:
    """The end of a key that the person has through this client."""

    name: str

    texts: ClassVar[tuple[str, ...]] = (_HEADING, _AFTER, _END, WITH)

    def check(self, detail: Mapping[str, Any]) -> None:
        """One credential is named."""
        fields.only(detail, _MEMBERS)
        if "credentialID" not in detail:
            raise InvalidAuthorizationDetails("credentialID names what is to be destroyed")
        identifier(detail)
        if "locations" in detail:
            fields.texts(detail, "locations")

    def shown(self, detail: Mapping[str, Any]) -> Shown:
        """Which one, and what comes of it."""
        rows = (Row(WITH, detail["credentialID"]), Row(_AFTER, _END, is_ours=True))
        return Shown(_HEADING, rows)

    def within(self, wanted: Mapping[str, Any], granted: Mapping[str, Any]) -> bool:
        """An approval cannot be narrowed."""
        return wanted == granted


TYPE = CredentialDeletion(DELETION)
