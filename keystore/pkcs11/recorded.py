"""What a token says of a key it made, as evidence: the attributes of PKCS#11 v2.40 §4.9."""

from collections.abc import Sequence

from keystore.pkcs11 import constants as ck

RECORDED = {
    "CKA_LOCAL": ck.CKA_LOCAL,
    "CKA_SENSITIVE": ck.CKA_SENSITIVE,
    "CKA_ALWAYS_SENSITIVE": ck.CKA_ALWAYS_SENSITIVE,
    "CKA_EXTRACTABLE": ck.CKA_EXTRACTABLE,
    "CKA_NEVER_EXTRACTABLE": ck.CKA_NEVER_EXTRACTABLE,
}
_SILENT = 0xFF


def octets(values: Sequence[bytes | None]) -> bytes:
    """Return the values of ``RECORDED`` in its order, one octet each."""
    return bytes(value[0] if value else _SILENT for value in values)


def said(values: bytes) -> dict[str, bool]:
    """Return what ``octets`` wrote, by name, without what the token is silent about."""
    pairs = zip(RECORDED, values, strict=True)
    return {name: value != 0 for name, value in pairs if value != _SILENT}
