"""Settings of archive time-stamps: what no backend could make is refused before anything starts."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from config.cli.main import cli
from config.settings import SettingsError, load

ESIGNET = '[esignet]\naddress = "https://sign.example"\n'
LASTING = 'archive_timestamp_algorithm = "ML-DSA-65"\n'
SOFTWARE = "[keys]\nsoftware_allowed = true\n"
HSM = '[keys]\nbackend = "pkcs11"\nmodule = "/usr/lib/softhsm.so"\npin_file = "pin"\n'


def written(directory: Path, text: str) -> Path:
    file = directory / "symbolon.toml"
    file.write_text(text)
    return file


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (HSM + ESIGNET + LASTING, "archive_timestamp_algorithm needs keys.software_allowed"),
        (ESIGNET + LASTING, "archive_timestamp_algorithm needs keys.software_allowed"),
        (ESIGNET + 'archive_timestamp_algorithm = "ML-DSA-44"', "is ML-DSA-65, or empty"),
        (ESIGNET + 'archive_timestamp_policy = "1.2.3"', "needs archive_timestamp_algorithm"),
        (SOFTWARE + ESIGNET + LASTING + 'archive_timestamp_policy = "x"', "no object identifier"),
    ],
)
def test_what_no_key_could_do_is_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        load(written(tmp_path, text), {})


@pytest.mark.parametrize("verb", [["doctor"], ["keys", "serve"], ["keys", "ceremony"]])
def test_whoever_starts_it_is_told_so(tmp_path: Path, verb: list[str]) -> None:
    settings = written(tmp_path, HSM + ESIGNET + LASTING)
    done = CliRunner().invoke(cli, ["--settings", str(settings), *verb])
    assert isinstance(done.exception, SettingsError)
    assert "needs keys.software_allowed" in str(done.exception)


def test_a_key_in_a_file_may_stand_beside_an_hsm(tmp_path: Path) -> None:
    text = HSM + "software_allowed = true\n" + ESIGNET + LASTING
    assert load(written(tmp_path, text), {}).esignet.archive_timestamp_algorithm == "ML-DSA-65"
