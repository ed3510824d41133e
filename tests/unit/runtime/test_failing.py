"""Breaker and plugins: what is said when something is not there."""

import sys
from pathlib import Path

import pytest

from config.runtime.breaker import Breaker
from config.runtime.plugins import UnknownPlugin, plugins
from tests.unit.web.asking import HandClock


def test_a_breaker_opens_lets_one_try_and_closes() -> None:
    clock = HandClock()
    breaker = Breaker(clock, failures=3, pause=1.0)
    for _ in range(2):
        breaker.failed()
    breaker.succeeded()
    for _ in range(2):
        breaker.failed()
        assert breaker.allows() and not breaker.open
    breaker.failed()
    assert breaker.open and not breaker.allows()
    clock.passed += 1.0
    assert [breaker.allows() for _ in range(5)] == [True] + [False] * 4  # one tries
    breaker.failed()
    clock.passed += 1.0
    assert not breaker.allows()  # the pause has doubled
    clock.passed += 1.0
    assert breaker.allows()
    breaker.succeeded()
    assert [breaker.allows() for _ in range(5)] == [True] * 5


def test_a_breaker_tries_again_in_the_end() -> None:
    clock = HandClock()
    breaker = Breaker(clock)
    for _ in range(1000):
        breaker.failed()
    clock.passed += 16.0
    assert breaker.allows()


def test_a_try_that_never_ends_does_not_keep_the_breaker_open() -> None:
    clock = HandClock()
    breaker = Breaker(clock, failures=1)
    breaker.failed()
    clock.passed += 1.0
    assert breaker.allows()
    clock.passed += 1.0
    assert breaker.allows()


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A package of plugins on disk."""
    package = tmp_path / "pluginroom"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "sms_http.py").write_text("NAME = 'sms-http'\n")
    (package / "smtp.py").write_text("NAME = 'smtp'\n")
    (package / "broken.py").write_text("raise RuntimeError\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield "pluginroom"  # type: ignore[misc]
    for name in [name for name in sys.modules if name.startswith("pluginroom")]:
        del sys.modules[name]


def test_only_the_files_that_are_named_are_imported(room: str) -> None:
    found = plugins(room, ["smtp", "sms-http"])
    assert [module.NAME for module in found.values()] == ["smtp", "sms-http"]
    assert list(found) == ["smtp", "sms-http"]
    assert "pluginroom.broken" not in sys.modules
    assert plugins(room, []) == {}


@pytest.mark.parametrize("name", ["nothing", "", "../smtp", "os", "smtp.x", "__init__", "smtp "])
def test_a_name_reaches_nothing_outside_its_room(room: str, name: str) -> None:
    with pytest.raises(UnknownPlugin, match="broken, sms_http, smtp"):
        plugins(room, [name])
