"""The builders of XAdES, JAdES, JWS and COSE write from approved digests, and nothing else."""

import hashlib
import json
from base64 import urlsafe_b64decode
from collections.abc import Callable
from dataclasses import replace

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from keystore.signing.digests import HashAlgorithm
from keystore.signing.plans import (
    CosePlan,
    DataFile,
    JadesPlan,
    JwsPlan,
    Transform,
    XmlPlan,
    XmlReference,
)
from keystore.signing.structures import cose, jades, jws, xml
from keystore.signing.structures.structure import BadPlan, Ground

CONTENT = b"content"
GROUND = Ground(
    hash_algorithm=HashAlgorithm.SHA256,
    digests=(hashlib.sha256(CONTENT).digest(), bytes(32)),
    certificate=b"certificate",
    chain=(b"issuing",),
    alg="ES256",
    now=1_780_315_200,
)


def xml_plan(**changes: object) -> XmlPlan:
    fields = {"digest": 0, "uri": "a.txt", "media_type": "text/plain"} | changes
    return XmlPlan("s1", [XmlReference(**fields)])  # type: ignore[arg-type]


@given(
    st.lists(st.text(), min_size=1, max_size=3),
    st.sampled_from(list(HashAlgorithm)),
    st.text(),
    st.text(),
)
def test_whatever_the_texts_the_parts_are_canonical_or_refused(
    uris: list[str], algorithm: HashAlgorithm, media_type: str, commitment: str
) -> None:
    digest = algorithm.of(CONTENT)
    ground = replace(GROUND, hash_algorithm=algorithm, digests=(digest,))
    plan = XmlPlan("s1", [XmlReference(0, uri, media_type=media_type) for uri in uris], commitment)
    try:
        built = xml.build(plan, ground)
    except BadPlan:
        return
    for part in built.parts:
        assert etree.tostring(etree.fromstring(part), method="c14n", exclusive=True) == part


@pytest.mark.parametrize("transform", list(Transform))
@pytest.mark.spec("XMLDSIG §4.4")
def test_the_parts_of_every_transform_are_canonical(transform: Transform) -> None:
    uri = {Transform.NONE: "a%20b?c&d", Transform.BASE64: "#s1-object-0"}.get(transform, "")
    plan = xml_plan(uri=uri, transform=transform)
    plan = XmlPlan(plan.id, plan.references, "1.2.840.113549.1.9.16.6.1")
    built = xml.build(plan, GROUND)
    assert built.signed == built.parts[1]
    for part in built.parts:
        assert etree.tostring(etree.fromstring(part), method="c14n", exclusive=True) == part


BAD_XML = {
    "a digest that was not approved": xml_plan(digest=2),
    "a digest before the first": xml_plan(digest=-1),
    "an address that breaks out": xml_plan(uri='a"><ds:Transform/>'),
    "a fragment": xml_plan(uri="#other"),
    "a part of a file": xml_plan(uri="a.xml#part"),
    "no address": xml_plan(uri=""),
    "a line end": xml_plan(uri="a\n"),
    "a media type that breaks out": xml_plan(media_type="text/plain</xades:MimeType>"),
    "a media type with an entity": xml_plan(media_type="text/&amp;"),
    "an enveloped file": xml_plan(transform=Transform.ENVELOPED),
    "a path as object": xml_plan(uri="#xpointer(/)", transform=Transform.BASE64),
    "nothing": XmlPlan("s1", []),
    "an identifier that breaks out": XmlPlan('s" x="', [XmlReference(0, "a")]),
    "one thing twice": XmlPlan("s1", [XmlReference(0, "a"), XmlReference(1, "a")]),
    "a commitment that breaks out": XmlPlan("s1", [XmlReference(0, "a")], "1.2</x>"),
}


@pytest.mark.parametrize("case", BAD_XML)
def test_an_xml_plan_that_is_unfit_is_refused(case: str) -> None:
    with pytest.raises(BadPlan):
        xml.build(BAD_XML[case], GROUND)


OTHERS: dict[str, Callable[[], object]] = {
    "a JAdES digest that was not approved": lambda: jades.build(
        JadesPlan([DataFile(2, "a")]), GROUND
    ),
    "a JAdES over nothing": lambda: jades.build(JadesPlan([]), GROUND),
    "a JAdES file twice": lambda: jades.build(
        JadesPlan([DataFile(0, "a"), DataFile(1, "a")]), GROUND
    ),
    "a JAdES address": lambda: jades.build(JadesPlan([DataFile(0, 'a"')]), GROUND),
    "a JAdES media type": lambda: jades.build(JadesPlan([DataFile(0, "a", "x")]), GROUND),
    "a JAdES commitment": lambda: jades.build(JadesPlan([DataFile(0, "a")], "x"), GROUND),
    "JWS content that was not approved": lambda: jws.build(JwsPlan(0, b"other"), GROUND),
    "JWS content under another digest": lambda: jws.build(JwsPlan(1, CONTENT), GROUND),
    "a JWS media type": lambda: jws.build(JwsPlan(0, CONTENT, "x"), GROUND),
    "COSE content that was not approved": lambda: cose.build(CosePlan(0, b"other"), GROUND),
    "a COSE digest that was not approved": lambda: cose.build(CosePlan(2), GROUND),
    "a COSE media type": lambda: cose.build(CosePlan(0, CONTENT, "x"), GROUND),
    "a COSE algorithm": lambda: cose.build(CosePlan(0), replace(GROUND, alg="HS256")),
    "an XML algorithm": lambda: xml.build(xml_plan(), replace(GROUND, alg="HS256")),
}


@pytest.mark.parametrize("case", OTHERS)
def test_a_plan_that_is_unfit_is_refused(case: str) -> None:
    with pytest.raises(BadPlan):
        OTHERS[case]()


@pytest.mark.spec("ETSI TS 119 182-1 §5.1.9")
def test_jades_names_every_extension_as_critical() -> None:
    plan = JadesPlan([DataFile(0, "a", "application/json")], "1.2.840.113549.1.9.16.6.1")
    (encoded,) = jades.build(plan, GROUND).parts
    header = json.loads(urlsafe_b64decode(encoded + b"=="))
    assert header["crit"] == ["b64", "sigD", "srCms"]
    assert "sigT" not in header
    assert "cty" not in header
    assert header["iat"] == GROUND.now
    assert header["sigD"]["ctys"] == ["json"]


@pytest.mark.spec("RFC 9360 §2")
def test_cose_protects_the_certificate() -> None:
    protected, payload = cose.build(CosePlan(0), GROUND).parts
    header = cbor2.loads(protected)
    assert header[33] == [b"certificate", b"issuing"]
    assert header[34] == [-16, hashlib.sha256(b"certificate").digest()]
    assert (header[258], payload) == (-16, GROUND.digests[0])
