"""One demonstration for every test of this room that looks at it with a browser."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.demonstration import Demonstration, demonstration
from tests.integration.chromium import Visits, chromium


@pytest.fixture(scope="package")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demonstration]:
    """A running demonstration; its processes live as long as this room's tests."""
    with demonstration(tmp_path_factory.mktemp("chromium")) as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, for a module: while it runs, its thread has a loop and no other test may."""
    with chromium() as launched:
        yield launched


@pytest.fixture
def visits(browser: Browser, demo: Demonstration) -> Iterator[Visits]:
    """Browsers of one test."""
    made = Visits(browser, demo)
    yield made
    made.close()
