"""The ceremony through the command line: rehearsed, held, and held again."""

from hashlib import sha256
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from config.cli.main import cli
from config.wiring.migrations import KEYSTORE, migrate
from tests.authorities import openssl, pem

pytestmark = pytest.mark.server

FILES = {
    *("root.crt", "issuing.crt", "stamping.crt", "status.crt"),
    *("root.crl", "issuing.crl", "transcript.txt"),
}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A deployment without any key."""
    (tmp_path / "symbolon.toml").write_text(
        f"""
        demo = true
        [keys]
        database = "sqlite:///{tmp_path}/keys.db"
        software_allowed = true
        software_file = "{tmp_path}/keys.enc"
        software_secret_file = "{tmp_path}/keys.secret"
        [esignet]
        address = "https://sign.example"
        country = "UT"
        organization = "Utopia Trust"
        """
    )
    return tmp_path


def run(place: Path, *words: str) -> Result:
    settings = str(place / "symbolon.toml")
    return CliRunner().invoke(cli, ["--settings", settings, "keys", "ceremony", *words])


def test_a_rehearsal_does_everything_and_leaves_nothing(place: Path) -> None:
    done = run(place, "--dry-run", "--witness", "Ana Mwangi", "--witness", "Li Wei")
    assert done.exit_code == 0, done.output
    assert done.output.startswith("Rehearsal (throwaway keys)")
    assert "Present: Li Wei" in done.output
    assert all(name in done.output for name in FILES - {"transcript.txt"})
    assert [one.name for one in place.iterdir()] == ["symbolon.toml"]


def test_a_ceremony_leaves_what_its_transcript_says_and_openssl_accepts_it(place: Path) -> None:
    migrate(f"sqlite:///{place}/keys.db", KEYSTORE)
    done = run(place, "--out", str(place / "made"))
    assert done.exit_code == 0, done.output
    made = {one.name: one.read_bytes() for one in (place / "made").iterdir()}
    assert set(made) == FILES
    assert made.pop("transcript.txt").decode() == done.output
    for name, octets in made.items():
        assert f"{sha256(octets).hexdigest()}  {name}" in done.output
    for name in ("root", "issuing", "stamping", "status"):
        (place / f"{name}.pem").write_bytes(pem(made[f"{name}.crt"]))
    path = ("-CAfile", "root.pem", "-untrusted", "issuing.pem", "stamping.pem", "status.pem")
    judged = openssl(place, "verify", "-x509_strict", *path)
    assert judged.returncode == 0, judged.stderr

    again = run(place, "--out", str(place / "again"))
    assert again.exit_code == 0, again.output
    for name in ("root.crt", "issuing.crt", "stamping.crt", "status.crt"):
        assert (place / "again" / name).read_bytes() == made[name]


def test_a_key_for_archives_is_in_the_transcript_where_the_settings_want_one(place: Path) -> None:
    assert "archive" not in run(place, "--dry-run").output
    with (place / "symbolon.toml").open("a") as file:
        file.write('archive_timestamp_algorithm = "ML-DSA-65"\n')
    done = run(place, "--dry-run")
    assert done.exit_code == 0, done.output
    assert "archive.crt" in done.output and "tsa:archive" in done.output
    assert "Utopia Trust Archive Time-Stamping" in done.output


def test_a_ceremony_does_not_write_over_another(place: Path) -> None:
    (place / "made").mkdir()
    assert run(place, "--out", str(place / "made")).exit_code != 0
    assert not (place / "keys.enc").exists()
    assert run(place).exit_code == 2
