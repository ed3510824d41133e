"""The examples in deploy/ name settings, verbs and volumes that exist; containers are shut."""

import re
import textwrap
from pathlib import Path

import pytest

from config.cli.main import VERBS
from config.settings import SettingsError, anchored, load
from config.wiring.demo.fonts import PACKAGE, noto

ROOT = Path(__file__).parents[3]
DEPLOY = ROOT / "deploy"
FILES = sorted(path for path in DEPLOY.rglob("*") if path.is_file())
TEXTS = {str(path.relative_to(ROOT)): path.read_text() for path in FILES}
SHUT = ("readOnlyRootFilesystem: true", "*closed")


def settings_files() -> dict[str, str]:
    """Return every settings file in deploy/, those inside a ConfigMap too."""
    found = {name: text for name, text in TEXTS.items() if name.endswith(".toml")}
    for name, text in TEXTS.items():
        inside = re.search(r"\n  symbolon\.toml: \|\n((?:    .*\n|\n)+)", text)
        if inside:
            found[name] = textwrap.dedent(inside.group(1))
    return found


def variables() -> list[tuple[str, str]]:
    return sorted(
        {
            (name, variable)
            for name in TEXTS
            for variable in re.findall(r"SYMBOLON_\w+", TEXTS[name])
        }
    )


@pytest.mark.parametrize("name", sorted(settings_files()))
def test_a_settings_file_is_accepted(name: str, tmp_path: Path) -> None:
    file = tmp_path / "symbolon.toml"
    file.write_text(settings_files()[name])
    settings = anchored(load(file, {}), tmp_path)
    assert not settings.demo
    assert all(issuer.address.startswith("https://") for issuer in settings.issuers)


@pytest.mark.parametrize("name", sorted(settings_files()))
def test_visible_signatures_have_fonts_that_the_image_brings(name: str, tmp_path: Path) -> None:
    file = tmp_path / "symbolon.toml"
    file.write_text(settings_files()[name])
    chosen = anchored(load(file, {}), tmp_path).esignet.fonts
    assert chosen and set(chosen) <= set(noto())
    assert f" {PACKAGE} " in ROOT.joinpath("Dockerfile").read_text()


@pytest.mark.parametrize(("name", "variable"), variables())
def test_a_variable_names_a_setting(name: str, variable: str, tmp_path: Path) -> None:
    if variable == "SYMBOLON_SETTINGS":
        return
    secret = tmp_path / "secret"
    secret.write_text("1")
    outcomes = []
    for value in ("1", str(secret)):
        try:
            outcomes.append(load(None, {variable: value}))
        except SettingsError:
            continue
    assert outcomes, f"{variable} in {name} is no setting"


def test_every_verb_exists() -> None:
    asked = [
        words.replace(",", " ").split()[0]
        for text in TEXTS.values()
        for words in re.findall(
            r"^\s*(?:args|command): \[((?!redis-server).*)\]$|^ExecStart=\S+ (.*)$", text, re.M
        )
        for words in words
        if words
    ]
    assert {"serve", "work", "keys", "migrate"} == set(asked) <= set(VERBS)


def test_every_container_is_shut() -> None:
    for name, text in TEXTS.items():
        images = text.count("image: symbolon")
        if name.startswith("deploy/kubernetes") and images:
            assert sum(text.count(mark) for mark in SHUT) == images, name
            assert "runAsNonRoot: true" in text
    compose = TEXTS["deploy/compose/compose.yaml"]
    services = compose.partition("\nservices:")[2].partition("\nconfigs:")[0]
    shut = services.count("<<: *symbolon") + services.count("read_only: true")
    assert shut == len(re.findall(r"^  \w+:", services, re.M))


def test_every_secret_and_volume_that_is_mounted_is_declared() -> None:
    for name, text in TEXTS.items():
        if not name.startswith("deploy/kubernetes"):
            continue
        mounted = set(re.findall(r"\{ name: (\w+), mountPath:", text))
        declared = set(re.findall(r"\{ name: (\w+), (?:configMap|secret|emptyDir):", text))
        assert mounted == declared, name


def test_the_signing_service_is_a_user_an_account_and_a_network_of_its_own() -> None:
    text = TEXTS["deploy/kubernetes/esignet.yaml"]
    users = dict(
        re.findall(r"useradd --system --uid (\d+).* (\w+) ", (ROOT / "Dockerfile").read_text())
    )
    containers = dict(re.findall(r"- name: (keys|esignet)\n((?:\s{10}.*\n)+)", text))
    uids = {name: re.search(r"runAsUser: (\d+)", body) for name, body in containers.items()}
    assert {name: users[uid.group(1)] for name, uid in uids.items() if uid} == {
        "keys": "symbolon",
        "esignet": "esignet",
    }
    settings = settings_files()["deploy/kubernetes/settings.yaml"]
    assert 'esignet = ["esignet"]' in settings
    assert "/run/secrets/hsm" in containers["keys"] and "hsm" not in containers["esignet"]
    assert "mountPath: /run/symbolon, readOnly: true" in containers["esignet"]
    assert "serviceAccountName: symbolon-esignet" in text
    assert {"kind: NetworkPolicy", "kind: PodDisruptionBudget"} <= set(text.splitlines())


@pytest.mark.parametrize("name", sorted(settings_files()))
def test_people_approve_for_the_signing_service_that_is_deployed(name: str, tmp_path: Path) -> None:
    file = tmp_path / "symbolon.toml"
    file.write_text(settings_files()[name])
    settings = load(file, {})
    assert settings.esignet.address
    features = settings.issuers[0].features
    assert features.signing_service == settings.esignet.address
    assert features.signing_qualifiers
