"""Making the directory of the demonstration ready: settings, token, certificate, a lock."""

import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from config.runtime.clock import Clock
from config.runtime.entropy import Entropy
from config.wiring.demo.plan import LOOPBACK, Plan, softhsm_module
from config.wiring.serving import port_is_free
from keystore.x509.self_signed import self_signed


class DemoRefused(Exception):
    """The demonstration cannot start here; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """What was made ready: the plan, and where keys are kept ("SoftHSM" or a file)."""

    plan: Plan
    keys_in: str


@contextmanager
def occupied(plan: Plan) -> Iterator[None]:
    """Hold the directory of the demonstration; raise DemoRefused when another run does."""
    plan.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (plan.directory / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise DemoRefused(
                f"a demonstration already runs in {plan.directory}; stop it, or use --data DIR"
            ) from None
        yield


def prepare(plan: Plan, environment: Mapping[str, str], clock: Clock, entropy: Entropy) -> Prepared:
    """Make the directory ready: settings, token, certificate. Raises DemoRefused."""
    for port in plan.ports:
        if not port_is_free(LOOPBACK, port):
            raise DemoRefused(f"port {port} is in use; choose others with --port N")
    (plan.directory / "logs").mkdir(exist_ok=True)
    module = softhsm_module()
    if module is not None:
        _make_token(plan, environment, entropy)
    if plan.tls and not plan.certificate.exists():
        certificate, key = self_signed((LOOPBACK,), ("localhost",), clock.now())
        _write_private(plan.certificate_key, key.decode())
        plan.certificate.write_bytes(certificate)
    _write_private(plan.settings_file, plan.settings_text(module, entropy.token()))
    return Prepared(plan, "SoftHSM (PKCS#11)" if module else "an encrypted file")


def reset(plan: Plan) -> None:
    """Forget an earlier run. Only a directory that a demonstration made is emptied."""
    if plan.directory.exists():
        if not (plan.directory / "lock").exists() and any(plan.directory.iterdir()):
            raise DemoRefused(f"{plan.directory} was not made by a demonstration; not emptied")
        for entry in plan.directory.iterdir():
            if entry.is_dir():
                shutil.rmtree(entry)
            elif entry.name != "lock":
                entry.unlink()


def _make_token(plan: Plan, environment: Mapping[str, str], entropy: Entropy) -> None:
    """Initialise a SoftHSM token of the demonstration's own, once."""
    home = plan.token_directory
    if (home / "pin").exists():
        return
    shutil.rmtree(home, ignore_errors=True)
    (home / "tokens").mkdir(parents=True, mode=0o700)
    (home / "softhsm2.conf").write_text(
        f"directories.tokendir = {home / 'tokens'}\nobjectstore.backend = file\nlog.level = ERROR\n"
    )
    tool = shutil.which("softhsm2-util") or ""
    pin, officer_pin = entropy.digits(8), entropy.digits(8)
    pins = ("--pin", pin, "--so-pin", officer_pin)
    subprocess.run(  # noqa: S603 - a tool of Debian, on a token that is for play
        (tool, "--init-token", "--free", "--label", "symbolon", *pins),
        env=plan.environment(environment),
        check=True,
        capture_output=True,
    )
    _write_private(home / "pin", pin + "\n")


def _write_private(path: Path, text: str) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(text)
