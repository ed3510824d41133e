"""One demonstration for every test of this room that comes from outside."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.demonstration import Demonstration, demonstration
from tests.interop.outsider import Outsider, outsider
from tests.interop.tester import TESTER


@pytest.fixture(scope="package")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demonstration]:
    """A running demonstration; its processes live as long as this room's tests."""
    with demonstration(tmp_path_factory.mktemp("demo")) as running:
        yield running


@pytest.fixture
async def outside(demo: Demonstration) -> AsyncIterator[Outsider]:
    """Whoever looks at the demonstration from outside, with what it publishes."""
    async with outsider(demo) as looking:
        yield looking


@pytest.fixture(scope="package")
def conformance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demonstration]:
    """A running demonstration with everything that a conformance tester drives."""
    words = ("--tls", "--profile", "conformance", "--tester", TESTER)
    with demonstration(tmp_path_factory.mktemp("conformance"), *words) as running:
        yield running
