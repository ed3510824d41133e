"""What a person is asked about stored credentials, and what their approval is."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import msgspec

from idp.protocol.signing import CredentialChange


def changed(detail: Mapping[str, Any], transaction: str) -> CredentialChange:
    """Return what agreeing to ``detail``, which was checked, approves."""
    return CredentialChange(
        type=detail["type"],
        transaction=transaction,
        page=sha256(msgspec.json.encode(detail, order="deterministic")).digest(),
        credential=detail.get("credentialID", ""),
        named=detail.get("certificateSubject") == "name",
    )
