"""``symbolon rp report``: graded as the issuer that serves would hold the client to it."""

import json
from pathlib import Path
from typing import Any

import pytest

from config.cli.failures import NotPossible
from tests.journeys.test_rp_command import CALLBACK, Desk


class StrictDesk(Desk):
    """At an issuer of another profile."""

    def __init__(self, directory: Path, profile: str) -> None:
        super().__init__(directory)
        text = self._settings.read_text()
        self._settings.write_text(text.replace('profile = "oidc"', f'profile = "{profile}"'))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def report(desk: Desk, *words: str) -> list[dict[str, Any]]:
    sections: list[dict[str, Any]] = json.loads(desk.run("report", *words, "--json").stdout)
    return sections


def failed(section: dict[str, Any]) -> set[str]:
    return {rule["says"] for rule in section["rules"] if rule["grade"] == "fail"}


def test_a_client_is_graded_and_mended_by_the_remedies(desk: Desk) -> None:
    made = desk.json(
        *("add", "Bank", "--redirect-uri", CALLBACK, "--auth-method", "client_secret_basic"),
        "--without-pkce",
    )
    client = made["client_id"]
    first = desk.run("report", client)
    assert first.return_value == 1
    remedy = f"symbolon rp change {client} --with-pkce"
    assert "FAIL  §4.1.1" in first.stdout and remedy in first.stdout
    desk.json("change", client, "--with-pkce")
    [section] = report(desk, client)
    assert section["failed"] is False and desk.run("report", client).return_value == 0
    assert "It authenticates with a key that nobody else holds." in failed(section)


def test_a_client_is_graded_against_what_is_named(desk: Desk) -> None:
    made = desk.json("add", "Bank", "--redirect-uri", CALLBACK, "--generate-key")
    [section] = report(desk, made["client_id"], "--against", "fapi2")
    assert {rule["against"] for rule in section["rules"]} == {"fapi2"}
    assert section["failed"] is True
    assert "Its access tokens are bound to a DPoP key or a certificate." in failed(section)


def test_the_issuers_are_graded_alone_or_with_a_client(desk: Desk) -> None:
    [issuer] = report(desk)
    assert issuer["client_id"] is None and issuer["profile"] == "oidc"
    made = desk.json("add", "Bank", "--redirect-uri", CALLBACK, "--generate-key")
    first, second = report(desk, made["client_id"], "--server")
    assert first == issuer and second["client_id"] == made["client_id"]


def test_who_is_not_there_is_not_graded(desk: Desk) -> None:
    refused = desk.run("report", "nobody").exception
    assert isinstance(refused, NotPossible)


@pytest.mark.parametrize("profile", ["fapi2", "fapi2-message-signing"])
def test_an_issuer_and_a_client_of_a_profile_meet_every_rule_of_it(
    tmp_path: Path, profile: str
) -> None:
    desk = StrictDesk(tmp_path, profile)
    words = ("Bank", "--redirect-uri", CALLBACK, "--generate-key", "--offline")
    made = desk.json("add", *words, "--profile", profile)
    for section in report(desk, made["client_id"], "--server"):
        assert section["profile"] == profile and failed(section) == set()


def test_a_plain_issuer_meets_what_it_claims(desk: Desk) -> None:
    assert desk.run("report").return_value == 0
    assert desk.run("report", "--against", "fapi2").return_value == 1
