"""A PDF of 500 MB uploaded, prepared, approved, signed at B-LT and downloaded, over HTTP.

Run ``python -m benchmarks.large_document [megabytes]``. It prints the seconds of each step beside a
plain copy of the file, and the memory of each process before and at its peak. The PDF is made piece
by piece in a directory of its own and removed afterwards.
"""

import asyncio
import base64
import http.client
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from benchmarks import signing_deployment
from benchmarks.ours import Plan
from benchmarks.processes import BenchFailed, Cores
from benchmarks.signing_deployment import House
from tests import large_pdf

MEGABYTES = 500
EVERY = 0.02
"""Seconds between two looks at the processes."""

_PIECE = 1 << 20


@dataclass(slots=True)
class Memory:
    """The most memory that processes had, in MB of 2**20 octets; children by their parent's name.

    A worker on a PDF lives for one step, so it is looked for again and again.
    """

    pids: dict[str, int]
    before: dict[str, float] = field(default_factory=dict)
    peak: dict[str, float] = field(default_factory=dict)
    _ended: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Look until the block ends."""
        self.before = {name: _status(pid, "VmRSS") for name, pid in self.pids.items()}
        for pid in self.pids.values():
            Path(f"/proc/{pid}/clear_refs").write_text("5")  # the peak begins here
        looking = threading.Thread(target=self._look)
        looking.start()
        try:
            yield
        finally:
            self._ended.set()
            looking.join()

    def _look(self) -> None:
        while not self._ended.wait(EVERY):
            for name, pid in self.pids.items():
                self._note(name, pid)
                for child in _children(pid):
                    self._note(f"{name}: PDF process", child)

    def _note(self, name: str, pid: int) -> None:
        try:
            found = _status(pid, "VmHWM")
        except (OSError, IndexError):  # it has ended
            return
        self.peak[name] = max(self.peak.get(name, 0), found)


@dataclass(frozen=True, slots=True)
class Calls:
    """Calls of a client that streams what is long. ``token`` has the scope ``signatures``."""

    port: int
    token: str

    def ask(self, method: str, path: str, body: object = None, token: str = "") -> Any:
        """Return what a JSON answer says."""
        sent = b"" if body is None else json.dumps(body).encode()
        return json.loads(self._asked(method, path, sent, "application/json", token).read())

    def upload(self, file: Path) -> Any:
        """Give a document as it is read."""
        with file.open("rb") as content:
            answer = self._asked("POST", "/documents", content, "application/pdf")
            return json.loads(answer.read())

    def download(self, path: str, file: Path) -> None:
        """Write a document as it comes."""
        with file.open("wb") as written:
            shutil.copyfileobj(self._asked("GET", path, b"", ""), written, _PIECE)

    def _asked(
        self, method: str, path: str, body: bytes | IO[bytes], kind: str, token: str = ""
    ) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, blocksize=_PIECE)
        headers = {"Authorization": f"Bearer {token or self.token}", "Content-Type": kind}
        if not isinstance(body, bytes):
            headers["Content-Length"] = str(os.fstat(body.fileno()).st_size)
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        if answer.status >= 300:
            raise BenchFailed(f"{method} {path}: {answer.status} {answer.read(500)!r}")
        return answer


@dataclass(frozen=True, slots=True)
class Steps:
    """What is done, and in how many seconds each time."""

    house: House
    spent: dict[str, float] = field(default_factory=dict)

    async def through(self, document: Path, signed: Path) -> None:
        """Take a document from its upload to the file that is signed."""
        calls = Calls(self.house.target.port, await self.house.approvals.own())
        given = await self._timed("upload", lambda: calls.upload(document))
        wanted = {"name": document.name, "media_type": "application/pdf", "document": given["id"]}
        body = {"format": "pades", "level": "B-LT", "documents": [wanted]}
        asked = await self._timed("prepare", lambda: calls.ask("POST", "/signature-requests", body))
        digests = [_octets(one["hash"]) for one in asked["documentDigests"]]
        [approved] = await self.house.approvals.approved([digests])
        path = f"/signature-requests/{asked['id']}"
        await self._timed("sign", lambda: calls.ask("POST", f"{path}/signatures", {}, approved))
        await self._timed("download", lambda: calls.download(f"{path}/documents/0", signed))

    async def _timed(self, step: str, act: Callable[[], Any]) -> Any:
        begun = time.perf_counter()
        made = await asyncio.to_thread(act)
        self.spent[step] = time.perf_counter() - begun
        return made


def _octets(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _status(pid: int, name: str) -> float:
    text = Path(f"/proc/{pid}/status").read_text()
    return int(text.split(f"{name}:")[1].split()[0]) / 1024


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for listed in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += map(int, listed.read_text().split())
        except OSError:  # the thread ended meanwhile
            continue
    return found


def _copied(document: Path, copy: Path) -> float:
    begun = time.perf_counter()
    with document.open("rb") as read, copy.open("wb") as written:
        shutil.copyfileobj(read, written, _PIECE)
        written.flush()
        os.fsync(written.fileno())
    spent = time.perf_counter() - begun
    copy.unlink()
    return spent


def _judged(document: Path, signed: Path) -> str:
    """Return what was found in the file that came back; BenchFailed: it is another document."""
    with document.open("rb") as before, signed.open("rb") as after:
        while piece := before.read(_PIECE):
            if after.read(len(piece)) != piece:
                raise BenchFailed("the signed document does not begin with the one that was given")
        more = len(after.read())
    if shutil.which("pdfsig") is None:
        return f"{more} octets were appended; nobody is here to judge the signature"
    judged = subprocess.run(["pdfsig", "-nocert", str(signed)], capture_output=True, text=True)
    line = [one.strip(" -") for one in judged.stdout.splitlines() if "Signature Validation" in one]
    return f"{more} octets were appended; pdfsig: {(line or ['no signature'])[0]}"


async def main(megabytes: int) -> None:
    """Do all of it once, and print what it took."""
    with tempfile.TemporaryDirectory(dir=Path.cwd(), prefix="large-") as name:
        directory = Path(name)
        document, signed = directory / "scan.pdf", directory / "signed.pdf"
        with document.open("wb") as file:
            file.writelines(large_pdf.pieces(megabytes * 1_000_000 - 1_000_000))
        copy = await asyncio.to_thread(_copied, document, directory / "copy.pdf")
        plan = Plan(name="large", directory=directory / "deployment", core=Cores.mine().servers)
        async with signing_deployment.running(plan) as house:
            memory, steps = Memory(dict(house.target.processes)), Steps(house)
            with memory.watched():
                await steps.through(document, signed)
        _print(document.stat().st_size, copy, steps.spent, memory)
        sys.stdout.write(_judged(document, signed) + "\n")


def _print(size: int, copy: float, spent: dict[str, float], memory: Memory) -> None:
    lines = [f"{size / 1e6:.0f} MB; a plain copy to the disk takes {copy:.1f} s"]
    lines += [f"{name:>10}: {one:6.1f} s = {one / copy:5.1f} copies" for name, one in spent.items()]
    for name, peak in sorted(memory.peak.items()):
        before = memory.before.get(name, 0)
        lines.append(f"{name}: {before:.0f} MB before, {peak:.0f} MB at its peak")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else MEGABYTES))
