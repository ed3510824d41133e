"""One-time keys when the token dies, stalls, is full or lies: none signs twice, none is left."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from config.runtime.clock import SystemClock
from config.runtime.entropy import SystemEntropy
from keystore.backends.backend import SIGNING, Algorithm, OneTimeKey, UnknownKey
from keystore.backends.pkcs11 import Pkcs11Backend
from keystore.door import KeyServiceUnavailable
from keystore.pkcs11 import constants as ck
from keystore.pkcs11.ephemeral import EphemeralKeys, TooLate, Undestroyed
from keystore.pkcs11.errors import Busy, NotAllowed
from keystore.pkcs11.library import Library
from keystore.pkcs11.operations import NoSuchKey, Operations
from keystore.pkcs11.pin import PinSource
from keystore.pkcs11.public import BadSignature
from keystore.pkcs11.token import Token
from keystore.pkcs11.uri import Pkcs11Uri
from tests.nss import nss_backend, start_nss
from tests.softhsm import (
    RemoteToken,
    SoftHsm,
    freeze,
    pkcs11_backend,
    remote_backend,
    start_softhsm,
)

pytestmark = pytest.mark.server
ES256 = Algorithm.ES256

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


async def signs_again(backend: Pkcs11Backend) -> None:
    """Hold that one-time keys are made and used again, and none of them is left."""
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                key = await backend.one_time(ES256)
                assert len(await backend.sign_and_destroy(key.handle, ES256, [b"text"])) == 1
            except (KeyServiceUnavailable, UnknownKey):
                await asyncio.sleep(0.02)  # as often as requests come in
            else:
                break
        while backend.live:
            await asyncio.sleep(0)
        assert await backend.session_keys() == 0


async def held(backend: Pkcs11Backend, count: int) -> list[OneTimeKey]:
    return list(await asyncio.gather(*(backend.one_time(ES256) for _ in range(count))))


async def use(backend: Pkcs11Backend, key: OneTimeKey) -> str:
    try:
        await backend.sign_and_destroy(key.handle, ES256, [b"text"])
    except (KeyServiceUnavailable, UnknownKey) as failure:
        return type(failure).__name__
    return "signed"


async def test_with_the_child_every_key_ends(backend: Pkcs11Backend) -> None:
    keys = await held(backend, 5)
    assert backend.child is not None
    os.kill(backend.child, signal.SIGKILL)
    async with asyncio.timeout(PATIENCE):
        ended = await asyncio.gather(*(use(backend, key) for key in keys))
    assert "signed" not in ended
    assert backend.live == 0
    await signs_again(backend)
    assert [await use(backend, key) for key in keys] == ["UnknownKey"] * 5


async def test_a_stopped_child_blocks_nobody_and_leaves_no_key(backend: Pkcs11Backend) -> None:
    keys = await held(backend, 3)
    assert backend.child is not None
    freeze(backend.child)
    waiting = asyncio.gather(
        *(use(backend, key) for key in keys), backend.one_time(ES256), return_exceptions=True
    )
    loop, turns, started = asyncio.get_running_loop(), 0, asyncio.get_running_loop().time()
    while not waiting.done():
        await asyncio.sleep(0.001)
        turns += 1
    assert loop.time() - started < PATIENCE
    assert turns > 10
    assert isinstance((await waiting)[-1], KeyServiceUnavailable)
    assert backend.live == 0
    await signs_again(backend)


async def test_an_unplugged_hsm_takes_its_keys_along(
    far: Pkcs11Backend, remote: RemoteToken
) -> None:
    keys = await held(far, 4)
    remote.unplug()
    async with asyncio.timeout(PATIENCE):
        ended = await asyncio.gather(*(use(far, key) for key in keys))
    assert "signed" not in ended
    remote.start()
    await signs_again(far)


async def test_an_hsm_that_stalls_under_signers_and_goes_on(
    far: Pkcs11Backend, remote: RemoteToken
) -> None:
    keys = await held(far, 8)
    remote.stall()
    async with asyncio.timeout(PATIENCE):
        ended = await asyncio.gather(
            *(use(far, key) for key in keys),
            *(far.one_time(ES256) for _ in range(8)),
            return_exceptions=True,
        )
    assert "signed" not in ended
    assert all(isinstance(one, KeyServiceUnavailable) for one in ended[8:])
    remote.resume()
    await signs_again(far)


async def test_a_key_that_its_caller_forgot_is_destroyed(hsm: SoftHsm) -> None:
    backend = pkcs11_backend(hsm, one_time_life=0.1)
    key = await backend.one_time(ES256)
    assert await backend.session_keys() == 1
    async with asyncio.timeout(PATIENCE):
        while backend.live:
            await asyncio.sleep(0.01)
    assert await backend.session_keys() == 0
    assert await use(backend, key) == "UnknownKey"
    await backend.close()


async def test_a_token_that_was_taken_out_and_put_back(
    backend: Pkcs11Backend, hsm: SoftHsm
) -> None:
    await held(backend, 2)
    away = hsm.directory / "away"
    hsm.tokens.rename(away)
    with pytest.raises(KeyServiceUnavailable):
        await backend.health()
    away.rename(hsm.tokens)
    await signs_again(backend)


async def test_softoken_refuses_a_wrong_password_once_and_for_all(tmp_path: Path) -> None:
    directory = start_nss(tmp_path / "nss")
    right = (directory / "password").read_text()
    (directory / "password").write_text("not the password\n")
    backend = nss_backend(directory)
    for _ in range(3):
        with pytest.raises(KeyServiceUnavailable, match="CKR_PIN_INCORRECT"):
            await backend.one_time(ES256)
    (directory / "password").write_text(right)
    with pytest.raises(KeyServiceUnavailable, match="CKR_PIN_INCORRECT"):
        await backend.one_time(ES256)
    assert backend.live == 0
    await backend.close()


@dataclass(slots=True)
class Bench:
    """A token opened in this process, whose module's functions a test may disturb."""

    library: Library
    token: Token
    keys: EphemeralKeys
    sessions: int = 0

    def disturb(self, name: str, by: Callable[..., int]) -> None:
        """Have ``by`` called with the real function and its arguments."""
        real = getattr(self.library.functions, name)

        def disturbed(*arguments: Any) -> int:
            return by(real, *arguments)

        self.library.functions = replace(self.library.functions, **{name: disturbed})

    def allow(self, sessions: int) -> None:
        """Let the token have so many sessions at once and no more."""

        def opening(real: Callable[..., int], *arguments: Any) -> int:
            if self.sessions == sessions:
                return 0xB1  # CKR_SESSION_COUNT
            self.sessions += 1
            return real(*arguments)

        def closing(real: Callable[..., int], *arguments: Any) -> int:
            self.sessions -= 1
            return real(*arguments)

        self.disturb("C_OpenSession", opening)
        self.disturb("C_CloseSession", closing)

    def count(self) -> int:
        wanted = {ck.CKA_TOKEN: False}
        return self.token.use(lambda session: len(session.find(wanted, most=100)))


@pytest.fixture
def bench(hsm: SoftHsm, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.setenv("SOFTHSM2_CONF", str(hsm.configuration))
    library, entropy = Library(hsm.module), SystemEntropy()
    token = Token(library, Pkcs11Uri(token=b"symbolon"), PinSource(file=str(hsm.pin_file)), entropy)
    operations = Operations(token, entropy, verified=SIGNING)
    yield Bench(library, token, EphemeralKeys(token, operations, SystemClock()))
    library.finalize()


NEVER = float("inf")


def test_a_token_with_two_sessions_still_serves(bench: Bench) -> None:
    """One holds the login; the other makes the keys and lends itself to those that sign."""
    bench.allow(2)
    bench.token.open()
    for name in (b"one", b"two"):
        bench.keys.make(name, ES256, NEVER)
    for name in (b"one", b"two"):
        assert len(bench.keys.sign(name, ES256, [b"a", b"b"])) == 2
        bench.keys.destroy(name)
    assert bench.count() == 0
    assert bench.sessions == 2


def test_a_token_with_no_session_to_spare_says_so_and_recovers(bench: Bench) -> None:
    bench.allow(1)
    bench.token.open()
    with pytest.raises(Busy):
        bench.keys.make(b"one", ES256, NEVER)
    bench.sessions -= 1  # somebody else closed theirs
    bench.keys.make(b"one", ES256, NEVER)
    bench.keys.destroy(b"one")
    assert bench.count() == 0


def test_a_failed_signature_costs_others_no_key(bench: Bench) -> None:
    due = [0x68]  # CKR_KEY_FUNCTION_NOT_PERMITTED
    bench.disturb("C_SignInit", lambda real, *a: due.pop() if due else real(*a))
    bench.token.open()
    for name in (b"one", b"two"):
        bench.keys.make(name, ES256, NEVER)
    with pytest.raises(NotAllowed):
        bench.keys.sign(b"one", ES256, [b"text"])
    bench.keys.destroy(b"one")
    assert len(bench.keys.sign(b"two", ES256, [b"text"])) == 1
    bench.keys.destroy(b"two")
    assert bench.count() == 0


def test_a_key_made_too_late_is_destroyed_at_once(bench: Bench) -> None:
    bench.token.open()
    with pytest.raises(TooLate):
        bench.keys.make(b"late", ES256, 0.0)
    assert bench.count() == 0
    with pytest.raises(NoSuchKey):
        bench.keys.sign(b"late", ES256, [b"text"])


def test_a_bad_signature_is_withheld_and_its_key_destroyed(bench: Bench) -> None:
    def flipping(real: Callable[..., int], *arguments: Any) -> int:
        code = real(*arguments)
        buffer = arguments[3]
        buffer[7] = bytes((buffer[7][0] ^ 0x10,))
        return code

    bench.disturb("C_Sign", flipping)
    bench.token.open()
    bench.keys.make(b"one", ES256, NEVER)
    with pytest.raises(BadSignature):
        bench.keys.sign(b"one", ES256, [b"text"])
    bench.keys.destroy(b"one")
    assert bench.count() == 0


def test_a_key_that_the_token_will_not_destroy_is_told(bench: Bench) -> None:
    bench.disturb("C_DestroyObject", lambda real, *arguments: 0x1B)  # CKR_ACTION_PROHIBITED
    bench.token.open()
    with pytest.raises(Undestroyed):
        bench.keys.make(b"one", ES256, NEVER)


@pytest.mark.parametrize("failing", ["C_GenerateKeyPair", "C_GetAttributeValue", "C_DestroyObject"])
@pytest.mark.parametrize("code", [0x05, 0x32, 0xB3, 0x101])
def test_one_failure_that_may_pass_leaves_no_second_key(
    bench: Bench, failing: str, code: int
) -> None:
    due = [code]
    bench.disturb(failing, lambda real, *a: due.pop() if due else real(*a))
    bench.token.open()
    bench.keys.make(b"one", ES256, NEVER)
    assert due == []
    assert bench.count() == 1
    bench.keys.destroy(b"one")
    assert bench.count() == 0


def test_keys_of_before_a_reopening_are_gone_from_the_token(bench: Bench) -> None:
    bench.token.open()
    bench.keys.make(b"one", ES256, NEVER)
    bench.token.open()
    assert bench.count() == 0
    with pytest.raises(NoSuchKey):
        bench.keys.sign(b"one", ES256, [b"text"])
    bench.keys.destroy(b"one")


def test_a_session_used_in_vain_is_not_lost(bench: Bench) -> None:
    bench.allow(10)
    bench.token.open()
    for _ in range(50):
        with pytest.raises(NoSuchKey):
            bench.keys.sign(b"none", ES256, [b"text"])
    assert bench.sessions <= 2
