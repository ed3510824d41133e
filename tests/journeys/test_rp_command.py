"""``symbolon rp``: from registration to removal, with the database of the settings."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from joserfc.jwk import ECKey

import idp.stores.oauth_tables  # noqa: F401  (declares the tables)
from config.cli.failures import NotPossible
from config.cli.main import cli
from config.runtime.database.schema import metadata
from tests import servers

CALLBACK = "https://rp.example/cb"


class Desk:
    """An operator at a deployment of her own."""

    def __init__(self, directory: Path) -> None:
        url = f"sqlite:///{directory / 'symbolon.db'}"
        servers.create_tables(url, metadata)
        self._settings = directory / "symbolon.toml"
        self._settings.write_text(
            f'[database]\nurl = "{url}"\n[[issuers]]\naddress = "https://id.example"\n'
            'profile = "oidc"\n'
        )

    def run(self, *words: str) -> Result:
        arguments = ["--settings", str(self._settings), "rp", *words]
        if words[0] == "add" and "--profile" not in words:
            arguments += ["--profile", "oidc"]
        return CliRunner().invoke(cli, arguments, standalone_mode=False)

    def json(self, *words: str) -> Any:
        result = self.run(*words, "--json")
        assert result.exception is None, result.exception
        return json.loads(result.stdout)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_a_client_from_registration_to_removal(desk: Desk) -> None:
    made = desk.json(
        "add",
        "Ministry of Examples",
        *("--redirect-uri", CALLBACK, "--auth-method", "client_secret_basic", "--offline"),
        *("--purpose", "To open an account"),
    )
    assert len(made["client_secret"]) == 43
    assert made["sector"] == "rp.example"
    assert made["grant_types"] == ["authorization_code", "refresh_token"]
    [listed] = desk.json("list")
    shown = desk.json("show", made["client_id"])
    assert listed == shown == {k: v for k, v in made.items() if k != "client_secret"}
    text = desk.run("list").stdout + desk.run("show", made["client_id"]).stdout
    assert "Ministry of Examples" in text
    assert made["client_secret"] not in text
    assert desk.run("remove", made["client_id"]).exception is None
    assert desk.json("list") == []
    for verb in ("show", "remove"):
        assert isinstance(desk.run(verb, made["client_id"]).exception, NotPossible)


def test_a_key_that_is_made_is_shown_once(desk: Desk) -> None:
    made = desk.json("add", "x", "--redirect-uri", CALLBACK, "--generate-key")
    private = ECKey.import_key(made["private_jwk"])
    [public] = made["jwks"]["keys"]
    assert private.thumbprint() == ECKey.import_key(public).thumbprint()
    assert "d" not in public
    assert "private_jwk" not in desk.json("show", made["client_id"])


def test_a_key_of_the_client_is_taken_from_a_file(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "jwks.json"
    key = ECKey.generate_key("P-256", private=True)
    file.write_text(json.dumps({"keys": [key.as_dict(private=False)]}))
    assert "jwks" in desk.json("add", "x", "--redirect-uri", CALLBACK, "--jwks", str(file))
    file.write_text(json.dumps({"keys": [key.as_dict(private=True)]}))
    refused = desk.run("add", "x", "--redirect-uri", CALLBACK, "--jwks", str(file)).exception
    assert isinstance(refused, NotPossible)
    assert "private" in str(refused)


@pytest.mark.attack("A8")
@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--redirect-uri", "http://rp.example/cb"], "https://"),
        (["--redirect-uri", "javascript:alert(1)"], "https://"),
        (["--redirect-uri", "https://rp.example/cb#x"], "fragment"),
        (["--redirect-uri", CALLBACK, "--redirect-uri", "https://b.example/cb"], "sector"),
        (["--redirect-uri", CALLBACK, "--auth-method", "private_key_jwt"], "jwks"),
        (["--redirect-uri", CALLBACK, "--generate-key", "--id-token-alg", "none"], "signs with"),
        (["--redirect-uri", CALLBACK, "--generate-key", "--scope", "openid admin"], "scope"),
        (["--redirect-uri", CALLBACK, "--generate-key", "--issuer", "https://x.example"], "issuer"),
    ],
)
def test_what_cannot_be_registered_is_said(desk: Desk, words: list[str], text: str) -> None:
    refused = desk.run("add", "x", *words).exception
    assert isinstance(refused, NotPossible)
    assert text in str(refused)
    assert desk.json("list") == []


def test_several_hosts_share_a_sector_that_is_named(desk: Desk) -> None:
    hosts = ("--redirect-uri", CALLBACK, "--redirect-uri", "https://b.example/cb")
    made = desk.json("add", "x", *hosts, "--generate-key", "--sector", "sector.example")
    assert made["sector"] == "sector.example"
    public = desk.json("add", "y", *hosts, "--generate-key", "--public-subject")
    assert public["subject_type"] == "public"
