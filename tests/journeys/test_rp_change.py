"""``symbolon rp change``: what is given changes, by the checks of registration; all else stays."""

from pathlib import Path

import pytest

from config.cli.failures import NotPossible
from tests.journeys.test_rp_command import CALLBACK, Desk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@pytest.fixture
def bank(desk: Desk) -> str:
    """A client that proves itself with a secret."""
    made = desk.json(
        *("add", "Harbour Bank", "--redirect-uri", CALLBACK, "--policy-uri", "https://b.example/p"),
        *("--auth-method", "client_secret_basic", "--purpose", "To open an account"),
    )
    return str(made["client_id"])


def test_only_what_was_given_changes(desk: Desk, bank: str) -> None:
    before = desk.json("show", bank)
    after = desk.json("change", bank, "--tos-uri", "https://b.example/t")
    assert after == before | {"tos_uri": "https://b.example/t"}
    assert desk.json("show", bank) == after


def test_names_and_purposes_are_kept_by_language(desk: Desk, bank: str) -> None:
    said = ("--name", "fr=Banque du Port", "--purpose", "fr=Pour ouvrir un compte")
    changed = desk.json("change", bank, *said)
    assert changed["names"] == {"": "Harbour Bank", "fr": "Banque du Port"}
    assert changed["purposes"]["fr"] == "Pour ouvrir un compte"
    changed = desk.json("change", bank, "--name", "fr=", "--name", "Port = Bank", "--purpose", "")
    assert changed["names"] == {"": "Port = Bank"}
    assert changed["purposes"] == {"fr": "Pour ouvrir un compte"}


def test_a_new_client_has_names_in_languages_and_defaults_of_its_requests(desk: Desk) -> None:
    made = desk.json(
        *("add", "Clinic", "--name", "sw=Zahanati", "--redirect-uri", CALLBACK, "--generate-key"),
        *("--default-acr", "urn:symbolon:acr:two-factor", "--default-max-age", "0"),
        *("--require-auth-time", "--purpose", "To treat you", "--purpose", "sw=Kukutibu"),
    )
    assert made["names"] == {"": "Clinic", "sw": "Zahanati"}
    assert made["purposes"] == {"": "To treat you", "sw": "Kukutibu"}
    assert made["default_acr_values"] == ["urn:symbolon:acr:two-factor"]
    assert made["default_max_age"] == 0 and made["require_auth_time"] is True


def test_lists_are_replaced_and_members_can_go(desk: Desk, bank: str) -> None:
    more = ("--redirect-uri", "https://rp.example/b", "--redirect-uri", "https://rp.example/c")
    changed = desk.json("change", bank, *more, "--unset", "policy_uri")
    assert changed["redirect_uris"] == ["https://rp.example/b", "https://rp.example/c"]
    assert "policy_uri" not in changed


def test_refresh_tokens_come_and_go_with_their_scope(desk: Desk, bank: str) -> None:
    changed = desk.json("change", bank, "--offline")
    assert "offline_access" in changed["scope"] and "refresh_token" in changed["grant_types"]
    changed = desk.json("change", bank, "--no-offline")
    assert (
        "offline_access" not in changed["scope"] and "refresh_token" not in changed["grant_types"]
    )


def test_a_device_has_no_redirect_address_and_gets_one_with_the_code_flow(desk: Desk) -> None:
    made = desk.json("add", "Set", "--auth-method", "none", "--grant-type", "device_code")
    assert made["grant_types"] == ["urn:ietf:params:oauth:grant-type:device_code"]
    assert "response_types" not in made and "redirect_uris" not in made
    more = ("--grant-type", "authorization_code", "--grant-type", "device_code")
    changed = desk.json("change", made["client_id"], *more, "--redirect-uri", CALLBACK)
    assert changed["response_types"] == ["code"]


def test_the_subjects_of_a_client_stay_when_its_addresses_change(desk: Desk, bank: str) -> None:
    changed = desk.json("change", bank, "--redirect-uri", "https://new.example/cb")
    assert changed["sector"] == "rp.example"


def test_what_a_resource_server_takes_and_who_may_name_it(desk: Desk, bank: str) -> None:
    server = desk.json(
        *("add", "Records", "--redirect-uri", CALLBACK, "--auth-method", "client_secret_basic"),
        *("--audience", "https://records.example/api", "--audience-scope", "read write"),
        *("--audience-token-lifetime", "60", "--introspection-alg", "ES256"),
    )
    assert server["audience_scope"] == "read write" and server["audience_token_lifetime"] == 60
    assert server["introspection_signed_response_alg"] == "ES256"
    named = ("--resource", "https://records.example/api", "--token-lifetime", "30")
    changed = desk.json("change", bank, *named)
    assert changed["resources"] == ["https://records.example/api"]
    assert changed["access_token_lifetime"] == 30
    bare = desk.json("change", server["client_id"], "--unset", "audience_scope")
    assert "audience_scope" not in bare


def test_who_exchanges_tokens_of_whom(desk: Desk, bank: str) -> None:
    more = ("--grant-type", "authorization_code", "--grant-type", "token-exchange")
    changed = desk.json("change", bank, *more, "--exchange-subject", "front", "--impersonates")
    assert changed["exchange_subjects"] == ["front"] and changed["exchange_impersonates"] is True
    assert desk.json("change", bank, "--acts", "--may-act", "desk")["may_act"] == "desk"


def test_a_secret_is_made_when_it_is_wanted_and_told_once(desk: Desk, bank: str) -> None:
    assert "client_secret" not in desk.json("change", bank, "--tos-uri", "https://b.example/t")
    first = desk.json("change", bank, "--new-secret")["client_secret"]
    other = desk.json("change", bank, "--auth-method", "client_secret_post")["client_secret"]
    assert len(first) == len(other) == 43 and first != other
    keyed = desk.json("change", bank, "--auth-method", "private_key_jwt", "--generate-key")
    assert "client_secret" not in keyed and keyed["private_jwk"]["d"]


def test_keys_replace_their_address_and_the_other_way_round(desk: Desk) -> None:
    made = desk.json("add", "x", "--redirect-uri", CALLBACK, "--generate-key")
    changed = desk.json("change", made["client_id"], "--jwks-uri", "https://rp.example/jwks")
    assert "jwks" not in changed
    changed = desk.json("change", made["client_id"], "--generate-key")
    assert "jwks_uri" not in changed and changed["jwks"]["keys"]


def test_a_stricter_profile_brings_what_it_demands(desk: Desk) -> None:
    made = desk.json("add", "x", "--redirect-uri", CALLBACK, "--generate-key")
    assert "dpop_bound_access_tokens" not in made or not made["dpop_bound_access_tokens"]
    changed = desk.json("change", made["client_id"], "--profile", "fapi2")
    assert changed["dpop_bound_access_tokens"] is True


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--redirect-uri", "http://rp.example/cb"], "https://"),
        (["--profile", "fapi2"], "does not allow client_secret_basic"),
        (["--name", ""], "name"),
        (["--auth-method", "private_key_jwt"], "jwks"),
    ],
)
def test_what_cannot_be_is_said_and_nothing_changes(
    desk: Desk, bank: str, words: list[str], text: str
) -> None:
    before = desk.json("show", bank)
    refused = desk.run("change", bank, *words).exception
    assert isinstance(refused, NotPossible) and text in str(refused)
    assert desk.json("show", bank) == before


def test_nobody_can_be_changed_who_is_not_there(desk: Desk) -> None:
    refused = desk.run("change", "nobody", "--offline").exception
    assert isinstance(refused, NotPossible) and "no client nobody" in str(refused)
