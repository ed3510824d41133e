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


def test_what_belongs_to_a_root_elsewhere_is_refused_where_the_root_is_here(place: Path) -> None:
    refused = run(place, "--request", str(place / "a.csr"))
    assert refused.exit_code == 1 and "esignet.root_key" in str(refused.exception)
    assert not (place / "keys.enc").exists() and not (place / "a.csr").exists()


@pytest.mark.parametrize(
    "words",
    [
        ("--certificate", "FILE"),
        ("--root", "FILE", "--root-list", "FILE"),
        ("--request", "new.csr", "--root-list", "FILE"),
        ("--root-list", "FILE", "--new-root"),
        ("--root-list", "nowhere"),
    ],
)
def test_files_that_do_not_go_together_are_refused(place: Path, words: tuple[str, ...]) -> None:
    elsewhere(place)
    file = str(place / "symbolon.toml")
    assert run(place, *(file if word == "FILE" else word for word in words)).exit_code == 2


def test_a_request_takes_the_place_of_no_file_and_nothing_is_held_without_it(place: Path) -> None:
    elsewhere(place)
    migrate(f"sqlite:///{place}/keys.db", KEYSTORE)
    refused = run(place, "--request", str(place / "symbolon.toml"))
    assert refused.exit_code == 1 and "is there already" in str(refused.exception)
    refused = run(place, "--out", str(place / "made"))
    assert refused.exit_code == 1 and "--request FILE" in str(refused.exception)
    assert not (place / "made").exists()
    done = run(place, "--request", str(place / "a.csr"), "--out", str(place / "asked"))
    assert done.exit_code == 0, done.output
    assert {one.name for one in (place / "asked").iterdir()} == {"a.csr", "transcript.txt"}
    assert (place / "asked" / "a.csr").read_bytes() == (place / "a.csr").read_bytes()


def elsewhere(place: Path) -> None:
    """Let the settings say that the root's key is elsewhere."""
    file = place / "symbolon.toml"
    file.write_text(file.read_text() + '\nroot_key = "elsewhere"\n')
