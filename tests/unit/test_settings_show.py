"""``symbolon settings show`` tells an operator what is in force, and no secret (R10)."""

import json

import pytest
from click.testing import CliRunner

from config.cli.main import cli


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE__URL", "postgresql://symbolon:pa@ssw0rd@db.example/idp"),
        ("DATABASE__REDIS_URL", "rediss://:pa@ssw0rd@redis.example/0"),
        ("CHANNELS__SMTP__PASSWORD", "pa@ssw0rd"),
        ("CHANNELS__SMS_HTTP__AUTHORIZATION", "Bearer pa@ssw0rd"),
        ("CHANNELS__INBOX_TOKEN", "pa@ssw0rd"),
    ],
)
def test_no_secret_is_shown(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"SYMBOLON_{name}", value)
    shown = CliRunner().invoke(cli, ["settings", "show"])
    assert shown.exit_code == 0, shown.output
    assert "ssw0rd" not in shown.output and "***" in shown.output
    assert json.loads(shown.output)["web"]["port"] == 8080


def test_an_address_without_password_is_shown_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYMBOLON_DATABASE__URL", "postgresql://symbolon@db.example:5432/idp")
    shown = CliRunner().invoke(cli, ["settings", "show"])
    assert (
        json.loads(shown.output)["database"]["url"] == "postgresql://symbolon@db.example:5432/idp"
    )
