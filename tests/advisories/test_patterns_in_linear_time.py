"""Patterns that take exponential time on texts of others (the class of CVE-2024-39249).

Every compiled pattern of the program is fed with long texts that nearly fit it, in the way in which
its module uses it.
"""

import importlib
import inspect
import pkgutil
import re
import time
from collections.abc import Iterator

import pytest

pytestmark = pytest.mark.attack("A27")

SEEDS = (
    *("a", "A", "0", "-", "_", "=", "/", ".", ";", "%", " ", "@", ":", "$", "{", "[", "é"),
    *("a.", "a-", "0.", "%41", "/.", "../", "/.;", "a=", "a-a", "{a", "$1", ".a-", "a;a", "::"),
)
BEFORE = ("", "https://", "a", "{", '"refused ', "0", ":", "/.;")
LONG = 20_000
SLOW = 0.5
"""Seconds of one search: an exponential pattern takes years, a quadratic one many seconds."""


def patterns() -> Iterator[tuple[str, re.Pattern[str], bool]]:
    """Yield every pattern that stands in a module of the program, and whether it is searched."""
    for name in ("config.runtime", "config.wiring", "config.settings", "keystore", "idp"):
        package = importlib.import_module(name)
        for found in pkgutil.walk_packages(package.__path__, f"{name}."):
            if ".versions" in found.name or found.name.endswith(("__main__", ".env")):
                continue
            module = importlib.import_module(found.name)
            source = inspect.getsource(module)
            for called, value in vars(module).items():
                if isinstance(value, re.Pattern) and isinstance(value.pattern, str):
                    searched = re.search(rf"{called}\.(search|sub|split|find)", source)
                    yield f"{found.name}.{called}", value, searched is not None


def test_no_text_keeps_a_pattern_busy() -> None:
    seen = list(patterns())
    assert len(seen) > 40 and any(searched for _, _, searched in seen)
    for name, pattern, searched in seen:
        for seed in SEEDS:
            for before in BEFORE:
                text = before + seed * (LONG // len(seed)) + "\x00"
                begun = time.process_time()
                pattern.match(text)
                pattern.fullmatch(text)
                if searched:
                    pattern.search(text)
                assert time.process_time() - begun < SLOW, (name, before, seed)
