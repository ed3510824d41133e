"""What XAdES, JAdES, COSE and ASiC bring along is enough for the validation of signatures."""

import hashlib
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from config.wiring.verifying import every_format
from esignet.formats.format import Evidence, Item, Level, Wish
from esignet.protocol.indications import Indication
from esignet.validation.engine import Trust
from esignet.validation.reading import validate
from tests.format_signing import answered
from tests.small_pki import SmallPki

pytestmark = pytest.mark.server

PKI = SmallPki()
TRUST = Trust(anchors=(PKI.root.der,), stamp_anchors=(PKI.root.der,))
TEXT = b"A contract.\n"
XML = b"<order xmlns='urn:o'><!-- one --><item/></order>"
CASES = [
    ("xades", "detached", TEXT),
    ("xades", "enveloping", TEXT),
    ("xades", "enveloped", XML),
    ("xades", "parallel", XML),
    ("jades", "detached", TEXT),
    ("cose", "hashed", TEXT),
    ("asic_xades", "asic-e", TEXT),
    ("asic_xades", "asic-s", TEXT),
]
HIGHEST = {"cose": Level.B_T}
LEVELS = [Level.B_T, Level.B_LT, Level.B_LTA]


def raised(form: Any, item: Item, envelope: str, highest: Level) -> bytes:
    prepared = form.prepare([item], Wish(envelope=envelope))
    made = answered(prepared, PKI.signer, now=int(time.time()))
    signature: bytes = form.embed(prepared, made)
    for level in LEVELS[: LEVELS.index(highest) + 1]:
        evidence = PKI.material(PKI.signer) if level is Level.B_LT else Evidence()
        if level is Level.B_T:
            evidence = Evidence(timestamp=PKI.token(form.to_stamp(signature)))
        if level is Level.B_LTA:
            evidence = Evidence(timestamp=PKI.token(form.to_archive(signature, [item])))
        signature = form.augment(signature, level, evidence)
    return signature


def openssl_accepts(token: bytes, covered: bytes, directory: Path) -> bool:
    (directory / "token").write_bytes(token)
    (directory / "covered").write_bytes(covered)
    command = ["openssl", "ts", "-verify", "-data", "covered", "-token_in", "-in", "token"]
    command += ["-CAfile", str(PKI.pem(directory))]
    run = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
    return "Verification: OK" in run.stdout + run.stderr


@pytest.mark.parametrize(("name", "envelope", "content"), CASES)
@pytest.mark.spec("ETSI EN 319 102-1 §5")
def test_the_highest_level_of_a_format_is_proved(
    name: str, envelope: str, content: bytes, tmp_path: Path
) -> None:
    formats = every_format()
    digest = hashlib.sha256(content).digest()
    item = Item(name="order", digest=digest, content=content)
    highest = HIGHEST.get(name, Level.B_LTA)
    signature = raised(formats[name], item, envelope, highest)
    now = int(time.time())
    validated = validate(signature, [item], formats, TRUST, now)
    (judged,) = validated.signatures
    assert validated.form == name
    assert judged.is_proved
    assert not any(stamp.trouble for stamp in judged.stamps)
    stamps = (*judged.found.timestamps, *judged.found.archive)
    assert len(stamps) == (2 if highest is Level.B_LTA else 1)
    assert all(openssl_accepts(token, covered, tmp_path) for token, covered in stamps)
    if highest is Level.B_LTA:
        assert judged.conclusion.indication is Indication.TOTAL_PASSED
        assert judged.level is highest
        assert not judged.missing
