"""An OCSP responder of somebody else: openssl, which answers what its index says."""

import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding

from tests.receiver import status
from tests.small_pki import Holder

REPLY = "content-type: application/ocsp-response"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpensslResponder:
    """Signs as ``by`` about what ``issuer`` issued: ``index`` has V or R for each, else unknown."""

    issuer: Holder
    by: Holder
    index: Mapping[Holder, str]
    options: tuple[str, ...] = ("-nmin", "60")
    asked: list[bytes] = field(default_factory=list)

    def answer(self, request: bytes) -> bytes:
        """The octets on the wire."""
        self.asked.append(request)
        return status(200, self.response(request), REPLY)

    def response(self, request: bytes) -> bytes:
        """An OCSPResponse to an OCSPRequest."""
        with tempfile.TemporaryDirectory() as directory:
            place = Path(directory)
            (place / "index").write_text("".join(map(self._line, self.index)))
            (place / "q").write_bytes(request)
            for name, holder in {"ca": self.issuer, "by": self.by}.items():
                (place / f"{name}.pem").write_bytes(holder.certificate.public_bytes(Encoding.PEM))
            (place / "key.pem").write_bytes(self.by.private(Encoding.PEM))
            signer = ["-CA", "ca.pem", "-rsigner", "by.pem", "-rkey", "key.pem"]
            command = ["openssl", "ocsp", "-index", "index", *signer, *self.options]
            command += ["-reqin", "q", "-respout", "r"]
            subprocess.run(command, cwd=place, check=True, capture_output=True)
            return (place / "r").read_bytes()

    def _line(self, holder: Holder) -> str:
        serial = f"{holder.certificate.serial_number:X}"
        serial = serial.zfill(len(serial) + len(serial) % 2)
        revoked = "260601000000Z,keyCompromise" if self.index[holder] == "R" else ""
        return f"{self.index[holder]}\t360101000000Z\t{revoked}\t{serial}\tunknown\t/CN=x\n"
