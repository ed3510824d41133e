"""What the demonstration consists of: its directory, its ports, its settings file."""

import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from config.settings.issuers import RESPONSE_TYPES

SOFTHSM_PLACES = ("/usr/lib/softhsm/libsofthsm2.so", "/usr/local/lib/softhsm/libsofthsm2.so")
COUNTRY = "GB"
"""What certificates of the demonstration name."""

QUALIFIER = "gb_national_aes"
"""The one kind of signature that the demonstration offers."""

LOOPBACK = "127.0.0.1"
SAMPLES = Path(__file__).parents[3] / "idp/residents/samples.jsonl"
FEATURES: dict[str, dict[str, object]] = {
    "oidc": {"sample_resource": True, "response_types": list(RESPONSE_TYPES)},
    "fapi2": {"sample_resource": True},
    "fapi2-message-signing": {"sample_resource": True},
}
"""What a tester finds switched on, by profile."""

RELAXED: dict[str, object] = {
    "otp_sends_per_resident": "9000/60",
    "otp_sends_per_phone": "9000/60",
    "otp_sends_per_prefix": "9000/60",
    "otp_sends_per_client": "9000/60",
    "sends_per_address": "9000/60",
    "logins_per_address": "9000/60",
    "backchannel_per_client": "9000/60",
    "backchannel_per_resident": "9000/60",
    "backchannel_per_pair": "9000/60",
}
"""Paces at which a tester may work. How often somebody may guess stays as it is."""

LONGEST_SOCKET = 107
"""Bytes in the path of a Unix socket (unix(7))."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A demonstration in ``directory`` on ports from ``port`` on, with or without TLS.

    ``tester`` is the base address of a conformance tester, "" when none is expected: for one there
    is an issuer per profile, and more to drive.
    """

    directory: Path
    port: int
    tls: bool
    tester: str = ""

    @property
    def scheme(self) -> str:
        return "https" if self.tls else "http"

    @property
    def issuer(self) -> str:
        return f"{self.scheme}://{LOOPBACK}:{self.port}"

    @property
    def relying_party(self) -> str:
        return f"{self.scheme}://{LOOPBACK}:{self.port + 1}"

    @property
    def inbox(self) -> str:
        return f"http://{LOOPBACK}:{self.port + 2}"

    @property
    def operations(self) -> str:
        return f"http://{LOOPBACK}:{self.port + 3}"

    @property
    def esignet(self) -> str:
        """Where documents are signed, stamped and validated."""
        return f"{self.scheme}://{LOOPBACK}:{self.port + 6}"

    @property
    def esignet_operations(self) -> str:
        return f"http://{LOOPBACK}:{self.port + 7}"

    @property
    def desk(self) -> str:
        """Where a tester approves for a resident, and rotates keys."""
        return f"http://{LOOPBACK}:{self.port + 5}"

    @property
    def ports(self) -> tuple[int, ...]:
        first = range(self.port, self.port + (6 if self.tester else 4))
        return (*first, self.port + 6, self.port + 7)

    def issuer_of(self, profile: str) -> str:
        """Return the address of the issuer with this profile."""
        return self.issuer if profile == "oidc" else f"{self.issuer}/{profile}"

    @property
    def settings_file(self) -> Path:
        return self.directory / "symbolon.toml"

    @property
    def registration_file(self) -> Path:
        """What the sample relying party knows of itself."""
        return self.directory / "relying-party.json"

    @property
    def clients_file(self) -> Path:
        """The clients of the ready file, with their secrets: made once, kept for later runs."""
        return self.directory / "clients.json"

    @property
    def families_file(self) -> Path:
        """The clients of a conformance tester, with their secrets."""
        return self.directory / "conformance.json"

    @property
    def furnished_file(self) -> Path:
        """What the first start left when all it had to make was made."""
        return self.directory / "furnished"

    @property
    def key_file(self) -> Path:
        """Where keys are when the first start found no SoftHSM."""
        return self.directory / "keys.enc"

    @property
    def databases(self) -> tuple[Path, ...]:
        return self.directory / "symbolon.db", self.directory / "keys.db"

    @property
    def sockets(self) -> Path:
        """Where the key service listens: in a short place where the directory's path is long."""
        usual = self.directory / "run"
        if len(os.fsencode(usual / "operator.sock")) <= LONGEST_SOCKET:
            return usual
        digest = sha256(os.fsencode(self.directory)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"symbolon-{os.getuid()}-{digest}"

    @property
    def ready_file(self) -> Path:
        return self.directory / "ready.json"

    @property
    def token_directory(self) -> Path:
        return self.directory / "token"

    @property
    def certificate(self) -> Path:
        return self.directory / "tls.pem"

    @property
    def certificate_key(self) -> Path:
        return self.directory / "tls.key"

    def certified(self, address: str) -> str:
        """Return the address at which the same is answered to clients with a certificate."""
        return address.replace(f":{self.port}", f":{self.port + 4}", 1)

    def environment(self, inherited: Mapping[str, str]) -> dict[str, str]:
        """Return the environment of the demonstration's processes."""
        mine = {
            "SYMBOLON_SETTINGS": str(self.settings_file),
            "SOFTHSM2_CONF": str(self.token_directory / "softhsm2.conf"),
        }
        kept = {k: v for k, v in inherited.items() if not k.startswith("SYMBOLON_")}
        return kept | mine

    def settings_text(self, module: Path | None, inbox_token: str, fonts: Sequence[str]) -> str:
        """Return the settings file; ``module`` is SoftHSM's library, None keeps keys in a file.

        ``inbox_token`` is what the worker and the inbox know each other by, ``fonts`` are the files
        that visible signatures are written with.
        """
        tls = ("certificate", self.certificate.name), ("certificate_key", self.certificate_key.name)
        sections: dict[str, dict[str, object]] = {
            "web": {
                "port": self.port,
                "operations_port": self.port + 3,
                "loopback_fetch": True,
                **(dict(tls) if self.tls else {}),
                **({"mtls_port": self.port + 4} if self.tester else {}),
            },
            "keys": {
                "sockets": str(self.sockets),
                **(
                    {"backend": "pkcs11", "module": str(module), "pin_file": "token/pin"}
                    if module
                    else {"backend": "software", "software_allowed": True}
                ),
            },
            "channels": {
                "enabled": ["inbox"],
                "inbox_url": self.inbox,
                "inbox_token": inbox_token,
            },
            "esignet": {
                "address": self.esignet,
                "port": self.port + 6,
                "operations_port": self.port + 7,
                "country": COUNTRY,
                "fonts": list(fonts),
            },
            "pages": {"country_code": "44"},
            "limits": RELAXED if self.tester else {},
        }
        return _toml([*self._issuers(), *sections.items()])

    def _issuers(self) -> Iterator[tuple[str, dict[str, object]]]:
        """Yield the issuers as the settings have them: one, or one per profile for a tester."""
        for profile, features in FEATURES.items() if self.tester else (("oidc", {}),):
            issuer: dict[str, object] = {"address": self.issuer_of(profile), "profile": profile}
            if self.tester:
                issuer["mtls_address"] = self.certified(self.issuer_of(profile))
            yield "[issuers]", issuer
            signing = {
                "signing_service": self.esignet,
                "signing_country": COUNTRY,
                "signing_qualifiers": [QUALIFIER],
            }
            yield "issuers.features", {**features, **signing}


def _toml(sections: Iterable[tuple[str, Mapping[str, object]]]) -> str:
    """Return the settings as TOML; strings, numbers, booleans and lists are written as in JSON."""
    lines = ["# The demonstration's settings, written anew at each start.", "demo = true"]
    for name, fields in sections:
        lines += ["", f"[{name}]", *(f"{field} = {json.dumps(v)}" for field, v in fields.items())]
    return "\n".join(lines) + "\n"


def softhsm_module() -> Path | None:
    """Return SoftHSM's library where it is installed with its tool, else None."""
    if shutil.which("softhsm2-util") is None:
        return None
    places = [Path(place) for place in SOFTHSM_PLACES]
    places += sorted(Path("/usr/lib").glob("*/softhsm/libsofthsm2.so"))
    return next((place for place in places if place.exists()), None)
