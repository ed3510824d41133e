"""The commands of docs/features/native-sso.md and device.md register what those pages say."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import idp.stores.oauth_tables  # noqa: F401  (declares the tables)
from config.cli.main import cli
from config.runtime.database.schema import metadata
from tests import servers

FEATURES = Path(__file__).parents[2] / "docs" / "features"


def commands(page: str) -> list[list[str]]:
    """Return the words of every ``symbolon rp add`` in a page."""
    text = (FEATURES / page).read_text()
    return [shlex.split(line)[1:] for line in re.findall(r"^symbolon rp add .*$", text, re.M)]


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    url = f"sqlite:///{tmp_path / 'symbolon.db'}"
    servers.create_tables(url, metadata)
    file = tmp_path / "symbolon.toml"
    file.write_text(
        f'[database]\nurl = "{url}"\n[[issuers]]\naddress = "https://id.example"\n'
        'profile = "oidc"\nfeatures = { native_sso = true }\n'
    )
    return file


def registered(settings: Path, words: list[str]) -> dict[str, Any]:
    arguments = ["--settings", str(settings), *words, "--json"]
    result = CliRunner().invoke(cli, arguments, standalone_mode=False)
    assert result.exception is None, result.exception
    made: dict[str, Any] = json.loads(result.stdout)
    return made


def test_apps_of_one_maker_are_registered_as_a_group(settings: Path) -> None:
    made = [registered(settings, words) for words in commands("native-sso.md")]
    assert [one["sso_group"] for one in made] == ["example", "example"]
    assert all("device_sso" in one["scope"].split() for one in made)
    assert {one["sector"] for one in made} == {"com.example.maps", "com.example.mail"}


def test_a_device_is_registered_without_a_redirect_address(settings: Path) -> None:
    [words] = commands("device.md")
    made = registered(settings, words)
    assert made["sector"] == f"client:{made['client_id']}"
    assert made["grant_types"] == ["urn:ietf:params:oauth:grant-type:device_code"]
    assert "redirect_uris" not in made and "response_types" not in made
