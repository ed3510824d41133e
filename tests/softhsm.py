"""Private SoftHSM tokens for tests: a directory, a configuration and an initialised token each.

``pkcs11_backend(start_softhsm(directory))`` is a working key backend.
"""

import contextlib
import os
import signal
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from config.runtime.clock import SystemClock
from config.runtime.entropy import SystemEntropy
from keystore.backends.pkcs11 import Pkcs11Backend, Pkcs11Token
from keystore.pkcs11.pin import PinSource

PIN = "1234"
LABEL = "symbolon"
_LABEL_AND_PINS = ("--label", LABEL, "--pin", PIN, "--so-pin", "87654321")
_PLACES = (
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so",
)
_CLIENTS = (
    "/usr/lib/x86_64-linux-gnu/pkcs11/p11-kit-client.so",
    "/usr/lib/aarch64-linux-gnu/pkcs11/p11-kit-client.so",
    "/usr/lib64/pkcs11/p11-kit-client.so",
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


def pkcs11_token(hsm: SoftHsm, **changes: Any) -> Pkcs11Token:
    """Return the settings of a backend on this token."""
    token = Pkcs11Token(
        module=hsm.module,
        address=f"pkcs11:token={LABEL}",
        pin=PinSource(file=str(hsm.pin_file)),
        variables=hsm.variables,
    )
    return replace(token, **changes)


def pkcs11_backend(hsm: SoftHsm, **changes: Any) -> Pkcs11Backend:
    """Return a backend on this token; ``await backend.close()`` ends its child."""
    return Pkcs11Backend(pkcs11_token(hsm, **changes), SystemClock(), SystemEntropy())


def freeze(pid: int) -> None:
    """Stop a process and return when each of its threads has stopped.

    SIGSTOP alone is not enough: a thread may still be served before another one takes the signal.
    """
    os.kill(pid, signal.SIGSTOP)
    threads = [path / "stat" for path in Path(f"/proc/{pid}/task").iterdir()]
    while any(path.read_text().rpartition(")")[2].split()[0] != "T" for path in threads):
        os.sched_yield()


@dataclass(slots=True)
class RemoteToken:
    """The token behind ``p11-kit server``: an HSM that can be unplugged and can stall."""

    hsm: SoftHsm
    socket: Path
    server: subprocess.Popen[bytes] | None = None

    @property
    def variables(self) -> dict[str, str]:
        return {"P11_KIT_SERVER_ADDRESS": f"unix:path={self.socket}"}

    def start(self) -> None:
        """Plug the HSM in: returns when the server listens."""
        serving = ("--provider", self.hsm.module, f"pkcs11:token={LABEL}")
        self.server = subprocess.Popen(
            ["p11-kit", "server", "-f", "-n", self.socket, *serving],
            env={**os.environ, **self.hsm.variables},
            stdout=subprocess.PIPE,
        )
        assert self.server.stdout is not None
        assert self.server.stdout.readline(), "p11-kit server did not start"

    def processes(self) -> list[int]:
        """Return the server and its p11-kit-remote children, one for each connection."""
        assert self.server is not None
        pid = self.server.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return [pid, *map(int, children)]

    def stall(self) -> None:
        """Stop the server and what serves its connections, where they stand."""
        for pid in self.processes():
            freeze(pid)

    def resume(self) -> None:
        """Let them go on."""
        for pid in self.processes():
            os.kill(pid, signal.SIGCONT)

    def unplug(self) -> None:
        """Kill the server and every connection at once."""
        if self.server is None:
            return
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError):  # a connection that ended by itself
                os.kill(pid, signal.SIGKILL)
        self.server.communicate(timeout=10)
        self.server = None
        self.socket.unlink(missing_ok=True)


def p11_client_module() -> str:
    """Return the path of the module that speaks to ``p11-kit server``."""
    found = (Path(place) for place in _CLIENTS)
    return str(next(place for place in found if place.exists()))


def remote_backend(remote: RemoteToken) -> Pkcs11Backend:
    """Return a backend that reaches the token through p11-kit's client module."""
    return pkcs11_backend(remote.hsm, module=p11_client_module(), variables=remote.variables)
