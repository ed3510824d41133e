"""Signatures that EU DSS made, of every format and level: believed as they are, and not otherwise.

`python -m tests.judges vectors` makes them anew.
"""

from base64 import b64encode
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pytest

from config.wiring.verifying import every_format
from esignet.formats import container
from esignet.formats.format import Evidence, FormatError, Item, Level
from esignet.protocol.indications import Indication
from esignet.validation.engine import Judged, Trust
from esignet.validation.reading import validate
from keystore.jose import base64url
from keystore.signing.digests import HashAlgorithm

VECTORS = Path(__file__).parents[3] / "vectors" / "dss"
ROOT = (VECTORS / "root.der").read_bytes()
TRUST = Trust(anchors=(ROOT,), stamp_anchors=(ROOT,))
NAMES = sorted(one.name for one in VECTORS.iterdir() if one.is_dir())
LEVELS = {"b": Level.B_B, "t": Level.B_T, "lt": Level.B_LT, "lta": Level.B_LTA}
PART_OF_A_DOCUMENT = "xades-internally_detached_lta"
XML = b'<a:debt xmlns:a="urn:a" xmlns="urn:b" Id="o-1"><!-- really --><sum of="0"/></a:debt>'
CHANGES = {
    b"I owe you nothing.\n": b"I owe you anything\n",
    b'{"debt": 0}': b'{"debt": 9}',
    XML: XML.replace(b"0", b"9"),
    b'of="0"': b'of="9"',
    b"pay 100 to Ana": b"pay 900 to Ana",
}
"""What was signed, and what somebody would rather have had signed."""


@cache
def signed(name: str) -> bytes:
    """The signature of a vector."""
    [path] = (VECTORS / name).glob("signed.*")
    return path.read_bytes()


def originals(name: str, *, changed: bool = False) -> list[Item]:
    """The documents beside it."""
    found = [(path.name, path.read_bytes()) for path in (VECTORS / name / "originals").glob("*")]
    return [
        Item(name=name, digest=HashAlgorithm.SHA256.of(content), content=content)
        for name, octets in found
        for content in [altered(octets) if changed else octets]
    ]


def altered(octets: bytes) -> bytes:
    """The octets with what was signed changed, whichever way it is written."""
    for before, after in CHANGES.items():
        octets = octets.replace(before, after)
        octets = octets.replace(b64encode(before), b64encode(after))
        octets = octets.replace(base64url.encode(before), base64url.encode(after))
    return octets


def tampered(octets: bytes) -> bytes:
    """A signature whose content says something else."""
    if octets[:2] != b"PK":
        return altered(octets)
    files = {name: altered(content) for name, content in container.read(octets).items()}
    return container.write(files.pop(container.MIMETYPE).decode(), files)


def judged(octets: bytes, items: Sequence[Item], now: int) -> Judged:
    """The one signature, judged at a moment."""
    [only] = validate(octets, items, every_format(), TRUST, now).signatures
    return only


def made_at() -> int:
    """When the vectors were made, as their signers claim it."""
    claimed = judged(signed("cades-enveloping_b"), [], 0).found.claimed_at
    assert claimed is not None
    return claimed


@pytest.mark.parametrize("name", [name for name in NAMES if name != PART_OF_A_DOCUMENT])
@pytest.mark.spec("ETSI EN 319 102-1 §5")
def test_what_others_signed_is_believed_at_its_level(name: str) -> None:
    level = LEVELS[name.rpartition("_")[2]]
    one = judged(signed(name), originals(name), made_at() + 600)
    assert (one.level, one.found.problems) == (level, ())
    assert not any(stamp.trouble for stamp in one.stamps)
    assert one.is_proved is (level is not Level.B_B)
    if level in (Level.B_LT, Level.B_LTA):
        assert one.conclusion.indication is Indication.TOTAL_PASSED
    else:
        assert one.conclusion.sub_indication == "TRY_LATER", "nothing tells of revocation"


@pytest.mark.parametrize("name", NAMES)
def test_a_changed_document_is_not_what_others_signed(name: str) -> None:
    octets, documents = tampered(signed(name)), originals(name, changed=True)
    assert octets != signed(name) or documents != originals(name)
    one = judged(octets, documents, made_at() + 600)
    assert one.level is None or name == PART_OF_A_DOCUMENT
    assert one.conclusion.indication is not Indication.TOTAL_PASSED
    codes = {code for code, _ in one.found.problems}
    assert codes & {"HASH_FAILURE", "SIG_CRYPTO_FAILURE", "SIG_CONSTRAINTS_FAILURE"}


def test_a_signature_of_a_part_of_its_document_is_refused_by_name() -> None:
    name = PART_OF_A_DOCUMENT
    one = judged(signed(name), originals(name), made_at() + 600)
    assert ("SIG_CONSTRAINTS_FAILURE", "a reference points at a part of the document") in (
        one.found.problems
    )


def test_a_container_that_is_archived_as_a_whole_is_left_as_it_is() -> None:
    name = "cades-asic_e_lta"
    form, files = every_format()["asic_cades"], container.read(signed(name))
    with pytest.raises(FormatError, match="covers the signature as it is"):
        form.augment(signed(name), Level.B_LT, Evidence())
    kind = files.pop(container.MIMETYPE).decode()
    [manifest] = [path for path in files if "ArchiveManifest" in path]
    for path in ("META-INF/ASiCManifest001.xml", "META-INF/timestamp001.tst", manifest):
        changed = {**files, path: files[path] + b"\n"}
        [found] = form.check(container.write(kind, changed), ())
        assert found.problems and found.level is not Level.B_LTA, path
    without = {
        path: octets for path, octets in files.items() if path != "META-INF/timestamp001.tst"
    }
    with pytest.raises(FormatError, match="has no time-stamp"):
        form.check(container.write(kind, without), ())


def test_a_transform_that_takes_out_more_than_signatures_is_refused() -> None:
    octets = signed("xades-enveloped_b")
    for before, after in {
        b"/descendant::ds:Signature": b"/descendant::sum",
        b'Filter="subtract"': b'Filter="intersect"',
        b"/descendant::ds": b"/descendant::a",
    }.items():
        assert before in octets
        one = judged(octets.replace(before, after), [], made_at())
        assert ("SIG_CONSTRAINTS_FAILURE", "a transform takes out a part of the document") in (
            one.found.problems
        )
