"""Making the directory of the demonstration ready: settings, token, certificate, a lock."""

import fcntl
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from config.runtime.clock import Clock
from config.runtime.entropy import Entropy
from config.wiring.demo.fonts import noto
from config.wiring.demo.plan import LOOPBACK, Plan, softhsm_module

MADE = (
    *("symbolon.toml", "symbolon.db*", "keys.*", "token", "run", "logs", "tls.*", "furnished"),
    *(
        "relying-party.json",
        "clients.json",
        "conformance.json",
        "ready.json*",
        "inbox.*",
        "samples.rejected.jsonl",
    ),
)
"""What a demonstration makes in its directory, beside the lock."""

PATIENCE = 15.0
"""Seconds in which the processes of a run that was killed give their ports back."""


class DemoRefused(Exception):
    """The demonstration cannot start here; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """What was made ready: the plan, where keys are kept ("SoftHSM" or a file), and the files with
    letters for visible signatures.
    """

    plan: Plan
    keys_in: str
    fonts: list[str]


@contextmanager
def occupied(plan: Plan) -> Iterator[bool]:
    """Hold the directory of the demonstration; raise DemoRefused when another run does.

    Gives whether the run before was killed: then its processes may still be on their way out.
    """
    _make_directory(plan)
    with (plan.directory / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise DemoRefused(
                f"a demonstration already runs in {plan.directory}; stop it, or use --data DIR"
            ) from None
        lock.seek(0)
        killed = lock.read() != ""
        lock.write("running\n")
        lock.flush()
        try:
            yield killed
        finally:
            lock.truncate(0)


def _make_directory(plan: Plan) -> None:
    try:
        plan.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise DemoRefused(f"--data {plan.directory}: {error.strerror}") from error


def prepare(plan: Plan, environment: Mapping[str, str], clock: Clock, entropy: Entropy) -> Prepared:
    """Make the directory ready: settings, token, certificate. Raises DemoRefused."""
    (plan.directory / "logs").mkdir(exist_ok=True)
    _make_sockets(plan)
    module = _module(plan)
    if module is not None:
        _make_token(plan, environment, entropy)
    if plan.tls:
        _make_certificate(plan, clock)
    fonts = noto()
    _write_private(plan.settings_file, plan.settings_text(module, entropy.token(), fonts))
    keys_in = "SoftHSM (PKCS#11)" if module else "an encrypted file: no SoftHSM"
    return Prepared(plan, keys_in, fonts)


def claim_ports(plan: Plan, *, wait: bool, say: Callable[[str], None]) -> None:
    """Raise DemoRefused unless every port is free; with ``wait``, at the latest after PATIENCE."""
    give_up = time.monotonic() + (PATIENCE if wait else 0)
    while taken := [port for port in plan.ports if not _is_free(port)]:
        if time.monotonic() >= give_up:
            raise DemoRefused(f"port {taken[0]} is in use; choose others with --port N")
        if wait:
            say("The run before was killed; its processes are finishing.")
            wait = False
        time.sleep(0.05)


def refuse_foreign(plan: Plan) -> None:
    """Raise DemoRefused when the directory holds something, and no demonstration ever ran there."""
    known = (plan.directory / "lock").exists() or not plan.directory.is_dir()
    if not known and any(plan.directory.iterdir()):
        raise DemoRefused(f"{plan.directory} was not made by a demonstration; not emptied")


def reset(plan: Plan) -> None:
    """Forget an earlier run: remove what it made, and nothing that somebody else put there."""
    for entry in (entry for name in MADE for entry in plan.directory.glob(name)):
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def _make_sockets(plan: Plan) -> None:
    """Make the directory of the sockets; what a killed run left in it is no socket any more."""
    sockets = plan.sockets
    sockets.mkdir(exist_ok=True, mode=0o700)
    if sockets.is_symlink() or sockets.stat().st_uid != os.getuid():
        raise DemoRefused(f"{sockets} belongs to somebody else; use a shorter --data DIR")
    for left in sockets.glob("*.sock"):
        left.unlink()


def _module(plan: Plan) -> Path | None:
    """Return SoftHSM's library, None where keys are in a file: they stay where they were made.

    SoftHSM's settings file takes what follows a ``#`` in a path for a comment.
    """
    if plan.key_file.exists() or "#" in str(plan.directory):
        return None
    module = softhsm_module()
    if module is None and (plan.token_directory / "pin").exists():
        raise DemoRefused(
            f"the keys in {plan.directory} are in SoftHSM, which is not here any more: "
            "install softhsm2, or begin anew with --reset"
        )
    return module


def _make_certificate(plan: Plan, clock: Clock) -> None:
    from keystore.x509.self_signed import self_signed  # most runs need no certificate

    if not plan.certificate.exists():
        certificate, key = self_signed((LOOPBACK,), ("localhost",), clock.now())
        _write_private(plan.certificate_key, key.decode())
        plan.certificate.write_bytes(certificate)


def _make_token(plan: Plan, environment: Mapping[str, str], entropy: Entropy) -> None:
    """Initialise a SoftHSM token of the demonstration's own, once."""
    home = plan.token_directory
    made = (home / "pin").exists()
    if not made:
        shutil.rmtree(home, ignore_errors=True)
        (home / "tokens").mkdir(parents=True, mode=0o700)
    (home / "softhsm2.conf").write_text(
        f"directories.tokendir = {home / 'tokens'}\nobjectstore.backend = file\nlog.level = ERROR\n"
    )
    if not made:
        _initialise_token(plan, environment, entropy)


def _initialise_token(plan: Plan, environment: Mapping[str, str], entropy: Entropy) -> None:
    tool = shutil.which("softhsm2-util") or ""
    pin, officer_pin = entropy.digits(8), entropy.digits(8)
    pins = ("--pin", pin, "--so-pin", officer_pin)
    made = subprocess.run(  # noqa: S603 - a tool of Debian, on a token that is for play
        (tool, "--init-token", "--free", "--label", "symbolon", *pins),
        env=plan.environment(environment),
        capture_output=True,
        check=False,
        text=True,
    )
    if made.returncode:
        raise DemoRefused(f"SoftHSM made no token: {(made.stderr or made.stdout).strip()}")
    _write_private(plan.token_directory / "pin", pin + "\n")


def _write_private(path: Path, text: str) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(text)
