"""A stolen key file tells nothing, an altered one is refused, a crash leaves the old or the new."""

from pathlib import Path

import pytest

from config.runtime.entropy import SystemEntropy
from keystore.backends.backend import Algorithm
from keystore.backends.keyfile import KeyFile, KeyFileRefused, StoredKey
from keystore.backends.software import SoftwareBackend, SoftwareKeysRefused

SECRET = b"a secret of the operator"
KEY = StoredKey(Algorithm.HMAC, "label", b"thirty-two octets of secret key.")


def key_file(directory: Path, secret: bytes = SECRET) -> KeyFile:
    return KeyFile(directory / "keys.enc", secret, SystemEntropy())


def test_what_was_written_is_read_back_and_is_not_in_the_clear(tmp_path: Path) -> None:
    with key_file(tmp_path).changing() as keys:
        keys["software:one"] = KEY
    assert key_file(tmp_path).read() == {"software:one": KEY}
    raw = (tmp_path / "keys.enc").read_bytes()
    assert KEY.secret not in raw and b"label" not in raw and b"software:one" not in raw
    assert [path.stat().st_mode & 0o777 for path in tmp_path.iterdir()] == [0o600, 0o600]


def test_another_secret_or_a_flipped_bit_opens_nothing(tmp_path: Path) -> None:
    with key_file(tmp_path).changing() as keys:
        keys["software:one"] = KEY
    with pytest.raises(KeyFileRefused):
        key_file(tmp_path, SECRET + b"!").read()
    path = tmp_path / "keys.enc"
    raw = path.read_bytes()
    file = key_file(tmp_path)
    for place in (*range(0, len(raw), 9), len(raw) - 1):
        path.write_bytes(raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :])
        with pytest.raises(KeyFileRefused):
            file.read()
    path.write_bytes(raw)
    assert file.read() == {"software:one": KEY}


def test_a_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    with key_file(tmp_path).changing() as keys:
        keys["software:one"] = KEY
    (tmp_path / "keys.enc").chmod(0o640)
    with pytest.raises(KeyFileRefused, match="chmod 600"):
        key_file(tmp_path).read()


def test_a_change_that_fails_changes_nothing(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), key_file(tmp_path).changing() as keys:
        keys["software:one"] = KEY
        raise RuntimeError
    assert key_file(tmp_path).read() == {}


def test_writers_do_not_lose_one_anothers_keys(tmp_path: Path) -> None:
    first, second = key_file(tmp_path), key_file(tmp_path)
    with first.changing() as keys:
        keys["software:one"] = KEY
    with second.changing() as keys:
        keys["software:two"] = KEY
    with first.changing() as keys:
        keys["software:three"] = KEY
    assert set(second.read()) == {"software:one", "software:two", "software:three"}


def test_a_short_secret_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KeyFileRefused):
        key_file(tmp_path, b"short")


def test_software_keys_must_be_wanted(tmp_path: Path) -> None:
    with pytest.raises(SoftwareKeysRefused, match="software_allowed"):
        SoftwareBackend(key_file(tmp_path), SystemEntropy(), allowed=False)


def test_a_stored_key_is_not_printed() -> None:
    assert "octets" not in repr(KEY)
