"""The script ``symbolon``: found from anywhere, quick to help, and clear about what it lacks."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = {"sqlalchemy", "starlette", "uvicorn", "cryptography", "httpx2", "alembic", "authlib"}
NEEDED = 4
"""The exit code for something needed that cannot be had."""


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """What the script touches, in a directory with a space in its name."""
    directory = tmp_path / "a clone"
    directory.mkdir()
    shutil.copy(ROOT / "symbolon", directory)
    for name in ("config", "requirements.lock", "requirements-test.lock"):
        (directory / name).symlink_to(ROOT / name)
    return directory


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    """An environment that the script finds complete: this one's packages, its own marks."""
    venv = tmp_path / "an environment"
    subprocess.run((sys.executable, "-m", "venv", "--without-pip", venv), check=True)
    packages = next(venv.glob("lib/python3*/site-packages"))
    ours = next(Path(sys.prefix).glob("lib/python3*/site-packages"))
    (packages / "ours.pth").write_text(f"{ours}\n")
    (venv / "complete").touch()
    shutil.copy(ROOT / "requirements-test.lock", venv)
    return venv


def run(
    script: Path, *words: str, venv: Path | str, **more: object
) -> "subprocess.CompletedProcess[str]":
    """Run the script with nothing to read from."""
    variables = {**os.environ, "SYMBOLON_VENV": str(venv)} | more.pop("environment", {})  # type: ignore[operator]
    return subprocess.run(
        (str(script), *words),
        env=variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        **more,  # type: ignore[call-overload]
    )


def test_it_is_found_through_a_link_from_anywhere(
    clone: Path, environment: Path, tmp_path: Path
) -> None:
    link = tmp_path / "bin" / "a link"
    link.parent.mkdir()
    link.symlink_to(clone / "symbolon")
    elsewhere = tmp_path / "else where"
    elsewhere.mkdir()
    relative = os.path.relpath(environment, elsewhere)
    shown = run(link, "--version", venv=relative, cwd=elsewhere)
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.startswith("symbolon, version ")
    assert shown.stderr == ""


@pytest.mark.parametrize("words", [(), ("nothing",)])
def test_without_a_verb_it_shows_help_and_exits_as_documented(
    words: tuple[str, ...], clone: Path, environment: Path
) -> None:
    shown = run(clone / "symbolon", *words, venv=environment)
    assert shown.returncode == 2
    assert "symbolon" in shown.stderr + shown.stdout


def test_help_loads_nothing_heavy() -> None:
    program = (
        "import sys; from config.cli.main import cli;"
        "cli.main(['--help'], standalone_mode=False); print('\\n', *sys.modules)"
    )
    shown = subprocess.run(
        (sys.executable, "-c", program), cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = set(shown.stdout.splitlines()[-1].split())
    assert "click" in loaded
    assert not loaded & HEAVY


def test_a_warm_start_of_the_demo_loads_nothing_heavy() -> None:
    program = "import sys, config.cli.demo; print(*sys.modules)"
    shown = subprocess.run(
        (sys.executable, "-c", program), cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert not set(shown.stdout.split()) & HEAVY


@pytest.mark.parametrize("verb", ["demo", "test", "check"])
def test_help_of_a_verb_installs_nothing(verb: str, clone: Path, environment: Path) -> None:
    shown = run(clone / "symbolon", verb, "--help", venv=environment)
    assert shown.returncode == 0, shown.stderr
    assert "Usage: symbolon " in shown.stdout
    assert shown.stderr == ""
    assert not (clone / "tests").exists()


def test_without_a_python_that_can_make_environments_it_says_the_line_to_run(
    clone: Path, tmp_path: Path
) -> None:
    tools = _tools(tmp_path, "readlink", "dirname", "basename", "cmp", "flock", "id")
    script = (clone / "symbolon").read_text().replace("/usr/bin/python3 ", "")
    (clone / "symbolon").write_text(script)
    python = tools / "python3"
    python.write_text('#!/bin/sh\ncase "$*" in *ensurepip*) exit 1 ;; esac\n')
    python.chmod(0o755)
    venv = tmp_path / "none"
    shown = run(clone / "symbolon", "--version", venv=venv, environment={"PATH": str(tools)})
    assert shown.returncode == NEEDED
    assert shown.stderr == "Missing: python3-venv. To install: sudo apt-get install python3-venv\n"
    assert not venv.exists()


@pytest.mark.parametrize("broken", ["half made", "another Python", "lock file changed"])
def test_an_environment_that_is_not_whole_is_made_anew(
    broken: str, clone: Path, environment: Path
) -> None:
    if broken == "half made":
        (environment / "complete").unlink()
    elif broken == "another Python":
        library = next(environment.glob("lib/python3*"))
        library.rename(library.with_name("python3.1"))
    for lock in ("requirements.lock", "requirements-test.lock"):
        (clone / lock).unlink()
        (clone / lock).write_text("# changed, and nothing to fetch\n")
    script = (clone / "symbolon").read_text()  # making one with pip takes many seconds
    (clone / "symbolon").write_text(script.replace("-m venv --clear", "-m venv --without-pip"))
    shown = run(clone / "symbolon", "--version", venv=environment)
    assert ("Making the environment" in shown.stderr) == (broken != "lock file changed")
    assert "Installing the packages of requirements.lock" in shown.stderr
    again = run(clone / "symbolon", "--version", venv=environment)
    assert "Making the environment" not in again.stderr
    assert (environment / "complete").exists()


def _tools(tmp_path: Path, *names: str) -> Path:
    """Return a directory with these commands and no others."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in names:
        found = shutil.which(name)
        assert found is not None
        (tools / name).symlink_to(found)
    return tools
