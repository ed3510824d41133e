"""A token that dies, stalls or comes back, as the key service sees it through the backend."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Iterator
from pathlib import Path

import pytest
import uvloop

from keystore.backends.backend import Algorithm, Backend, Sealing, UnknownKey
from keystore.backends.pkcs11 import Pkcs11Backend
from keystore.door import KeyServiceUnavailable
from tests.softhsm import (
    PIN,
    RemoteToken,
    SoftHsm,
    freeze,
    pkcs11_backend,
    remote_backend,
    start_softhsm,
)

pytestmark = pytest.mark.server
ES256 = Algorithm.ES256
ROOT = Path(__file__).parents[2]
PATIENCE = 20
"""Seconds after which something hangs, on however busy a machine."""


@pytest.fixture
def hsm(tmp_path: Path) -> SoftHsm:
    return start_softhsm(tmp_path / "hsm")


@pytest.fixture
async def backend(hsm: SoftHsm) -> AsyncIterator[Pkcs11Backend]:
    made = pkcs11_backend(hsm)
    await made.health()
    yield made
    await made.close()


@pytest.fixture
def remote(hsm: SoftHsm, tmp_path: Path) -> Iterator[RemoteToken]:
    made = RemoteToken(hsm, tmp_path / "p11")
    made.start()
    yield made
    made.unplug()


@pytest.fixture
async def far(remote: RemoteToken) -> AsyncIterator[Pkcs11Backend]:
    made = remote_backend(remote)
    await made.health()
    yield made
    await made.close()


async def fails_in_time(answer: Awaitable[object]) -> None:
    async with asyncio.timeout(PATIENCE):
        with pytest.raises(KeyServiceUnavailable):
            await answer


async def recovers(backend: Backend, ref: str) -> None:
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                await backend.sign(ref, ES256, [b"text"])
            except KeyServiceUnavailable:
                await asyncio.sleep(0.02)  # as often as requests come in
            else:
                return


async def stays_down(backend: Pkcs11Backend) -> None:
    """Ask for longer than a new child needs to come."""
    try:
        async with asyncio.timeout(1.5):
            while True:
                with pytest.raises(KeyServiceUnavailable):
                    await backend.health()
                assert backend.child is None
                await asyncio.sleep(0.02)
    except TimeoutError:
        return


def child(backend: Pkcs11Backend) -> int:
    assert backend.child is not None
    return backend.child


async def test_a_killed_child_costs_its_requests_and_is_replaced(backend: Pkcs11Backend) -> None:
    ref = (await backend.generate(ES256, "kept")).ref
    before = child(backend)
    os.kill(before, signal.SIGKILL)
    await fails_in_time(backend.sign(ref, ES256, [b"text"]))
    await recovers(backend, ref)
    assert child(backend) != before


async def test_a_stopped_child_is_killed_and_stalls_neither_loop_nor_others(
    backend: Pkcs11Backend, tmp_path: Path
) -> None:
    other = pkcs11_backend(start_softhsm(tmp_path / "other"))
    elsewhere = (await other.generate(ES256, "elsewhere")).ref
    ref = (await backend.generate(ES256, "kept")).ref
    before = child(backend)
    freeze(before)
    stalled = asyncio.create_task(fails_in_time(backend.sign(ref, ES256, [b"text"])))
    turns = 0
    while not stalled.done():
        await other.sign(elsewhere, ES256, [b"text"])
        turns += 1
    await stalled
    assert turns > 20
    await recovers(backend, ref)
    with pytest.raises(ProcessLookupError):
        os.kill(before, 0)
    await other.close()


async def test_calls_that_come_while_a_child_is_replaced_wait_for_it(hsm: SoftHsm) -> None:
    backend = pkcs11_backend(hsm, deadline=10.0)
    ref = (await backend.generate(ES256, "kept")).ref
    before = child(backend)
    os.kill(before, signal.SIGKILL)
    await fails_in_time(backend.health())
    assert len(await backend.sign(ref, ES256, [b"text"])) == 1
    assert child(backend) != before
    await backend.close()


async def test_a_token_directory_that_went_away_and_came_back(
    backend: Pkcs11Backend, hsm: SoftHsm
) -> None:
    ref = (await backend.generate(ES256, "kept")).ref
    away = hsm.directory / "away"
    hsm.tokens.rename(away)
    for _ in range(3):
        await fails_in_time(backend.sign(ref, ES256, [b"text"]))
        await fails_in_time(backend.health())
    away.rename(hsm.tokens)
    await recovers(backend, ref)


async def test_a_connection_that_broke_is_made_again(
    far: Pkcs11Backend, remote: RemoteToken
) -> None:
    ref = (await far.generate(ES256, "far")).ref
    for pid in remote.processes()[1:]:
        os.kill(pid, signal.SIGKILL)
    await recovers(far, ref)


async def test_an_unplugged_hsm_fails_fast_and_comes_back(
    far: Pkcs11Backend, remote: RemoteToken
) -> None:
    ref = (await far.generate(ES256, "far")).ref
    remote.unplug()
    for _ in range(5):
        await fails_in_time(far.sign(ref, ES256, [b"text"]))
    remote.start()
    await recovers(far, ref)


async def test_an_hsm_that_stalls_under_load_and_goes_on(
    far: Pkcs11Backend, remote: RemoteToken
) -> None:
    ref = (await far.generate(ES256, "far")).ref
    remote.stall()
    load = [fails_in_time(far.sign(ref, ES256, [b"text"])) for _ in range(50)]
    await asyncio.gather(*load)
    await fails_in_time(far.sign(ref, ES256, [b"text"]))
    remote.resume()
    await recovers(far, ref)


async def test_a_wrong_pin_is_final_until_somebody_starts_again(hsm: SoftHsm) -> None:
    right = hsm.pin_file.read_text()
    hsm.pin_file.write_text("9999\n")
    refused = pkcs11_backend(hsm)
    for _ in range(3):
        with pytest.raises(KeyServiceUnavailable, match="CKR_PIN_INCORRECT"):
            await refused.health()
    hsm.pin_file.write_text(right)
    await stays_down(refused)
    await refused.close()
    again = pkcs11_backend(hsm)
    await again.health()
    await again.close()


async def test_a_pin_changed_under_way_is_tried_once_and_never_again(
    backend: Pkcs11Backend, hsm: SoftHsm
) -> None:
    """The token is reopened with a PIN that is wrong by now; no later child tries it again."""
    ref = (await backend.generate(ES256, "kept")).ref
    hsm.pin_file.write_text("9999\n")
    os.kill(child(backend), signal.SIGKILL)
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                await backend.sign(ref, ES256, [b"text"])
            except KeyServiceUnavailable as failure:
                if "CKR_PIN_INCORRECT" in str(failure):
                    break
    hsm.pin_file.write_text(PIN)
    await stays_down(backend)


async def test_a_pin_file_that_comes_late_is_waited_for(hsm: SoftHsm) -> None:
    hsm.pin_file.unlink()
    backend = pkcs11_backend(hsm)
    with pytest.raises(KeyServiceUnavailable, match=str(hsm.pin_file)):
        await backend.health()
    hsm.pin_file.write_text(PIN)
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                await backend.health()
            except KeyServiceUnavailable:
                await asyncio.sleep(0.02)
            else:
                break
    await backend.close()


KEPT_BY_ANOTHER = """
import asyncio, pathlib, sys
from tests.softhsm import pkcs11_backend, start_softhsm

async def serve():
    backend = pkcs11_backend(start_softhsm(pathlib.Path(sys.argv[1])))
    await backend.health()
    print(backend.child, flush=True)
    while True:
        await backend.health()

asyncio.run(serve())
"""


async def test_a_child_does_not_outlive_a_killed_key_service(tmp_path: Path) -> None:
    service = await asyncio.create_subprocess_exec(
        sys.executable, "-c", KEPT_BY_ANOTHER, str(tmp_path / "own"),
        stdout=asyncio.subprocess.PIPE, cwd=ROOT,
    )  # fmt: skip
    assert service.stdout is not None
    pid = int(await service.stdout.readline())
    service.kill()
    await service.wait()
    async with asyncio.timeout(PATIENCE):
        while Path(f"/proc/{pid}").exists() and "State:\tZ" not in status(pid):
            await asyncio.sleep(0.02)


def status(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return "State:\tZ"


async def test_a_module_that_is_no_library_says_so(hsm: SoftHsm) -> None:
    backend = pkcs11_backend(hsm, module=str(hsm.pin_file))
    with pytest.raises(KeyServiceUnavailable, match=str(hsm.pin_file)):
        await backend.health()
    await backend.close()


async def test_a_batch_keeps_its_order_across_threads(backend: Pkcs11Backend) -> None:
    macs = (await backend.generate(Algorithm.HMAC, "macs")).ref
    seals = (await backend.generate(Algorithm.AES, "seals")).ref
    messages = [b"%d" % number for number in range(37)]
    one_by_one = [(await backend.mac(macs, [message]))[0] for message in messages]
    assert await backend.mac(macs, messages) == one_by_one
    sealed = await backend.encrypt(seals, [Sealing(message, message) for message in messages])
    pairs = zip(sealed, messages, strict=True)
    opened = await backend.decrypt(seals, [Sealing(text, message) for text, message in pairs])
    assert opened == messages


async def test_keys_survive_a_restart_and_references_of_others_are_unknown(
    backend: Pkcs11Backend, hsm: SoftHsm
) -> None:
    key = await backend.generate(ES256, "kept")
    await backend.close()
    again = pkcs11_backend(hsm)
    assert await again.public_key(key.ref, ES256) == key.public
    for ref in (key.ref.replace("symbolon", "other"), "software:1", "pkcs11:token=symbolon"):
        with pytest.raises(UnknownKey):
            await again.sign(ref, ES256, [b"text"])
    await again.close()


async def test_the_pin_is_not_on_the_command_line(backend: Pkcs11Backend, hsm: SoftHsm) -> None:
    line = Path(f"/proc/{child(backend)}/cmdline").read_bytes()
    assert hsm.pin_file.read_bytes().strip() not in line.split(b"\0")


def test_uvloop_serves_as_well(hsm: SoftHsm) -> None:
    async def life() -> None:
        backend = pkcs11_backend(hsm)
        ref = (await backend.generate(ES256, "kept")).ref
        os.kill(child(backend), signal.SIGKILL)
        await fails_in_time(backend.health())
        await recovers(backend, ref)
        await backend.close()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(life())


async def test_closing_leaves_no_process(hsm: SoftHsm) -> None:
    backend = pkcs11_backend(hsm)
    await backend.health()
    pid = child(backend)
    waiting = asyncio.create_task(backend.health())
    await asyncio.sleep(0)
    await backend.close()
    with pytest.raises(KeyServiceUnavailable):
        await waiting
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
