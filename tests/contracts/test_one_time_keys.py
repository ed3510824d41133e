"""One-time keys: whatever holds them, each signs once and none is left behind on any path."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from keystore.backends.backend import OF_PEOPLE, Algorithm, Backend, UnknownKey, Unsupported
from keystore.backends.pkcs11 import Pkcs11Backend
from tests.contracts.test_key_backends import fits
from tests.key_backends import KINDS, LACKS, running

ES256 = Algorithm.ES256
MESSAGES = [b"", b"one", b"x" * 5000]


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def backend(kind: str, tmp_path: Path) -> AsyncIterator[Backend]:
    async with running(kind, tmp_path) as made:
        yield made


async def nothing_lives(backend: Backend) -> None:
    """Hold that no key is left, by the backend's count and by the token's own."""
    async with asyncio.timeout(20):
        while backend.live:
            await asyncio.sleep(0)
    if isinstance(backend, Pkcs11Backend):
        assert await backend.session_keys() == 0


@pytest.mark.parametrize("algorithm", sorted(OF_PEOPLE))
async def test_it_signs_once_and_is_gone(backend: Backend, kind: str, algorithm: Algorithm) -> None:
    if algorithm in LACKS[kind]:
        with pytest.raises(Unsupported):
            await backend.one_time(algorithm)
        return await nothing_lives(backend)
    key = await backend.one_time(algorithm)
    assert backend.live == 1
    if isinstance(backend, Pkcs11Backend):
        assert await backend.session_keys() == 1
        assert key.attributes["CKA_NEVER_EXTRACTABLE"]
        assert key.attributes["CKA_ALWAYS_SENSITIVE"]
    signatures = await backend.sign_and_destroy(key.handle, algorithm, MESSAGES)
    await nothing_lives(backend)
    for message, signature in zip(MESSAGES, signatures, strict=True):
        assert fits(key.public, algorithm, message, signature)
    with pytest.raises(UnknownKey):
        await backend.sign_and_destroy(key.handle, algorithm, [b"again"])


async def test_no_two_are_the_same(backend: Backend) -> None:
    keys = await asyncio.gather(*(backend.one_time(ES256) for _ in range(20)))
    assert len({key.public for key in keys}) == len({key.handle for key in keys}) == 20
    assert backend.live == 20
    signing = (backend.sign_and_destroy(key.handle, ES256, [b"text"]) for key in keys)
    for key, made in zip(keys, await asyncio.gather(*signing), strict=True):
        assert fits(key.public, ES256, b"text", made[0])
    await nothing_lives(backend)


async def test_of_two_that_race_for_one_key_one_signs(backend: Backend) -> None:
    key = await backend.one_time(ES256)
    races = [backend.sign_and_destroy(key.handle, ES256, [b"%d" % n]) for n in range(8)]
    ended = await asyncio.gather(*races, return_exceptions=True)
    assert len([one for one in ended if isinstance(one, list)]) == 1
    assert len([one for one in ended if isinstance(one, UnknownKey)]) == 7
    await nothing_lives(backend)


async def test_a_discarded_key_signs_nothing(backend: Backend) -> None:
    key = await backend.one_time(ES256)
    await backend.discard(key.handle)
    await nothing_lives(backend)
    with pytest.raises(UnknownKey):
        await backend.sign_and_destroy(key.handle, ES256, [b"text"])
    await backend.discard(key.handle)
    await backend.discard("no such key")


async def test_asked_for_another_algorithm_it_is_destroyed(backend: Backend) -> None:
    key = await backend.one_time(ES256)
    with pytest.raises(UnknownKey):
        await backend.sign_and_destroy(key.handle, Algorithm.EDDSA, [b"text"])
    await nothing_lives(backend)
    with pytest.raises(UnknownKey):
        await backend.sign_and_destroy(key.handle, ES256, [b"text"])


async def test_with_nothing_to_sign_it_is_destroyed_all_the_same(backend: Backend) -> None:
    key = await backend.one_time(ES256)
    assert await backend.sign_and_destroy(key.handle, ES256, []) == []
    await nothing_lives(backend)


async def test_only_what_is_made_in_a_moment_is_made_for_one_time(backend: Backend) -> None:
    for algorithm in sorted(set(Algorithm) - OF_PEOPLE):
        with pytest.raises(Unsupported):
            await backend.one_time(algorithm)
    await nothing_lives(backend)


async def test_callers_that_go_away_leave_no_key(backend: Backend) -> None:
    await backend.health()
    for turns in range(12):
        making = [asyncio.create_task(backend.one_time(ES256)) for _ in range(8)]
        for _ in range(turns):
            await asyncio.sleep(0)
        for task in making:
            task.cancel()
        ended = await asyncio.gather(*making, return_exceptions=True)
        for key in ended:
            if not isinstance(key, BaseException):
                await backend.discard(key.handle)
    await nothing_lives(backend)


async def test_a_caller_that_goes_away_while_it_signs_leaves_no_key(backend: Backend) -> None:
    for turns in range(6):
        key = await backend.one_time(ES256)
        signing = asyncio.create_task(backend.sign_and_destroy(key.handle, ES256, [b"text"] * 9))
        for _ in range(turns + 1):
            await asyncio.sleep(0)
        signing.cancel()
        await asyncio.gather(signing, return_exceptions=True)
    await nothing_lives(backend)


async def test_closing_ends_every_key(backend: Backend) -> None:
    for _ in range(3):
        await backend.one_time(ES256)
    await backend.close()
    assert backend.live == 0
