"""Settings from a file and the environment: what counts, and what is said when it cannot."""

from pathlib import Path

import pytest

from config.settings import SettingsError, load


@pytest.mark.parametrize(
    "secret", ["12345678", "1e5", "true", "2026-01-02", '"quoted"', "[a]", "a#b"]
)
def test_a_secret_is_taken_as_it_is_whatever_it_looks_like(secret: str, tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text(secret + "\n")
    by_file = load(None, {"SYMBOLON_CHANNELS__SMTP__PASSWORD_FILE": str(file)})
    by_value = load(None, {"SYMBOLON_CHANNELS__SMTP__PASSWORD": secret})
    assert by_file.channels.smtp.password == by_value.channels.smtp.password == secret


def test_numbers_and_lists_are_written_as_in_toml() -> None:
    settings = load(
        None,
        {
            "SYMBOLON_WEB__PORT": "8443",
            "SYMBOLON_WEB__DRAIN": "1.5",
            "SYMBOLON_CHANNELS__ENABLED": '["smtp", "sms_http"]',
            "SYMBOLON_KEYS__SOFTWARE_ALLOWED": "true",
        },
    )
    assert (settings.web.port, settings.web.drain) == (8443, 1.5)
    assert settings.channels.enabled == ("smtp", "sms_http")
    assert settings.keys.software_allowed is True


def test_the_environment_comes_before_the_file(tmp_path: Path) -> None:
    file = tmp_path / "symbolon.toml"
    file.write_text('[web]\nport = 1\nhost = "::1"\n')
    settings = load(file, {"SYMBOLON_WEB__PORT": "2"})
    assert (settings.web.port, settings.web.host) == (2, "::1")


@pytest.mark.parametrize(
    ("file", "variables", "said"),
    [
        ("[web]\nprot = 1", {}, "did you mean `port`"),
        ("web = 1", {"SYMBOLON_WEB__PORT": "1"}, "web is no section"),
        ("demo = true", {"SYMBOLON_DEMO__X": "1"}, "demo is no section"),
        ("", {"SYMBOLON_WEB__PORT": "many"}, "port"),
        ("", {"SYMBOLON_WEB__PROT": "1"}, "prot"),
        ("", {"SYMBOLON_CHANNELS__SMTP__PASSWORD_FILE": "/nowhere/at/all"}, "/nowhere/at/all"),
        ("[web", {}, "table declaration"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(
    file: str, variables: dict[str, str], said: str, tmp_path: Path
) -> None:
    path = tmp_path / "symbolon.toml"
    path.write_text(file)
    with pytest.raises(SettingsError, match=said):
        load(path, variables)
