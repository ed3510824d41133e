"""Where a browser may be sent after a logout."""

import pytest

from idp.protocol.authorization import VerifiedHint
from idp.protocol.client import Client
from idp.protocol.errors import InvalidRequest
from idp.protocol.logout import AfterLogout, client_of
from idp.protocol.parameters import Parameters

BYE = "https://clinic.example/bye?x=1"
CLINIC = Client(
    client_id="clinic",
    issuer="https://id.example",
    names={},
    redirect_uris=(),
    post_logout_redirect_uris=(BYE,),
    token_endpoint_auth_method="none",
    sector="clinic.example",
)
HINT = VerifiedHint(subject="subject", audience=("clinic",), session=None)


@pytest.mark.spec("OpenID Connect RP-Initiated Logout 1.0 §3")
def test_state_comes_back_encoded() -> None:
    asked = Parameters({"post_logout_redirect_uri": BYE, "state": "a&b=c d"})
    after = AfterLogout.proven(asked, CLINIC, HINT)
    assert after is not None and after.location == f"{BYE}&state=a%26b%3Dc+d"
    after = AfterLogout.proven(Parameters({"post_logout_redirect_uri": BYE}), CLINIC, HINT)
    assert after is not None and after.location == BYE


@pytest.mark.attack("A9")
@pytest.mark.parametrize("uri", [None, "https://evil.example/", f"{BYE}&y=2", BYE.upper(), "/bye"])
def test_no_other_address_is_proven(uri: str | None) -> None:
    asked = Parameters({"post_logout_redirect_uri": uri} if uri else {})
    assert AfterLogout.proven(asked, CLINIC, HINT) is None


@pytest.mark.attack("A9")
def test_without_a_hint_for_this_client_nothing_is_proven() -> None:
    asked = Parameters({"post_logout_redirect_uri": BYE})
    assert AfterLogout.proven(asked, CLINIC, None) is None
    assert AfterLogout.proven(asked, None, HINT) is None
    assert (
        AfterLogout.proven(
            asked, CLINIC, VerifiedHint(subject="subject", audience=("shop",), session=None)
        )
        is None
    )


def test_who_asks() -> None:
    assert client_of(Parameters(), None) is None
    assert client_of(Parameters({"client_id": "clinic"}), None) == "clinic"
    assert client_of(Parameters(), HINT) == "clinic"
    assert (
        client_of(
            Parameters(), VerifiedHint(subject="s", audience=("clinic", "shop"), session=None)
        )
        is None
    )
    with pytest.raises(InvalidRequest):
        client_of(Parameters({"client_id": "shop"}), HINT)
