"""Wrapped keys: they lie outside, and sign only through the key that wrapped them."""

import asyncio
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path

import pytest

from keystore.backends.backend import OF_PEOPLE, Algorithm, Backend, UnknownKey, Unsupported
from keystore.backends.pkcs11 import Pkcs11Backend
from tests.contracts.test_key_backends import fits
from tests.key_backends import KINDS, LACKS, NSS, REMOTE, SOFTHSM, running

ES256 = Algorithm.ES256
WRAPPING = [kind for kind in KINDS if REMOTE not in str(kind)]
CANNOT = {(SOFTHSM, Algorithm.EDDSA), (NSS, Algorithm.EDDSA)}
"""SoftHSM 2.6 makes Ed25519 keys and wraps none, NSS softoken makes none."""


@pytest.fixture(params=WRAPPING)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def backend(kind: str, tmp_path: Path) -> AsyncIterator[Backend]:
    async with running(kind, tmp_path) as made:
        yield made


async def wrapping_key(backend: Backend) -> str:
    return (await backend.generate(Algorithm.KWP, "wraps")).ref


async def nothing_lives(backend: Backend) -> None:
    assert backend.live == 0
    if isinstance(backend, Pkcs11Backend):
        assert await backend.session_keys() == 0


@pytest.mark.server
async def test_a_module_without_key_wrap_refuses(tmp_path: Path) -> None:
    assert Algorithm.KWP in LACKS[REMOTE]
    async with running(REMOTE, tmp_path) as backend:
        with pytest.raises(Unsupported):
            await backend.wrapped(await wrapping_key(backend), ES256)
        await nothing_lives(backend)


@pytest.mark.spec("RFC 5649")
@pytest.mark.parametrize("algorithm", sorted(OF_PEOPLE))
async def test_it_signs_as_often_as_asked(
    backend: Backend, kind: str, algorithm: Algorithm
) -> None:
    kek = await wrapping_key(backend)
    if (kind, algorithm) in CANNOT:
        with pytest.raises(Unsupported):
            await backend.wrapped(kek, algorithm)
        return await nothing_lives(backend)
    key = await backend.wrapped(kek, algorithm)
    await nothing_lives(backend)
    for messages in ([b"one"], [b"%d" % number for number in range(9)]):
        signatures = await backend.sign_wrapped(kek, key.blob, algorithm, messages)
        for message, signature in zip(messages, signatures, strict=True):
            assert fits(key.public, algorithm, message, signature)
        await nothing_lives(backend)


async def test_what_the_token_says_of_the_key_is_recorded(backend: Backend, kind: str) -> None:
    key = await backend.wrapped(await wrapping_key(backend), ES256)
    on_token = isinstance(backend, Pkcs11Backend)
    assert key.attributes == {
        "CKA_LOCAL": kind != NSS,  # which says so of no key
        "CKA_SENSITIVE": on_token,
        "CKA_ALWAYS_SENSITIVE": on_token,
        "CKA_EXTRACTABLE": True,
        "CKA_NEVER_EXTRACTABLE": False,
    }


async def test_the_private_key_is_not_in_the_blob(backend: Backend) -> None:
    kek = await wrapping_key(backend)
    first, second = await asyncio.gather(*(backend.wrapped(kek, ES256) for _ in range(2)))
    assert first.public != second.public
    assert bytes.fromhex("06072a8648ce3d0201") not in first.blob.replace(first.public, b"")


async def test_another_wrapping_key_does_not_open_it(backend: Backend) -> None:
    kek, other = await wrapping_key(backend), await wrapping_key(backend)
    key = await backend.wrapped(kek, ES256)
    with pytest.raises(UnknownKey):
        await backend.sign_wrapped(other, key.blob, ES256, [b"text"])
    assert await backend.sign_wrapped(kek, key.blob, ES256, [b"text"])
    await nothing_lives(backend)


async def test_an_altered_blob_costs_nobody_else_their_key(backend: Backend) -> None:
    kek = await wrapping_key(backend)
    key, held = await backend.wrapped(kek, ES256), await backend.one_time(ES256)
    spoiled = [b"", b"x", key.blob[:-8], key.blob[:-1] + bytes([key.blob[-1] ^ 1])]
    for blob in spoiled:
        with pytest.raises(UnknownKey):
            await backend.sign_wrapped(kek, blob, ES256, [b"text"])
    (signature,) = await backend.sign_and_destroy(held.handle, ES256, [b"text"])
    assert fits(held.public, ES256, b"text", signature)
    await nothing_lives(backend)


async def test_a_wrapping_key_does_nothing_else(backend: Backend) -> None:
    kek = await wrapping_key(backend)
    seals = (await backend.generate(Algorithm.AES, "seals")).ref
    with pytest.raises(UnknownKey):
        await backend.sign(kek, ES256, [b"text"])
    with pytest.raises(UnknownKey):
        await backend.mac(kek, [b"text"])
    with pytest.raises(UnknownKey):
        await backend.wrapped(seals, ES256)
    with pytest.raises(Unsupported):
        await backend.wrapped(kek, Algorithm.RS256)


async def test_digests_are_signed_as_they_are(backend: Backend) -> None:
    kek = await wrapping_key(backend)
    key = await backend.wrapped(kek, ES256)
    texts = [b"%d" % number for number in range(3)]
    digests = [sha256(text).digest() for text in texts]
    signatures = await backend.sign_wrapped_digests(kek, key.blob, digests)
    for text, signature in zip(texts, signatures, strict=True):
        assert fits(key.public, ES256, text, signature)
    with pytest.raises(ValueError, match="octets"):
        await backend.sign_wrapped_digests(kek, key.blob, [b"short"])
    for blob in (b"", key.blob[:-1] + bytes([key.blob[-1] ^ 1])):
        with pytest.raises(UnknownKey):
            await backend.sign_wrapped_digests(kek, blob, digests)
    with pytest.raises(UnknownKey):
        await backend.sign_wrapped_digests(await wrapping_key(backend), key.blob, digests)
    await nothing_lives(backend)


@pytest.mark.parametrize("algorithm", sorted(OF_PEOPLE))
async def test_the_same_key_signs_under_another_wrapping_key_without_leaving_the_token(
    backend: Backend, kind: str, algorithm: Algorithm
) -> None:
    if (kind, algorithm) in CANNOT:
        return
    kek, newer = await wrapping_key(backend), await wrapping_key(backend)
    key = await backend.wrapped(kek, algorithm)
    moved = await backend.rewrapped(kek, key.blob, algorithm, newer)
    await nothing_lives(backend)
    assert moved.replace(key.public, b"") != key.blob.replace(key.public, b"")
    (signature,) = await backend.sign_wrapped(newer, moved, algorithm, [b"text"])
    assert fits(key.public, algorithm, b"text", signature)
    with pytest.raises(UnknownKey):
        await backend.sign_wrapped(kek, moved, algorithm, [b"text"])
    again = await backend.rewrapped(newer, moved, algorithm, kek)
    assert await backend.sign_wrapped(kek, again, algorithm, [b"text"])
    for blob, opening, under in (
        (key.blob, newer, kek),
        (key.blob[:-1] + bytes([key.blob[-1] ^ 1]), kek, newer),
        (b"", kek, newer),
    ):
        with pytest.raises(UnknownKey):
            await backend.rewrapped(opening, blob, algorithm, under)
    await backend.destroy(newer)
    with pytest.raises(UnknownKey):
        await backend.rewrapped(kek, key.blob, algorithm, newer)
    await nothing_lives(backend)
