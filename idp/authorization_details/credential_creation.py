"""``https://cloudsignatureconsortium.org/2025/credential-creation``: a stored credential is made.

Cloud Signature Consortium API v2.2, credentials/create: a long-term key, which the key service
keeps, and a certificate that is shown with every signature by it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from idp.authorization_details import fields
from idp.authorization_details.credential import SUBJECTS, TELLS
from idp.protocol.details import Row, Shown
from idp.protocol.errors import InvalidAuthorizationDetails
from idp.protocol.signing import CREATION

_HEADING, _KEPT, _STAYS, _TOGETHER, _ALL = (
    "Create a key for your signatures",
    "Where it is kept",
    "At the signing service. You approve each signature with it, as now",
    "What others can see",
    "All signatures with this key can be recognised as of the same person",
)
_MEMBERS = ("type", "certificateSubject", "locations")


@dataclass(frozen=True, slots=True)
class CredentialCreation:
    """A new key and certificate of the person, for this client."""

    name: str

    texts: ClassVar[tuple[str, ...]] = (
        *(_HEADING, _KEPT, _STAYS, _TOGETHER, _ALL, TELLS),
        *SUBJECTS.values(),
    )

    def check(self, detail: Mapping[str, Any]) -> None:
        """Nothing but whom the certificate names is chosen."""
        fields.only(detail, _MEMBERS)
        if detail.get("certificateSubject", "name") not in tuple(SUBJECTS):
            raise InvalidAuthorizationDetails(f"certificateSubject is among {', '.join(SUBJECTS)}")
        if "locations" in detail:
            fields.texts(detail, "locations")

    def shown(self, detail: Mapping[str, Any]) -> Shown:
        """Where the key is, and what its certificate tells."""
        subject = SUBJECTS[detail.get("certificateSubject", "pseudonym")]
        rows = (
            Row(_KEPT, _STAYS, is_ours=True),
            Row(TELLS, subject, is_ours=True),
            Row(_TOGETHER, _ALL, is_ours=True),
        )
        return Shown(_HEADING, rows)

    def within(self, wanted: Mapping[str, Any], granted: Mapping[str, Any]) -> bool:
        """An approval cannot be narrowed."""
        return wanted == granted


TYPE = CredentialCreation(CREATION)
