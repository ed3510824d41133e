"""Settings of client certificates and attesters: what fits together, which paths they name."""

from pathlib import Path

import pytest

from config.settings import SettingsError, anchored, load

PROXY = 'trusted_proxies = ["10.0.0.1"]\n'


def loaded(directory: Path, text: str) -> str:
    file = directory / "symbolon.toml"
    file.write_text(text)
    settings = anchored(load(file, {}), directory)
    return f"{settings.web.client_ca} {settings.issuers[0].features.attesters}"


def test_files_are_found_from_where_the_settings_are(tmp_path: Path) -> None:
    text = (
        '[web]\nclient_ca = "ca.pem"\n[[issuers]]\naddress = "https://id.example"\n'
        '[issuers.features]\nattesters = "attesters.json"\n'
    )
    assert loaded(tmp_path, text) == f"{tmp_path / 'ca.pem'} {tmp_path / 'attesters.json'}"
    assert loaded(tmp_path, "") == " "


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[web]\nmtls_port = 8443", "needs a certificate"),
        ("[web]\ncertificates_from_proxies = true", "needs trusted_proxies"),
        (
            '[[issuers]]\naddress = "https://id.example"\nmtls_address = "http://m.example"',
            "https address",
        ),
        (
            '[[issuers]]\naddress = "https://id.example"\nmtls_address = "https://id.example"',
            "another host or port",
        ),
        (
            '[[issuers]]\naddress = "https://id.example/a"\nmtls_address = "https://m.example"',
            "path",
        ),
    ],
)
def test_what_does_not_fit_together_is_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        loaded(tmp_path, text)


@pytest.mark.parametrize(
    "text",
    [
        '[web]\nmtls_port = 8443\ncertificate = "a"\ncertificate_key = "b"',
        f"[web]\n{PROXY}certificates_from_proxies = true",
        '[[issuers]]\naddress = "https://id.example/a"\nmtls_address = "https://id.example:8443/a"',
    ],
)
def test_what_fits_is_taken(tmp_path: Path, text: str) -> None:
    loaded(tmp_path, text)
