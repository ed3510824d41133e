"""The benchmarks run, so that they cannot rot. Nothing is asserted about time."""

import json

import pytest
from click.testing import CliRunner

from config.cli.main import cli

pytestmark = pytest.mark.server


def test_bench_measures_a_login_and_prints_it() -> None:
    chosen = ("--on", "sqlite", "--only", "login", "--only", "jwks")
    outcome = CliRunner().invoke(cli, ["bench", *chosen, "--seconds", "0.5", "--slices", "1"])
    assert outcome.exit_code == 0, outcome.output
    assert "### Whole login" in outcome.stdout and "| sqlite |" in outcome.stdout


def test_bench_measures_every_machine_endpoint_and_tells_where_the_time_goes() -> None:
    names = ("par", "token", "token-dpop", "refresh", "client-credentials", "ciba-poll")
    chosen = [word for name in names for word in ("--only", name)]
    outcome = CliRunner().invoke(
        cli, ["bench", "--on", "sqlite", *chosen, "--seconds", "0.2", "--slices", "1", "--json"]
    )
    assert outcome.exit_code == 0, outcome.output
    series = json.loads(outcome.stdout)["series"]
    assert [each["scenario"] for each in series] == list(names)
    for each in series:
        assert {"parser", "store"} <= set(each["parts_ms"]["web"]), each


def test_bench_compares_a_small_store_with_a_big_one() -> None:
    outcome = CliRunner().invoke(cli, ["bench", "--only", "growth", "--rows", "20000", "--json"])
    assert outcome.exit_code == 0, outcome.output
    assert json.loads(outcome.stdout)["look_up_ratio"] > 0


def test_bench_compares_one_time_keys_with_a_kept_key() -> None:
    outcome = CliRunner().invoke(cli, ["bench", "--only", "tokens", "--seconds", "0.3", "--json"])
    assert outcome.exit_code == 0, outcome.output
    rates = json.loads(outcome.stdout)["tokens"]
    assert {"software", "SoftHSM", "NSS softoken"} <= {each["name"] for each in rates}
    assert all(each["one_time"] > 0 for each in rates)


def test_bench_measures_signing_beside_pyhanko_and_the_bare_key() -> None:
    chosen = ("--only", "signing", "--on", "sqlite", "--seconds", "0.02", "--slices", "1")
    outcome = CliRunner().invoke(cli, ["bench", *chosen, "--json"])
    assert outcome.exit_code == 0, outcome.output
    series = json.loads(outcome.stdout)["signing"]["series"]
    assert [each["scenario"] for each in series] == [
        "sign",
        "sign-many",
        "sign-pdf",
        "stamp",
        "status",
    ]
    assert {each["yardstick"].partition(" beside")[0] for each in series} == {"pyHanko", "bare key"}
    for each in series:
        assert each["ratio"] > 0 and set(each["parts_ms"]) == {"web", "keys"}, each


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    outcome = CliRunner().invoke(cli, ["bench", "--only", "logins"])
    assert outcome.exit_code == 2 and "login" in outcome.output
