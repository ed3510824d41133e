"""Options of a registration change what they name, and nothing else."""

from dataclasses import fields, replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from config.cli.rp_members import REMOVABLE, applied, without
from idp.protocol.client import Client

CLIENT = Client(
    client_id="c",
    issuer="https://id.example",
    names={"": "A", "fr": "B"},
    redirect_uris=("https://rp.example/cb",),
    token_endpoint_auth_method="private_key_jwt",
    sector="rp.example",
    jwks_uri="https://rp.example/jwks",
    grant_types=("refresh_token", "authorization_code"),  # as no option would write it
    dpop_bound_access_tokens=True,
)
SAID = st.fixed_dictionaries(
    {},
    optional={
        "names": st.lists(st.text(max_size=20), max_size=3).map(tuple),
        "policy_uri": st.none() | st.just("https://rp.example/p"),
        "default_max_age": st.none() | st.integers(0, 100),
        "offline": st.none() | st.booleans(),
        "without_pkce": st.none() | st.booleans(),
        "bound_to": st.none() | st.sampled_from(("dpop", "certificate", "nothing")),
        "profile": st.none() | st.sampled_from(("oidc", "fapi2")),
    },
)
TOUCHED = {
    "names": {"names"},
    "offline": {"scope", "grant_types"},
    "without_pkce": {"require_pkce"},
    "bound_to": {"dpop_bound_access_tokens", "tls_client_certificate_bound_access_tokens"},
}


@given(SAID)
def test_what_is_not_named_stays_as_it_is(said: dict[str, Any]) -> None:
    changed = applied(CLIENT, said)
    named = [name for name, value in said.items() if value not in (None, ())]
    allowed = {member for name in named for member in TOUCHED.get(name, {name})}
    different = {
        one.name
        for one in fields(Client)
        if getattr(changed, one.name) != getattr(CLIENT, one.name)
    }
    assert different <= allowed


@given(SAID)
def test_saying_it_twice_is_saying_it_once(said: dict[str, Any]) -> None:
    once = applied(CLIENT, said)
    assert applied(once, said) == once


def test_every_member_that_can_go_goes() -> None:
    full = replace(CLIENT, **dict.fromkeys(REMOVABLE, "x"))
    bare = without(full, REMOVABLE)
    assert not [name for name in REMOVABLE if getattr(bare, name)]
    assert bare.client_id == CLIENT.client_id and bare.redirect_uris == CLIENT.redirect_uris
