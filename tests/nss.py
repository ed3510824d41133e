"""Private NSS databases for tests: softoken, the PKCS#11 module inside Firefox, as a second one."""

import subprocess
from pathlib import Path
from typing import Any

from config.runtime.clock import SystemClock
from config.runtime.entropy import SystemEntropy
from keystore.backends.pkcs11 import Pkcs11Backend, Pkcs11Token
from keystore.pkcs11.pin import PinSource

PASSWORD = "a password"
LABEL = "symbolon nss"
_PLACES = (
    "/usr/lib/x86_64-linux-gnu/libsoftokn3.so",
    "/usr/lib/aarch64-linux-gnu/libsoftokn3.so",
    "/usr/lib64/libsoftokn3.so",
)


def softoken() -> str:
    """Return the path of NSS softoken; fails if it is not installed."""
    for place in _PLACES:
        if Path(place).exists():
            return place
    raise FileNotFoundError("libsoftokn3.so: install the packages libnss3 and libnss3-tools")


def start_nss(directory: Path) -> Path:
    """Make a database below ``directory`` and return where it is; ``password`` lies in it."""
    directory.mkdir(parents=True)
    password = directory / "password"
    password.write_text(PASSWORD + "\n")
    password.chmod(0o600)
    subprocess.run(
        ["certutil", "-N", "-d", f"sql:{directory}", "-f", str(password)],
        check=True,
        capture_output=True,
        timeout=60,
    )
    return directory


def nss_backend(directory: Path, **changes: Any) -> Pkcs11Backend:
    """Return a backend on that database; ``await backend.close()`` ends its child."""
    parameters = f"configdir='sql:{directory}' certPrefix='' keyPrefix='' secmod='secmod.db' "
    token = Pkcs11Token(
        module=softoken(),
        reserved=f"{parameters}dbTokenDescription='{LABEL}' flags=",
        address=f"pkcs11:token={LABEL.replace(' ', '%20')}",
        pin=PinSource(file=str(directory / "password")),
        **changes,
    )
    return Pkcs11Backend(token, SystemClock(), SystemEntropy())
