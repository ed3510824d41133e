"""Every key backend that the contracts are held to, each on a fresh token of its own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from keystore.backends.backend import Algorithm, Backend
from tests.keyrings import software_backend
from tests.nss import nss_backend, start_nss
from tests.softhsm import RemoteToken, pkcs11_backend, remote_backend, start_softhsm

SOFTWARE, SOFTHSM, NSS, REMOTE = "software", "softhsm", "nss-softoken", "p11-kit"

KINDS = [
    SOFTWARE,
    pytest.param(SOFTHSM, marks=pytest.mark.server),
    pytest.param(NSS, marks=pytest.mark.server),
    pytest.param(REMOTE, marks=pytest.mark.server),
]

LACKS = {
    SOFTWARE: frozenset[Algorithm](),
    SOFTHSM: frozenset({Algorithm.ML_DSA_65}),
    NSS: frozenset({Algorithm.ML_DSA_65, Algorithm.EDDSA}),
    REMOTE: frozenset({Algorithm.ML_DSA_65, Algorithm.EDDSA, Algorithm.AES, Algorithm.KWP}),
}
"""What each of them truly cannot make or use, and so refuses. (p11-kit 0.24 does not carry the
mechanisms of the last three.)"""


@asynccontextmanager
async def running(kind: str, directory: Path) -> AsyncIterator[Backend]:
    """Run a backend of this kind below ``directory``, for as long as the block lasts."""
    if kind == SOFTWARE:
        backend: Backend = software_backend(directory)
    elif kind == NSS:
        backend = nss_backend(start_nss(directory / "nss"))
    elif kind == SOFTHSM:
        backend = pkcs11_backend(start_softhsm(directory / "hsm"))
    else:
        async with _remote(directory) as remote:
            yield remote
        return
    try:
        yield backend
    finally:
        await backend.close()


@asynccontextmanager
async def _remote(directory: Path) -> AsyncIterator[Backend]:
    remote = RemoteToken(start_softhsm(directory / "hsm"), directory / "p11")
    remote.start()
    backend = remote_backend(remote)
    try:
        yield backend
    finally:
        await backend.close()
        remote.unplug()
