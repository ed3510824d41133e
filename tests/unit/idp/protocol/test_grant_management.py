"""What a request may want done with a grant, and what the grant allows afterwards."""

from dataclasses import replace

import pytest

from config.settings import Features
from idp.protocol.claims_request import Asked, ClaimsRequest
from idp.protocol.errors import InvalidGrantId, InvalidRequest
from idp.protocol.grant import Grant
from idp.protocol.grant_management import GrantAction, action_of, amended, check_owner, status
from tests.unit.idp.protocol.test_refresh import AUTHORIZATION

ON, OFF = Features(), Features(grant_management=False)
NOW = 1_800_000_000
GRANT = Grant(
    authorization=AUTHORIZATION, created_at=NOW - 9, updated_at=NOW - 5, expires_at=NOW + 100
)

pytestmark = pytest.mark.spec("Grant Management for OAuth 2.0 §5")


def test_actions_and_grants_go_together() -> None:
    assert action_of({}, ON) is None
    assert action_of({"grant_management_action": "create"}, ON) is GrantAction.CREATE
    for action in ("merge", "replace"):
        assert action_of({"grant_management_action": action, "grant_id": "g"}, ON) == action


@pytest.mark.parametrize(
    "asked",
    [
        {"grant_id": "g"},
        {"grant_management_action": "create", "grant_id": "g"},
        {"grant_management_action": "merge"},
        {"grant_management_action": "replace"},
        {"grant_management_action": "update", "grant_id": "g"},
        {"grant_management_action": "CREATE"},
    ],
)
def test_what_does_not_fit_together_is_refused(asked: dict[str, str]) -> None:
    with pytest.raises(InvalidRequest):
        action_of(asked, ON)
    assert action_of(asked, OFF) is None, "where it is off these are unknown parameters"


def test_only_the_client_and_the_person_of_a_grant_can_name_it() -> None:
    client, person = AUTHORIZATION.client_id, AUTHORIZATION.resident_id
    assert check_owner(GRANT, client, person, NOW) is GRANT
    for grant, by, whom in (
        (None, client, person),
        (GRANT, "another client", person),
        (GRANT, client, "another person"),
        (replace(GRANT, revoked_at=NOW - 1), client, person),
        (replace(GRANT, expires_at=NOW), client, person),
    ):
        with pytest.raises(InvalidGrantId):
            check_owner(grant, by, whom, NOW)


def test_merging_allows_both_and_replacing_only_the_new() -> None:
    before = replace(
        AUTHORIZATION,
        scope=("openid", "email"),
        granted_claims=frozenset({"email"}),
        claims=ClaimsRequest(userinfo={"email": Asked(essential=True)}),
        details=({"type": "a"},),
    )
    new = replace(
        before,
        scope=("openid", "phone"),
        granted_claims=frozenset({"phone_number"}),
        claims=ClaimsRequest(userinfo={"phone_number": Asked()}),
        details=({"type": "a"}, {"type": "b"}),
        grant_action="merge",
    )
    merged = amended(before, new)
    assert merged.scope == ("openid", "email", "phone")
    assert merged.granted_claims == {"email", "phone_number"}
    assert set(merged.claims.userinfo) == {"email", "phone_number"}
    assert merged.details == ({"type": "a"}, {"type": "b"})
    only = replace(new, grant_action="replace")
    assert amended(before, only) == only


def test_the_status_tells_what_is_allowed_and_no_token() -> None:
    told = status(replace(GRANT, authorization=replace(AUTHORIZATION, resources=("https://a",))))
    assert told["scopes"] == [{"scope": " ".join(AUTHORIZATION.scope), "resource": ["https://a"]}]
    assert told["created_at"] == NOW - 9 and told["last_updated_at"] == NOW - 5
    assert AUTHORIZATION.resident_id not in str(told)
