"""Settings of stored keys: what people may approve at an issuer, its signing service can do."""

from pathlib import Path

import pytest

from config.settings import SettingsError, load

ISSUER = '[[issuers]]\naddress = "https://id.example"\n[issuers.features]\n'
SIGNS = 'signing_service = "https://sign.example"\n'
ESIGNET = '[esignet]\naddress = "https://sign.example"\n'


def written(directory: Path, text: str) -> Path:
    file = directory / "symbolon.toml"
    file.write_text(text)
    return file


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (ISSUER + "signing_stored_keys = true", "needs signing_service"),
        (ISSUER + SIGNS + "signing_hashes = true", "needs signing_stored_keys"),
        (ESIGNET + "sign_hash = true", "needs stored_keys"),
        (ESIGNET + ISSUER + SIGNS + "signing_stored_keys = true", "needs esignet.stored_keys"),
        (
            f"{ESIGNET}stored_keys = true\n{ISSUER}{SIGNS}"
            "signing_stored_keys = true\nsigning_hashes = true",
            "needs esignet.sign_hash",
        ),
    ],
)
def test_what_nobody_could_sign_is_not_offered(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        load(written(tmp_path, text), {})


def test_what_fits_is_taken(tmp_path: Path) -> None:
    text = (
        f"{ESIGNET}stored_keys = true\nsign_hash = true\n{ISSUER}{SIGNS}"
        "signing_stored_keys = true\nsigning_hashes = true"
    )
    settings = load(written(tmp_path, text), {})
    assert settings.esignet.stored_keys and settings.issuers[0].features.signing_hashes
