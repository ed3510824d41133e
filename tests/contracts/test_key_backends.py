"""The contract of key backends: whatever holds the keys, it does the same."""

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import load_der_public_key

from keystore.backends.backend import (
    SIGNING,
    Algorithm,
    Backend,
    Sealing,
    UnknownKey,
    Unsupported,
)
from tests.key_backends import KINDS, LACKS, running
from tests.keyrings import software_backend

MESSAGES = [b"", b"one", b"x" * 5000]


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def backend(kind: str, tmp_path: Path) -> AsyncIterator[Backend]:
    async with running(kind, tmp_path) as made:
        yield made


def fits(public: bytes, algorithm: Algorithm, message: bytes, signature: bytes) -> bool:
    """Say whether the signature is one of JWS (RFC 7518 §3), by cryptography alone."""
    key = load_der_public_key(public)
    digest = hashes.SHA256()
    try:
        if isinstance(key, ec.EllipticCurvePublicKey):
            assert algorithm is Algorithm.ES256 and len(signature) == 64
            r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
            key.verify(encode_dss_signature(r, s), message, ec.ECDSA(digest))
        elif isinstance(key, rsa.RSAPublicKey):
            assert key.key_size == 2048
            pss = padding.PSS(padding.MGF1(digest), 32)
            scheme = pss if algorithm is Algorithm.PS256 else padding.PKCS1v15()
            key.verify(signature, message, scheme, digest)
        elif isinstance(key, MLDSA65PublicKey):
            assert algorithm is Algorithm.ML_DSA_65 and len(signature) == 3309
            key.verify(signature, message)
        else:
            assert isinstance(key, Ed25519PublicKey) and algorithm is Algorithm.EDDSA
            key.verify(signature, message)
    except InvalidSignature:
        return False
    return True


@pytest.mark.spec("RFC 7518 §3")
@pytest.mark.parametrize("algorithm", sorted(SIGNING))
async def test_signs_each_message_in_its_place(
    backend: Backend, kind: str, algorithm: Algorithm
) -> None:
    if algorithm in LACKS[kind]:
        with pytest.raises(Unsupported):
            await backend.generate(algorithm, "a test key")
        return
    key = await backend.generate(algorithm, "a test key")
    assert key.ref.startswith(f"{backend.scheme}:")
    assert await backend.public_key(key.ref, algorithm) == key.public
    signatures = await backend.sign(key.ref, algorithm, MESSAGES)
    for message, signature in zip(MESSAGES, signatures, strict=True):
        assert fits(key.public, algorithm, message, signature)
        assert not fits(key.public, algorithm, message + b"!", signature)


async def test_batches_at_once_keep_apart(backend: Backend) -> None:
    key = await backend.generate(Algorithm.ES256, "a test key")
    batches = [[b"%d %d" % (batch, place) for place in range(5)] for batch in range(16)]
    made = await asyncio.gather(
        *(backend.sign(key.ref, Algorithm.ES256, batch) for batch in batches)
    )
    for batch, signatures in zip(batches, made, strict=True):
        for message, signature in zip(batch, signatures, strict=True):
            assert fits(key.public, Algorithm.ES256, message, signature)


@pytest.mark.attack("A36")
async def test_a_key_serves_one_algorithm_only(backend: Backend) -> None:
    rsa_key = await backend.generate(Algorithm.RS256, "for one algorithm")
    with pytest.raises(UnknownKey):
        await backend.sign(rsa_key.ref, Algorithm.PS256, [b"message"])
    with pytest.raises(UnknownKey):
        await backend.mac(rsa_key.ref, [b"message"])
    hash_key = await backend.generate(Algorithm.HMAC, "for hashes")
    with pytest.raises(UnknownKey):
        await backend.encrypt(hash_key.ref, [Sealing(b"text", b"row")])


async def test_hashes_are_keyed(backend: Backend) -> None:
    first = await backend.generate(Algorithm.HMAC, "one")
    second = await backend.generate(Algorithm.HMAC, "two")
    assert first.public == b""
    made = await backend.mac(first.ref, MESSAGES)
    assert made == await backend.mac(first.ref, MESSAGES)
    assert made != await backend.mac(second.ref, MESSAGES)
    assert {len(value) for value in made} == {32}
    assert made[1] not in (hashlib.sha256(b"one").digest(), hmac.digest(b"", b"one", "sha256"))


async def test_what_was_encrypted_is_bound(backend: Backend, kind: str) -> None:
    key = await backend.generate(Algorithm.AES, "for seals")
    if Algorithm.AES in LACKS[kind]:
        with pytest.raises(Unsupported):
            await backend.encrypt(key.ref, [Sealing(b"text", b"row")])
        return
    texts = [Sealing(message, b"row %d" % place) for place, message in enumerate(MESSAGES)]
    sealed = await backend.encrypt(key.ref, texts)
    assert [len(one) - 28 for one in sealed] == [len(message) for message in MESSAGES]
    assert sealed != await backend.encrypt(key.ref, texts), "nonces never repeat"
    bound = [text.bound_to for text in texts]
    opened = [Sealing(*pair) for pair in zip(sealed, bound, strict=True)]
    assert await backend.decrypt(key.ref, opened) == MESSAGES
    flipped = bytes([sealed[1][-1] ^ 1])
    spoiled = [
        Sealing(sealed[1], b"another row"),
        Sealing(sealed[1][:-1] + flipped, bound[1]),
        Sealing(b"short", bound[1]),
        Sealing(b"", bound[1]),
        opened[1],
    ]
    assert await backend.decrypt(key.ref, spoiled) == [None, None, None, None, b"one"]


async def test_a_destroyed_key_is_gone(backend: Backend) -> None:
    key = await backend.generate(Algorithm.ES256, "short-lived")
    await backend.destroy(key.ref)
    with pytest.raises(UnknownKey):
        await backend.sign(key.ref, Algorithm.ES256, [b"message"])
    await backend.destroy(key.ref)


async def test_a_healthy_backend_says_so(backend: Backend) -> None:
    await backend.health()


async def test_keys_outlive_the_process(tmp_path: Path) -> None:
    first = software_backend(tmp_path)
    key = await first.generate(Algorithm.ES256, "kept")
    again = software_backend(tmp_path)
    (signature,) = await again.sign(key.ref, Algorithm.ES256, [b"message"])
    assert fits(key.public, Algorithm.ES256, b"message", signature)
    later = await again.generate(Algorithm.HMAC, "made by the second")
    assert await first.mac(later.ref, [b"m"]) == await again.mac(later.ref, [b"m"])
    await first.close()
    await again.close()
