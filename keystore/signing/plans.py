"""What is to be signed, typed: the caller names approved digests, the key service writes the bytes.

A plan holds no finished bytes. ``digest`` is a place in the approved list, from 0. Texts of a plan
(addresses, media types) are checked by the builder that writes them; what is not fit for its format
is refused there.
"""

from enum import StrEnum

import msgspec


class CmsPlan(msgspec.Struct, array_like=True, frozen=True, tag="cms"):
    """One SignerInfo over one digest: CAdES, and PAdES where ``signing_time`` is left out.

    ``commitment`` is an object identifier of ETSI TS 119 172-1 Annex B or empty.
    """

    digest: int
    signing_time: bool = True
    commitment: str = ""
    media_type: str = ""


class DataFile(msgspec.Struct, array_like=True, frozen=True):
    """A file of a container, or what a detached signature points at."""

    digest: int
    uri: str
    media_type: str = "application/octet-stream"


class ManifestPlan(msgspec.Struct, array_like=True, frozen=True, tag="manifest"):
    """An ASiC manifest over ``files`` (ETSI EN 319 162-1 Annex A), signed as CMS under ``uri``."""

    uri: str
    files: list[DataFile]


class Transform(StrEnum):
    """What was done to XML before it was digested."""

    NONE = "none"  # octets of a file
    BASE64 = "base64"  # octets of an object inside the signature, which holds them in base64
    ENVELOPED = "enveloped"  # this signature taken out, then exclusive canonicalisation
    PARALLEL = "parallel"  # every signature taken out, then exclusive canonicalisation


class XmlReference(msgspec.Struct, array_like=True, frozen=True):
    """One ds:Reference to a document."""

    digest: int
    uri: str
    transform: Transform = Transform.NONE
    media_type: str = "application/octet-stream"


class XmlPlan(msgspec.Struct, array_like=True, frozen=True, tag="xml"):
    """A XAdES signature; ``id`` becomes the ds:Signature's Id and the stem of all others.

    ``commitment`` is as in CmsPlan.
    """

    id: str
    references: list[XmlReference]
    commitment: str = ""


class JadesPlan(msgspec.Struct, array_like=True, frozen=True, tag="jades"):
    """A JAdES signature that names its objects by hash (ETSI TS 119 182-1 §5.2.8.3.3).

    ``commitment`` is as in CmsPlan.
    """

    files: list[DataFile]
    commitment: str = ""


class JwsPlan(msgspec.Struct, array_like=True, frozen=True, tag="jws"):
    """A detached JWS (RFC 7797). Its input holds the content, so the content comes along."""

    digest: int
    content: bytes
    media_type: str = ""


class CosePlan(msgspec.Struct, array_like=True, frozen=True, tag="cose"):
    """A COSE_Sign1 (RFC 9052 §4.2): over ``content``, or over its digest where that is empty."""

    digest: int
    content: bytes = b""
    media_type: str = ""


class RawPlan(msgspec.Struct, array_like=True, frozen=True, tag="raw"):
    """The digest itself, signed as it is: of what its owner's application made (CSC signHash)."""

    digest: int


Plan = CmsPlan | ManifestPlan | XmlPlan | JadesPlan | JwsPlan | CosePlan | RawPlan


def commitment_of(plan: Plan) -> str:
    """Return the object identifier of what the signature commits to, empty for none."""
    match plan:
        case CmsPlan() | XmlPlan() | JadesPlan():
            return plan.commitment
        case _:
            return ""
