"""``symbolon rp report``: graded as the issuer that serves would hold the client to it."""

import json
from pathlib import Path
from typing import Any

import pytest

from config.cli.failures import NotPossible
from tests.journeys.test_rp_command import CALLBACK, Desk


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
