"""Messages that were changed with another library: each weakness is told by its name."""

import hashlib
from collections.abc import Callable

import pytest
from asn1crypto import cms
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from esignet.formats.cades import FORMAT
from esignet.formats.format import Item
from keystore.der import oids
from tests.unit.esignet.formats.test_cades import CONTENT, ITEM, PKI, names, only, sign

pytestmark = pytest.mark.attack("A5")

KINDS = {
    "message digest": (oids.MESSAGE_DIGEST, "FORMAT_FAILURE"),
    "certificate": (oids.SIGNING_CERTIFICATE_V2, "SIG_CONSTRAINTS_FAILURE"),
    "content type": (oids.CONTENT_TYPE, "FORMAT_FAILURE"),
}
"""Attributes that have to be signed, and what it is called when one is not."""


def changed(change: Callable[[cms.SignerInfo], None], *, again: bool = False) -> bytes:
    """A signature whose signer was changed; ``again``: and signed again with its own key."""
    message = cms.ContentInfo.load(sign(ITEM))
    signer = message["content"]["signer_infos"][0]
    change(signer)
    if again:
        covered = cms.CMSAttributes(list(signer["signed_attrs"])).dump(force=True)
        signer["signature"] = value_over(covered)
    return bytes(message.dump(force=True))


def value_over(covered: bytes) -> bytes:
    assert isinstance(PKI.signer.key, ec.EllipticCurvePrivateKey)
    return PKI.signer.key.sign(covered, ec.ECDSA(hashes.SHA256()))


def attribute(signer: cms.SignerInfo, dotted: str) -> cms.CMSAttribute:
    (found,) = (one for one in signer["signed_attrs"] if one["type"].dotted == dotted)
    return found


def moved(dotted: str) -> Callable[[cms.SignerInfo], None]:
    """Put a signed attribute where nobody signs it."""

    def change(signer: cms.SignerInfo) -> None:
        kept = [one for one in signer["signed_attrs"] if one["type"].dotted != dotted]
        assert len(kept) == len(signer["signed_attrs"]) - 1
        signer["unsigned_attrs"] = cms.CMSAttributes([attribute(signer, dotted)])
        signer["signed_attrs"] = cms.CMSAttributes(kept)

    return change


def beside(dotted: str) -> Callable[[cms.SignerInfo], None]:
    """Say the same as a signed attribute, of something else, where nobody signs it."""

    def change(signer: cms.SignerInfo) -> None:
        signer["unsigned_attrs"] = cms.CMSAttributes([attribute(signer, dotted)])

    return change


def weak_digest(signer: cms.SignerInfo) -> None:
    signer["digest_algorithm"] = {"algorithm": "sha1"}
    attribute(signer, oids.MESSAGE_DIGEST)["values"] = [hashlib.sha1(CONTENT).digest()]


def weak_signature(signer: cms.SignerInfo) -> None:
    signer["signature_algorithm"] = {"algorithm": "sha1_ecdsa"}


def other_hash(signer: cms.SignerInfo) -> None:
    signer["digest_algorithm"] = {"algorithm": "sha384"}
    signer["signature_algorithm"] = {"algorithm": "sha384_ecdsa"}


def nothing_signed(signer: cms.SignerInfo) -> None:
    """Take the attributes for the content, which the value is over as well (RFC 5652 §5.4)."""
    signer["signed_attrs"] = None


def twice(signer: cms.SignerInfo) -> None:
    several = [*signer["signed_attrs"], attribute(signer, oids.MESSAGE_DIGEST)]
    signer["signed_attrs"] = cms.CMSAttributes(several)


ATTACKS: dict[str, tuple[Callable[[cms.SignerInfo], None], bool, str]] = {
    **{
        f"the {kind} is not signed": (moved(dotted), True, problem)
        for kind, (dotted, problem) in KINDS.items()
    },
    "SHA-1 of the content": (weak_digest, True, "CRYPTO_CONSTRAINTS_FAILURE"),
    "SHA-1 of the attributes": (weak_signature, False, "CRYPTO_CONSTRAINTS_FAILURE"),
    "another hash than was signed": (other_hash, False, "SIG_CRYPTO_FAILURE"),
    "no attributes": (nothing_signed, False, "FORMAT_FAILURE"),
    "two digests": (twice, True, "FORMAT_FAILURE"),
}


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.spec("ETSI EN 319 102-1 §5.1.3")
def test_a_weakness_is_told_by_its_name(attack: str) -> None:
    change, again, expected = ATTACKS[attack]
    assert expected in names(only(changed(change, again=again), ITEM))


@pytest.mark.parametrize("kind", KINDS)
def test_an_attribute_that_nobody_signed_says_nothing(kind: str) -> None:
    assert only(changed(beside(KINDS[kind][0])), ITEM).problems == ()


@pytest.mark.spec("RFC 5652 §5.4")
def test_signed_attributes_cannot_be_passed_off_as_the_content() -> None:
    """The value is over them, and would be right for a document that consists of them."""
    message = cms.ContentInfo.load(sign(ITEM))
    attributes = message["content"]["signer_infos"][0]["signed_attrs"]
    content = cms.CMSAttributes(list(attributes)).dump(force=True)
    item = Item(name="evil", digest=hashlib.sha256(content).digest(), content=content)
    (found,) = FORMAT.check(changed(nothing_signed), [item])
    assert ("FORMAT_FAILURE", "there are no signed attributes") in found.problems
