"""Grades say what registration, settings and metadata hold, and no more."""

import shlex
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from config.settings import Issuer
from idp.protocol.client import Client
from idp.protocol.grading.client_rules import CLIENT_RULES
from idp.protocol.grading.rule import (
    Against,
    Grade,
    Graded,
    Ground,
    Rule,
    expected_of,
    graded,
)
from idp.protocol.grading.server_rules import SERVER_RULES
from idp.protocol.profile import FAPI2, MESSAGE_SIGNING, OIDC
from tests import cli_page

ROOT = Path(__file__).parents[4]
STRONG = ["ES256", "PS256", "EdDSA"]
METADATA: Mapping[str, Any] = {
    "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
    "response_types_supported": ["code"],
    "code_challenge_methods_supported": ["S256"],
    "authorization_response_iss_parameter_supported": True,
    "token_endpoint_auth_methods_supported": ["private_key_jwt", "tls_client_auth"],
    "token_endpoint_auth_signing_alg_values_supported": STRONG,
    "id_token_signing_alg_values_supported": STRONG,
    "dpop_signing_alg_values_supported": STRONG,
    "tls_client_certificate_bound_access_tokens": True,
    "pushed_authorization_request_endpoint": "https://id.example/par",
    "require_pushed_authorization_requests": True,
    "request_object_signing_alg_values_supported": STRONG,
    "require_signed_request_object": True,
    "authorization_signing_alg_values_supported": STRONG,
    "introspection_signing_alg_values_supported": STRONG,
}
CLIENT = Client(
    client_id="bank",
    issuer="https://id.example",
    names={"": "Bank"},
    redirect_uris=("https://bank.example/cb",),
    token_endpoint_auth_method="private_key_jwt",
    sector="bank.example",
    profile="fapi2-message-signing",
    jwks_uri="https://bank.example/jwks",
    grant_types=("authorization_code", "refresh_token", "client_credentials"),
    dpop_bound_access_tokens=True,
)
LAX = replace(CLIENT, profile="oidc", dpop_bound_access_tokens=False)
PUBLIC = replace(
    CLIENT,
    token_endpoint_auth_method="none",
    grant_types=("authorization_code", "refresh_token"),
)


def ground(
    client: Client | None = CLIENT, profile: str = "fapi2-message-signing", **metadata: Any
) -> Ground:
    """What is graded; a member of the metadata that is None is left out."""
    published = {k: v for k, v in {**METADATA, **metadata}.items() if v is not None}
    issuer = Issuer(address="https://id.example", profile=profile)  # type: ignore[arg-type]
    return Ground(issuer=issuer, metadata=published, code_lifetime=60, client=client)


def failing(rules: tuple[Rule, ...], on: Ground) -> set[str]:
    return {name(one.rule) for one in graded(rules, on) if one.grade is Grade.FAIL}


def name(rule: Rule) -> str:
    return f"{rule.against.value} {rule.paragraph} {rule.judge.__name__}"


def test_a_good_client_passes_every_rule() -> None:
    grades = graded(CLIENT_RULES, ground())
    assert {one.grade for one in grades if "refreshes_safely" not in name(one.rule)} == {Grade.PASS}
    assert not [one for one in grades if one.remedy]


def test_a_good_issuer_passes_every_rule() -> None:
    assert {one.grade for one in graded(SERVER_RULES, ground(None))} == {Grade.PASS}


def test_a_public_client_may_be_good_enough_for_oauth() -> None:
    public = replace(PUBLIC, profile="oidc", dpop_bound_access_tokens=False)
    failed = failing(CLIENT_RULES, ground(public, "oidc"))
    assert not [one for one in failed if one.startswith("oauth21")]
    assert [one for one in failed if one.startswith("rfc9700")] == [
        "rfc9700 §2.2.1 tokens_are_bound"
    ]


WRONG_CLIENTS: tuple[tuple[str, Client, dict[str, Any]], ...] = (
    ("redirects_are_encrypted", replace(CLIENT, redirect_uris=("http://bank.example/cb",)), {}),
    ("redirects_are_https", replace(CLIENT, redirect_uris=("http://127.0.0.1:1/cb",)), {}),
    (
        "uses_pkce",
        replace(CLIENT, profile="oidc", require_pkce=False),
        {"profile": "oidc"},
    ),
    (
        "acts_for_itself_with_credentials",
        replace(PUBLIC, grant_types=("client_credentials",)),
        {},
    ),
    (
        "keeps_its_refresh_token",
        replace(CLIENT, profile="oidc", dpop_bound_access_tokens=False),
        {"profile": "oidc"},
    ),
    ("gets_no_token_in_front", replace(CLIENT, response_types=("code id_token token",)), {}),
    ("asks_for_code_only", replace(CLIENT, response_types=("code", "code id_token")), {}),
    (
        "tokens_are_bound",
        replace(CLIENT, profile="oidc", dpop_bound_access_tokens=False),
        {"profile": "oidc"},
    ),
    (
        "tokens_are_bound",
        replace(CLIENT, tls_client_certificate_bound_access_tokens=True),
        {"tls_client_certificate_bound_access_tokens": None},
    ),
    ("tokens_are_bound", CLIENT, {"dpop_signing_alg_values_supported": None}),
    (
        "authenticates_with_a_key",
        replace(CLIENT, token_endpoint_auth_method="client_secret_basic"),
        {},
    ),
    (
        "authenticates_with_a_key_if_at_all",
        replace(CLIENT, token_endpoint_auth_method="client_secret_jwt"),
        {},
    ),
    ("is_confidential", PUBLIC, {}),
    ("assertions_name_the_issuer", replace(CLIENT, profile="oidc"), {"profile": "oidc"}),
    ("requests_are_pushed", replace(CLIENT, profile="oidc"), {"profile": "oidc"}),
    ("requests_are_pushed", CLIENT, {"pushed_authorization_request_endpoint": None}),
    ("algs_are_strong", replace(CLIENT, id_token_signed_response_alg="RS256"), {}),
    ("algs_are_strong", replace(CLIENT, token_endpoint_auth_signing_alg="RS256"), {}),
    ("algs_are_strong", replace(CLIENT, profile="oidc"), {"profile": "oidc"}),
    ("requests_are_signed", replace(CLIENT, profile="fapi2"), {"profile": "fapi2"}),
    ("requests_are_signed", CLIENT, {"request_object_signing_alg_values_supported": None}),
    ("has_keys", replace(CLIENT, jwks_uri=None), {}),
    ("answers_are_signed", replace(CLIENT, profile="fapi2"), {"profile": "fapi2"}),
    ("answers_are_signed", CLIENT, {"authorization_signing_alg_values_supported": None}),
)


@pytest.mark.parametrize(("judge", "client", "changes"), WRONG_CLIENTS)
def test_a_client_that_breaks_a_rule_fails_it(
    judge: str, client: Client, changes: dict[str, Any]
) -> None:
    failed = failing(CLIENT_RULES, ground(client, **changes))
    with_it = {name(rule) for rule in CLIENT_RULES if rule.judge.__name__ == judge}
    assert with_it and with_it <= failed


def test_every_rule_about_clients_has_one_that_fails_it() -> None:
    judges = {rule.judge.__name__ for rule in CLIENT_RULES}
    assert judges == {one for one, _, _ in WRONG_CLIENTS} | {"refreshes_safely"}
    # A public client's refresh tokens are always renewed: nobody can register otherwise.


WRONG_ISSUERS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("knows_no_password_grant", {"grant_types_supported": ["password"]}),
    ("gives_no_token_in_front", {"response_types_supported": ["code", "id_token token"]}),
    ("answers_with_code_only", {"response_types_supported": ["code", "id_token"]}),
    ("takes_s256_only", {"code_challenge_methods_supported": ["S256", "plain"]}),
    ("demands_s256", {"profile": "oidc"}),
    ("names_itself", {"authorization_response_iss_parameter_supported": None}),
    (
        "can_bind_tokens",
        {
            "dpop_signing_alg_values_supported": None,
            "tls_client_certificate_bound_access_tokens": None,
        },
    ),
    ("binds_every_token", {"profile": "oidc"}),
    ("is_for_confidential_clients", {"token_endpoint_auth_methods_supported": ["none"]}),
    ("demands_keys", {"token_endpoint_auth_methods_supported": ["client_secret_basic"]}),
    ("demands_keys", {"token_endpoint_auth_methods_supported": None}),
    ("offers_keys", {"token_endpoint_auth_methods_supported": ["client_secret_basic"]}),
    ("is_the_only_audience", {"profile": "oidc"}),
    ("leaves_refresh_tokens", {"profile": "oidc"}),
    ("takes_pushed_requests", {"pushed_authorization_request_endpoint": None}),
    ("demands_pushed_requests", {"require_pushed_authorization_requests": None}),
    ("demands_pushed_requests", {"profile": "oidc"}),
    ("pushed_requests_are_safe", {"token_endpoint_auth_methods_supported": ["none"]}),
    ("algs_are_strong", {"userinfo_signing_alg_values_supported": ["RS256"]}),
    ("algs_are_strong", {"profile": "oidc"}),
    ("demands_signed_requests", {"require_signed_request_object": None}),
    ("demands_signed_requests", {"profile": "fapi2"}),
    ("judges_signed_requests", {"profile": "oidc"}),
    ("demands_signed_answers", {"authorization_signing_alg_values_supported": None}),
    ("demands_signed_answers", {"authorization_signing_alg_values_supported": ["RS256"]}),
    ("signs_introspection", {"introspection_signing_alg_values_supported": None}),
)
UNBREAKABLE = {
    *("is_always_so", "binds_codes"),
    *("is_https", "codes_are_short_lived"),  # below
}


@pytest.mark.parametrize(("judge", "changes"), WRONG_ISSUERS)
def test_an_issuer_that_breaks_a_rule_fails_it(judge: str, changes: dict[str, Any]) -> None:
    failed = failing(SERVER_RULES, ground(None, **changes))
    with_it = {name(rule) for rule in SERVER_RULES if rule.judge.__name__ == judge}
    assert with_it and with_it <= failed


def test_every_rule_about_issuers_has_one_that_fails_it() -> None:
    judges = {rule.judge.__name__ for rule in SERVER_RULES}
    assert judges == {one for one, _ in WRONG_ISSUERS} | UNBREAKABLE


def test_an_issuer_without_tls_or_with_lasting_codes_is_told() -> None:
    plain = replace(ground(None), issuer=Issuer(address="http://127.0.0.1:8080"), code_lifetime=61)
    failed = {one.rsplit(" ", 1)[1] for one in failing(SERVER_RULES, plain)}
    assert {"is_https", "codes_are_short_lived"} <= failed


def test_what_is_not_done_is_not_graded() -> None:
    without = {
        "grant_types_supported": [],
        "dpop_signing_alg_values_supported": None,
        "pushed_authorization_request_endpoint": None,
        "request_object_signing_alg_values_supported": None,
    }
    grades = {
        one.rule.judge.__name__: one.grade for one in graded(SERVER_RULES, ground(None, **without))
    }
    for judge in ("leaves_refresh_tokens", "binds_codes", "pushed_requests_are_safe"):
        assert grades[judge] is Grade.NOT_APPLICABLE
    machine = replace(
        CLIENT, grant_types=("client_credentials",), redirect_uris=(), response_types=()
    )
    grades = {one.rule.judge.__name__: one.grade for one in graded(CLIENT_RULES, ground(machine))}
    for judge in ("uses_pkce", "redirects_are_https", "asks_for_code_only", "requests_are_pushed"):
        assert grades[judge] is Grade.NOT_APPLICABLE


def test_an_issuer_holds_its_clients_to_more_than_they_registered() -> None:
    lax = replace(CLIENT, profile="oidc", require_pkce=False)
    failed = failing(CLIENT_RULES, ground(lax, "fapi2"))
    assert not [one for one in failed if "uses_pkce" in one or "requests_are_pushed" in one]


def test_a_profile_claims_to_meet_its_specifications() -> None:
    assert expected_of(OIDC) == (Against.OAUTH21, Against.BCP)
    assert expected_of(FAPI2) == (Against.OAUTH21, Against.BCP, Against.FAPI2)
    assert expected_of(MESSAGE_SIGNING) == tuple(Against)


def test_a_recommendation_does_not_make_the_whole_fail() -> None:
    [weak] = [
        one for one in graded(CLIENT_RULES, ground(LAX, "oidc")) if one.rule.paragraph == "§2.2.1"
    ]
    assert weak.grade is Grade.FAIL and weak.rule.should and not weak.is_failure


def test_every_remedy_is_a_command_or_a_setting_that_there_is() -> None:
    commands = dict(cli_page.commands())
    for one in graded(CLIENT_RULES, ground()):
        assert_exists(one, commands)


def assert_exists(one: Graded, commands: dict[str, Any]) -> None:
    words = shlex.split(one.rule.remedy.format(client="bank", issuer="x"))
    assert words[:4] == ["symbolon", "rp", "change", "bank"], words
    options = cli_page.options(commands["rp change"])
    for word in words[4:]:
        assert not word.startswith("--") or word in options, word


@pytest.mark.parametrize(
    "rule", [rule for rule in (*SERVER_RULES, *CLIENT_RULES) if rule.shown_by], ids=name
)
def test_what_no_setting_can_switch_off_is_shown_by_a_test(rule: Rule) -> None:
    assert (ROOT / rule.shown_by).is_file(), rule.shown_by


def test_what_always_holds_names_a_test() -> None:
    assert all(rule.shown_by for rule in SERVER_RULES if rule.judge.__name__ == "is_always_so")
