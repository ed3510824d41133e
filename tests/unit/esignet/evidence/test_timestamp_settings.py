"""The sources of time-stamps that a settings file names, as they are plugged together."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from config.runtime.clock import SystemClock
from config.runtime.entropy import SystemEntropy
from config.runtime.plugins import UnknownPlugin
from config.settings import Settings, SettingsError, anchored, load
from config.wiring.esignet_timestamps import stamp_anchors, timestamps
from esignet.evidence.timestamps.order import InOrder
from tests.small_pki import SmallPki

PKI = SmallPki()
BOTH = """
[[esignet.timestamps]]
kind = "rfc3161"
address = "https://tsa.example/tsr"
anchors = "root.pem"
lists = ["http://lists.example/root.crl"]

[[esignet.timestamps]]
kind = "own"
"""


def settings(directory: Path, text: str) -> Settings:
    PKI.pem(directory)
    (directory / "settings.toml").write_text(text)
    return anchored(load(directory / "settings.toml", {}), directory)


async def names(chosen: Settings, *, archive: bool = False) -> list[str]:
    world: Any = SimpleNamespace(settings=chosen, clock=SystemClock(), entropy=SystemEntropy())
    documents: Any = None
    made = timestamps(world, documents)
    assert isinstance(made, InOrder)
    await made.close()
    return [one.name for one in (made.archives if archive else made.sources)]


async def test_sources_are_asked_in_the_order_of_the_file(tmp_path: Path) -> None:
    chosen = settings(tmp_path, BOTH)
    assert await names(chosen) == ["tsa.example", "own"]
    assert stamp_anchors(chosen.esignet.timestamps) == (PKI.root.der,)


async def test_signatures_and_archives_may_be_stamped_by_different_ones(tmp_path: Path) -> None:
    text = BOTH.replace('"rfc3161"', '"rfc3161"\nstamps = "signatures"')
    assert await names(settings(tmp_path, text)) == ["tsa.example", "own"]
    assert await names(settings(tmp_path, text), archive=True) == ["own"]
    text = text.replace('"own"', '"own"\nstamps = "archives"')
    assert await names(settings(tmp_path, text)) == ["tsa.example"]
    assert await names(settings(tmp_path, text), archive=True) == ["own"]


@pytest.mark.parametrize("what", ["signatures", "archives"])
def test_somebody_stamps_each(tmp_path: Path, what: str) -> None:
    lone = f'[[esignet.timestamps]]\nkind = "own"\nstamps = "{what}"'
    other = {"signatures": "archives", "archives": "signatures"}[what]
    with pytest.raises(SettingsError, match=f"a source of {other} at least"):
        settings(tmp_path, lone)


async def test_as_delivered_our_own_authority_stamps(tmp_path: Path) -> None:
    chosen = settings(tmp_path, "")
    assert await names(chosen) == ["own"]
    assert stamp_anchors(chosen.esignet.timestamps) == ()


async def test_a_kind_that_is_not_there_is_told_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(UnknownPlugin, match="rfc3161"):
        await names(settings(tmp_path, BOTH.replace("rfc3161", "sundial")))


@pytest.mark.parametrize("text", ["[esignet]\ntimestamps = []", BOTH.replace("lists", "list")])
def test_settings_that_name_nobody_or_what_is_unknown_are_refused(
    tmp_path: Path, text: str
) -> None:
    with pytest.raises(SettingsError):
        settings(tmp_path, text)
