"""Texts of a plan that stand in a signature: only what no format has to escape or can misread."""

import re

from keystore.signing.structures.structure import BadPlan

_MEDIA_TYPE = re.compile(r"[A-Za-z0-9!#$^_.+-]{1,127}/[A-Za-z0-9!#$^_.+-]{1,127}")
_URI = re.compile(r"(?:[A-Za-z0-9._~:/?@!$&()*+,;=-]|%[0-9A-F]{2}){1,2048}")
_OID = re.compile(r"[012](\.(0|[1-9][0-9]{0,9})){1,20}")


def check_media_type(text: str) -> str:
    """Return ``text``, or raise BadPlan unless it is type and subtype (RFC 6838 §4.2)."""
    if not _MEDIA_TYPE.fullmatch(text):
        raise BadPlan("a media type is none (RFC 6838 §4.2)")
    return text


def check_uri(text: str) -> str:
    """Return ``text``, or raise BadPlan unless it is a reference of RFC 3986 without fragment."""
    if not _URI.fullmatch(text):
        raise BadPlan("an address is none (RFC 3986 §4.1); other characters are percent-encoded")
    return text


def commitment_urn(dotted: str) -> str:
    """Return an object identifier as a URN (RFC 3061), or raise BadPlan."""
    if not _OID.fullmatch(dotted):
        raise BadPlan("a commitment is no object identifier")
    return f"urn:oid:{dotted}"
