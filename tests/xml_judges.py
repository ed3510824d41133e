"""Engines that are not ours, as judges of XML signatures: xmlsec1 and the JDK."""

import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.small_pki import Holder, SmallPki

_JUDGE = Path(__file__).parent / "interop" / "XmlVerify.java"
_DS = "http://www.w3.org/2000/09/xmldsig#"


_IDS = [
    *("--id-attr:Id", "http://uri.etsi.org/01903/v1.3.2#:SignedProperties"),
    *("--id-attr:Id", f"{_DS}:Object", "--id-attr:Id", f"{_DS}:KeyInfo"),
]


def xmlsec_signs(holder: Holder, template: bytes, directory: Path) -> bytes:
    """The template with digests and signature filled in by xmlsec1, which signs with ``holder``."""
    assert not isinstance(holder.key, Ed25519PrivateKey)
    pem = holder.key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    (directory / "key.pem").write_bytes(pem)
    (directory / "template.xml").write_bytes(template)
    command = ["xmlsec1", "--sign", "--privkey-pem", "key.pem", *_IDS, "template.xml"]
    return subprocess.run(command, cwd=directory, capture_output=True, check=True).stdout


def xmlsec_accepts(pki: SmallPki, signature: bytes, directory: Path) -> bool:
    """Whether xmlsec1 accepts the first signature; files that it names lie in ``directory``."""
    (directory / "signature.xml").write_bytes(signature)
    command = ["xmlsec1", "--verify", "--enabled-key-data", "x509", "--trusted-pem"]
    command += [str(pki.pem(directory)), "--verification-gmt-time", "2026-06-01 12:00:00"]
    run = subprocess.run(
        [*command, *_IDS, "signature.xml"],
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
    )
    return run.returncode == 0 and "OK" in run.stdout + run.stderr


def jdk_accepts(signature: bytes, directory: Path) -> bool:
    """Whether the JDK accepts every signature; the test is skipped, by name, where it is absent."""
    if not shutil.which("java"):
        pytest.skip("the JDK is not here, so its XML signature judges nothing")
    (directory / "signature.xml").write_bytes(signature)
    command = ["java", str(_JUDGE), "signature.xml", str(directory)]
    run = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
    return run.stdout.strip() == "true"
