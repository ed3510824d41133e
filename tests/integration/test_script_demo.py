"""``symbolon demo`` as a newcomer meets it: one at a time, told in full, and gone when stopped."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest

from config.wiring.demo.prepare import MADE
from config.wiring.demo.walk import Walker, walk
from config.wiring.demo.walk_signing import walk_signing
from tests.demonstration import ROOT, Demonstration, demonstration, free_ports

pytestmark = [pytest.mark.server, pytest.mark.long]
PATIENCE = 40.0


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demonstration]:
    """A demonstration that answers."""
    with demonstration(tmp_path_factory.mktemp("demonstration")) as demo:
        yield demo


def run(*words: str) -> "subprocess.CompletedProcess[str]":
    """Run ``symbolon demo`` to its end."""
    return subprocess.run(
        (sys.executable, "-m", "config.cli.main", "demo", *words),
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=100,
    )


def descendants(pid: int) -> set[int]:
    """Return the processes under ``pid``, by what the kernel says of each one's parent."""
    parents = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(status.parent.name)] = int(status.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
    found, more = set(), {pid}
    while more:
        more = {child for child, parent in parents.items() if parent in more}
        found |= more
    return found


def alive(pid: int) -> bool:
    """Return whether the process runs; one that ended and that nobody asked about does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def gone(pids: set[int]) -> bool:
    """Return whether all of ``pids`` end within PATIENCE."""
    deadline = time.monotonic() + PATIENCE
    while any(map(alive, pids)):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def test_the_ready_file_tells_all_that_a_tester_needs(running: Demonstration) -> None:
    told = running.ready
    assert {"issuer", "relying_party", "inbox", "residents", "clients"} <= told.keys()
    assert len(told["residents"]) == 40
    for resident in told["residents"]:
        assert resident.keys() == {"individual_id", "phone", "email", "pin", "name"}
    methods = {client["token_endpoint_auth_method"] for client in told["clients"]}
    assert {"private_key_jwt", "client_secret_basic", "client_secret_post", "none"} <= methods
    for client in told["clients"]:
        assert "http://127.0.0.1:8765/cb" in client["redirect_uris"]
    assert running.client("private_key_jwt")["jwks"]["keys"][0]["d"]
    assert running.client("client_secret_basic")["client_secret"]
    assert running.client("client_secret_post")["client_secret"]
    assert "client_secret" not in running.client("none")


def test_it_listens_on_this_machine_alone(running: Demonstration) -> None:
    for name in ("issuer", "relying_party", "inbox"):
        assert urlsplit(running.ready[name]).hostname == "127.0.0.1"
    ours = {urlsplit(running.ready["issuer"]).port or 0}
    ours |= {port + step for port in ours for step in (1, 2, 3)}
    listening = set()
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        address, port = line.split()[1].split(":")
        if line.split()[3] == "0A" and int(port, 16) in ours:
            listening.add(address)
    assert listening == {"0100007F"}  # 127.0.0.1
    assert not any(
        int(line.split()[1].rpartition(":")[2], 16) in ours and line.split()[3] == "0A"
        for line in Path("/proc/net/tcp6").read_text().splitlines()[1:]
    )


async def test_the_inbox_answers_what_was_sent_newest_first(running: Demonstration) -> None:
    resident = running.ready["residents"][1]
    walker = Walker(
        relying_party=running.ready["relying_party"],
        inbox=running.ready["inbox"],
        individual_id=resident["individual_id"],
        contact=resident["phone"] or resident["email"],
    )
    for _ in range(2):
        async with httpx2.AsyncClient(timeout=30) as http:
            await walk(walker, http)
    answer = httpx2.get(f"{walker.inbox}/messages", params={"to": walker.contact}, timeout=60)
    newest, older = answer.json()
    assert newest.keys() == {"to", "channel", "text", "code", "at"}
    assert newest["to"] == walker.contact
    assert newest["code"] in newest["text"]
    assert newest["code"] != older["code"]
    assert newest["at"] >= older["at"]
    everyone = httpx2.get(f"{walker.inbox}/messages").json()
    assert len(everyone) >= 2
    assert (
        httpx2.get(f"{walker.inbox}/messages", params={"to": "no@example.org"}, timeout=60).json()
        == []
    )


async def test_a_signed_document_shows_who_signed_in_their_own_script(
    running: Demonstration, tmp_path: Path
) -> None:
    residents = running.ready["residents"]
    resident = next(one for one in residents if one["individual_id"] == "5017557812")
    walker = Walker(
        relying_party=running.ready["relying_party"],
        inbox=running.ready["inbox"],
        individual_id=resident["individual_id"],
        contact=resident["phone"],
    )
    async with httpx2.AsyncClient(timeout=60) as http:
        account = await walk(walker, http)
        signed = await walk_signing(walker, resident["pin"], http)
    name = account["userinfo"]["name"]
    assert "ليلى" in name and all(signed.judged.values())
    (tmp_path / "a.pdf").write_bytes(signed.document)
    shown = subprocess.run(
        ("pdftotext", "-raw", "a.pdf", "-"), cwd=tmp_path, capture_output=True, check=True
    )
    letters = shown.stdout.decode()
    assert name in letters or name[::-1] in letters, "this tool writes Arabic from left to right"


def test_a_second_run_in_the_same_directory_is_refused(running: Demonstration) -> None:
    second = run("--data", str(running.directory / "data"), "--port", str(free_ports(4)))
    assert second.returncode == 1
    assert "already runs in" in second.stderr
    assert len(second.stderr.splitlines()) == 1
    assert httpx2.get(running.ready["issuer"] + "/.well-known/openid-configuration").is_success


def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    first = free_ports(4)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", first + 2))
        taken.listen()
        refused = run("--data", str(tmp_path / "data"), "--port", str(first))
    assert refused.returncode == 1
    assert refused.stderr == (
        f"symbolon: port {first + 2} is in use; choose others with --port N\n"
    )


def test_reset_does_not_touch_what_no_demonstration_made(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    refused = run("--reset", "--data", str(tmp_path), "--port", str(free_ports(4)))
    assert refused.returncode == 1
    assert "was not made by a demonstration" in refused.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_nothing_stays_behind_however_it_ends_and_the_next_run_goes_on(tmp_path: Path) -> None:
    with demonstration(tmp_path) as first:
        known = first.ready
        started = descendants(first.process.pid)
        assert len(started) >= 5
        first.process.send_signal(signal.SIGKILL)
        first.process.wait(10)
        assert gone(started)
    port = str(urlsplit(known["issuer"]).port)
    with demonstration(tmp_path, "--port", port) as second:
        assert second.ready == known
        started = descendants(second.process.pid)
        assert len(started) >= 5
        second.process.send_signal(signal.SIGINT)
        assert second.process.wait(PATIENCE) == 0
        assert not any(map(alive, started))
    checked = run("--check", "--data", str(tmp_path / "data"), "--port", port)
    assert checked.returncode == 0, checked.stderr
    login = json.loads(checked.stdout)
    assert login["id_token"]["sub"] == login["userinfo"]["sub"]
    (tmp_path / "data/mine.txt").touch()
    reset = run("--reset", "--check", "--data", str(tmp_path / "data"), "--port", port)
    assert reset.returncode == 0, reset.stderr
    assert json.loads(reset.stdout)["id_token"]["sub"] != login["id_token"]["sub"]
    assert (tmp_path / "data/mine.txt").exists()


def test_every_file_of_a_demonstration_is_known_to_reset(running: Demonstration) -> None:
    made = running.directory / "data"
    known = {path for name in MADE for path in made.glob(name)} | {made / "lock"}
    assert set(made.iterdir()) == known


def test_without_softhsm_keys_are_in_a_file_and_stay_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = str(free_ports(4))
    words = ("--check", "--data", str(tmp_path / "data"), "--port", port)
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("setpriv", "env"):
        (tools / name).symlink_to(shutil.which(name) or "")
    with monkeypatch.context() as patch:
        patch.setenv("PATH", str(tools))
        without = run(*words)
    assert without.returncode == 0, without.stderr
    assert "an encrypted file" in without.stderr
    again = run(*words)
    assert again.returncode == 0, again.stderr
    assert "an encrypted file" in again.stderr
