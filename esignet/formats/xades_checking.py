"""Whether a XAdES signature signed what it should have: arithmetic and form, no trust."""

import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from esignet.formats import xades_properties
from esignet.formats import xml_reading as xml
from esignet.formats.format import Evidence, FormatError, Found
from esignet.formats.judging import Refused, Stamps, level_of, noted, right_stamps
from esignet.formats.xades_references import Place, is_to_properties, resolve
from esignet.formats.xml_reading import Element
from keystore.checking.message import Problem
from keystore.checking.signature import verify
from keystore.signing.structures.xml import DIGEST_METHODS, DS, SIGNATURE_METHODS

_ALGS = {method: alg for alg, method in SIGNATURE_METHODS.items()}
_HASHES = {method: algorithm.value for algorithm, method in DIGEST_METHODS.items()}
_CHILDREN = [f"{{{DS}}}{name}" for name in ("SignedInfo", "SignatureValue", "KeyInfo", "Object")]
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)")
_SIGNED = "xades:SignedSignatureProperties"
_CERTIFICATES = "ds:KeyInfo/ds:X509Data/ds:X509Certificate"


@dataclass(slots=True)
class _Claims:
    """What a signature says of itself, as far as it could be read."""

    certificate: bytes = b""
    alg: str = ""
    claimed_at: int | None = None
    covers: tuple[str, ...] = ()


def check(place: Place) -> Found:
    """Return what the signature at ``place`` did, with every problem."""
    problems: list[Problem] = []
    claims = _Claims()
    with noted(problems):
        _check_shape(place)
    with noted(problems):
        claims.certificate = _certificate(place)
    with noted(problems):
        claims.claimed_at = _claimed_at(place.properties())
    claims.covers = _covers(place, problems)
    with noted(problems):
        claims.alg = _alg(place.signature)
        _check_value(place.signature, claims)
    stamps: list[Stamps] = [(), ()]
    with noted(problems):
        stamps = right_stamps(*xades_properties.stamps(place), problems)
    evidence = Evidence()
    with noted(problems):
        evidence = xades_properties.evidence(place.signature)
    return Found(
        certificate=claims.certificate,
        alg=claims.alg,
        level=level_of(stamps, evidence),
        claimed_at=claims.claimed_at,
        problems=tuple(dict.fromkeys(problems)),
        timestamps=stamps[0],
        archive=stamps[1],
        evidence=evidence,
        covers=claims.covers,
    )


def _check_shape(place: Place) -> None:
    """Raise FormatError, Refused: something in the signature is unknown, or nobody signed it."""
    children = [child for child in place.signature if isinstance(child.tag, str)]
    if any(child.tag not in _CHILDREN for child in children):
        raise FormatError("something in the signature is unknown")
    to_properties = [one for one in place.references() if is_to_properties(one)]
    if len(to_properties) != 1:
        raise FormatError("not exactly one reference is to the signed properties")
    signed = {(one.get("URI") or "#")[1:] for one in place.references()}
    for one in xml.all_below(place.signature, "ds:Object"):
        own = [
            child for child in one if child.tag == f"{{{xml.NAMES['xades']}}}QualifyingProperties"
        ]
        alone = len(own) == len(one) == 1 and not (one.text or "").strip()
        if not alone and xml.id_of(one) not in signed - {""}:
            raise Refused("SIG_CONSTRAINTS_FAILURE", "an object in the signature is not signed")


def _covers(place: Place, problems: list[Problem]) -> tuple[str, ...]:
    """Return the names of the documents whose references are right."""
    names = []
    references: Sequence[Element] = ()
    with noted(problems):
        references = place.references()
    for reference in references:
        with noted(problems):
            names.append(resolve(place, reference).name)
    covers = tuple(name for name in names if name)
    if not covers and not problems:
        problems.append(("SIGNED_DATA_NOT_FOUND", "the signature signs nothing but itself"))
    return covers


def _alg(signature: Element) -> str:
    method = xml.only(signature, "ds:SignedInfo/ds:SignatureMethod")
    alg = _ALGS.get(method.get("Algorithm", ""))
    if alg is None or len(method):
        raise Refused("CRYPTO_CONSTRAINTS_FAILURE", "the signature's algorithm is not accepted")
    return alg


def _check_value(signature: Element, claims: _Claims) -> None:
    signed_info = xml.only(signature, "ds:SignedInfo")
    method = xml.only(signed_info, "ds:CanonicalizationMethod")
    value = xml.base64_of(xml.only(signature, "ds:SignatureValue"))
    if claims.certificate:
        verify(claims.certificate, claims.alg, value, xml.canonical(signed_info, method))


def _certificate(place: Place) -> bytes:
    """Return the certificate of KeyInfo that the signed properties name (§5.2.2)."""
    brought = [xml.base64_of(one) for one in xml.all_below(place.signature, _CERTIFICATES)]
    if not brought:
        raise Refused("NO_SIGNING_CERTIFICATE_FOUND", "the signer's certificate is not there")
    name, digest = _named(place.properties())
    for certificate in brought:
        if hmac.compare_digest(hashlib.new(name, certificate).digest(), digest):
            return certificate
    raise Refused("NO_SIGNING_CERTIFICATE_FOUND", "the signature names another certificate")


def _named(properties: Element) -> tuple[str, bytes]:
    """Return hash and digest of the signer's certificate, the first that is named."""
    at = xml.maybe(properties, f"{_SIGNED}/xades:SigningCertificateV2")
    if at is None:
        at = xml.maybe(properties, f"{_SIGNED}/xades:SigningCertificate")
    if at is None:
        raise Refused("SIG_CONSTRAINTS_FAILURE", "no signed property names the certificate")
    named = xml.all_below(at, "xades:Cert/xades:CertDigest")
    if not named:
        raise FormatError("a signed property names no certificate")
    name = _HASHES.get(xml.only(named[0], "ds:DigestMethod").get("Algorithm", ""))
    if name is None:
        raise Refused("CRYPTO_CONSTRAINTS_FAILURE", "the certificate is named by a weak hash")
    return name, xml.base64_of(xml.only(named[0], "ds:DigestValue"))


def _claimed_at(properties: Element) -> int | None:
    element = xml.maybe(properties, f"{_SIGNED}/xades:SigningTime")
    if element is None:
        return None
    text = xml.text_of(element).strip()
    if not _TIME.fullmatch(text):
        raise FormatError("the signing time is malformed")
    try:
        return int(datetime.fromisoformat(text).timestamp())
    except (ValueError, OverflowError) as fault:
        raise FormatError("the signing time is malformed") from fault
