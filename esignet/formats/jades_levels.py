"""The unprotected ``etsiU`` of JAdES: what raises a signature above B-B (§5.3)."""

from base64 import b64encode
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from esignet.formats import jose_reading
from esignet.formats.format import Evidence, FormatError
from esignet.formats.jose_checking import base64_of, certificates_of
from esignet.formats.jose_reading import Part
from esignet.formats.judging import Refused, Stamps
from keystore.jose import base64url

Component = tuple[str, Any]
"""A name of §5.3 and its value."""


def components(part: Part) -> list[Component]:
    """Return the components of ``etsiU`` in their order, or raise FormatError."""
    return [_component(element) for element in _elements(part)]


def values(part: Part, name: str) -> list[Any]:
    """Return the values of the components with this name."""
    return [value for found, value in components(part) if found == name]


def stamps(part: Part, objects: bytes | None) -> tuple[Stamps, Stamps]:
    """Return the tokens over the signature and those over everything, with what each covers.

    ``objects`` are the octets of what was signed; without them no archive time-stamp is returned.
    """
    over, archive = [], []
    for place, (name, value) in enumerate(components(part)):
        if name == "sigTst":
            over += [(token, part.signature.encode()) for token in _tokens(value)]
        elif name == "arcTst" and objects is not None:
            covered = archived(part, objects, before=place)
            archive += [(token, covered) for token in _tokens(value)]
    return tuple(over), tuple(archive)


def archived(part: Part, objects: bytes, before: int | None = None) -> bytes:
    """Return what an ``arcTst`` at the place ``before``, or at the end, covers (§5.3.6.3)."""
    elements = _elements(part)[:before]
    if not all(isinstance(one, str) for one in elements):
        reason = "an archive time-stamp is over components that are not encoded"
        raise Refused("SIG_CONSTRAINTS_FAILURE", reason)
    head = f".{part.protected}.{part.signature}.".encode()
    return objects + head + "".join(elements).encode()


def evidence(part: Part) -> Evidence:
    """Return the certificates and revocation data of the header and of ``etsiU``."""
    kept = [*components(part)]
    for value in values(part, "tstVD"):
        if not isinstance(value, dict):
            raise FormatError("tstVD is malformed")
        kept += value.items()
    certificates = [*certificates_of(part.header)]
    ocsp: list[bytes] = []
    crls: list[bytes] = []
    for name, value in kept:
        if name == "xVals":
            certificates += [_val(_member(one, "x509Cert")) for one in _list(value)]
        elif name == "rVals":
            ocsp += [_val(one) for one in _list(_member(value, "ocspVals", []))]
            crls += [_val(one) for one in _list(_member(value, "crlVals", []))]
    return Evidence(
        certificates=tuple(dict.fromkeys(certificates)),
        ocsp=tuple(dict.fromkeys(ocsp)),
        crls=tuple(dict.fromkeys(crls)),
    )


def with_stamp(part: Part, name: str, token: bytes) -> Part:
    """Return it with a time-stamp container: ``sigTst`` or ``arcTst``."""
    return _with(part, name, {"tstTokens": [{"val": b64encode(token).decode()}]})


def with_material(part: Part, material: Evidence) -> Part:
    """Return it with ``xVals`` and ``rVals``; later material goes into ``tstVD`` (§5.3.5)."""
    known = evidence(part).certificates
    fresh = replace(
        material, certificates=tuple(one for one in material.certificates if one not in known)
    )
    members = dict(_values(fresh))
    if values(part, "rVals"):
        return _with(part, "tstVD", members) if members else part
    for name, value in members.items():
        part = _with(part, name, value)
    return part


def _values(material: Evidence) -> Iterator[Component]:
    def vals(some: Sequence[bytes]) -> list[dict[str, str]]:
        return [{"val": b64encode(one).decode()} for one in some]

    if material.certificates:
        yield "xVals", [{"x509Cert": one} for one in vals(material.certificates)]
    revocation = {"crlVals": vals(material.crls), "ocspVals": vals(material.ocsp)}
    if material.ocsp or material.crls:
        yield "rVals", {name: value for name, value in revocation.items() if value}


def _with(part: Part, name: str, value: object) -> Part:
    element = base64url.encode(msgspec.json.encode({name: value})).decode()
    return replace(part, unprotected={**part.unprotected, "etsiU": [*_elements(part), element]})


def _elements(part: Part) -> list[Any]:
    if set(part.unprotected) - {"etsiU"}:
        raise FormatError("an unprotected header parameter is not accepted")
    return _list(part.unprotected.get("etsiU", []))


def _component(element: object) -> Component:
    if isinstance(element, str):
        element = jose_reading.json_object(jose_reading.decoded(element))
    if not isinstance(element, dict) or len(element) != 1:
        raise FormatError("a component of etsiU is malformed")
    return next(iter(element.items()))


def _tokens(value: object) -> list[bytes]:
    return [_val(one) for one in _list(_member(value, "tstTokens"))]


def _val(value: object) -> bytes:
    return base64_of(_member(value, "val"))


def _member(value: object, name: str, otherwise: object = None) -> object:
    if not isinstance(value, dict):
        raise FormatError("a component of etsiU is malformed")
    return value.get(name, otherwise)


def _list(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise FormatError("a component of etsiU is malformed")
    return value
