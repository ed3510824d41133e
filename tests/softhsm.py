"""Private SoftHSM tokens for tests: a directory, a configuration and an initialised token each."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

PIN = "1234"
LABEL = "symbolon"
_LABEL_AND_PINS = ("--label", LABEL, "--pin", PIN, "--so-pin", "87654321")
_PLACES = (
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SoftHsm:
    """One token. ``variables`` are the environment that its module needs."""

    module: str
    directory: Path
    configuration: Path
    pin_file: Path

    @property
    def variables(self) -> dict[str, str]:
        return {"SOFTHSM2_CONF": str(self.configuration)}

    @property
    def tokens(self) -> Path:
        return self.directory / "tokens"


def softhsm_module() -> str:
    """Return the path of SoftHSM's module; fails if it is not installed."""
    for place in _PLACES:
        if Path(place).exists():
            return place
    raise FileNotFoundError("libsofthsm2.so: install the package softhsm2")


def start_softhsm(directory: Path) -> SoftHsm:
    """Make a token with the PIN 1234 below ``directory``, of nobody else's use."""
    hsm = SoftHsm(
        module=softhsm_module(),
        directory=directory,
        configuration=directory / "softhsm2.conf",
        pin_file=directory / "pin",
    )
    hsm.tokens.mkdir(parents=True)
    hsm.configuration.write_text(
        f"directories.tokendir = {hsm.tokens}\nobjectstore.backend = file\nlog.level = ERROR\n"
    )
    hsm.pin_file.write_text(PIN + "\n")
    hsm.pin_file.chmod(0o600)
    subprocess.run(
        ["softhsm2-util", "--init-token", "--free", *_LABEL_AND_PINS],
        env={**os.environ, **hsm.variables},
        check=True,
        capture_output=True,
        timeout=30,
    )
    return hsm
