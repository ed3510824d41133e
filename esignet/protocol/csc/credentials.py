"""What is asked about credentials: credentials/list, info, create, delete (§11.4 to §11.7)."""

from dataclasses import dataclass

from esignet.protocol.csc.faults import USER_ID_GIVEN, CscError, invalid
from esignet.protocol.csc.fields import Fields
from esignet.protocol.csc.version import V1, Version


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """How much is told of a credential; ``certificates`` is none, single or chain."""

    certificates: str = "single"
    certificate: bool = False
    authorization: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """``detail`` is None where only identifiers are asked for."""

    detail: Detail | None
    only_valid: bool = False


@dataclass(frozen=True, slots=True)
class Named:
    """One credential, and how much of it is to be told."""

    credential: str
    detail: Detail


def listing(fields: Fields, version: Version) -> Listing:
    """Return what is asked of credentials/list. All credentials fit on the one page there is."""
    if fields.has("userID"):
        raise CscError(USER_ID_GIVEN)
    if version is V1:
        if fields.has("pageToken"):
            raise invalid("pageToken")
        return Listing(detail=None)
    detail = _detail(fields)
    return Listing(
        detail=detail if fields.flag("credentialInfo") else None,
        only_valid=fields.flag("onlyValid"),
    )


def named(fields: Fields) -> Named:
    """Return what is asked of credentials/info."""
    return Named(fields.text("credentialID"), _detail(fields))


def created(fields: Fields) -> Detail:
    """Return how much is to be told of the credential that credentials/create makes."""
    if fields.has("userID"):
        raise CscError(USER_ID_GIVEN)
    return _detail(fields)


def deleted(fields: Fields) -> str:
    """Return the credential that credentials/delete destroys."""
    return fields.text("credentialID")


def _detail(fields: Fields) -> Detail:
    return Detail(
        certificates=fields.word("certificates", ("single", "none", "chain")),
        certificate=fields.flag("certInfo"),
        authorization=fields.flag("authInfo"),
    )
