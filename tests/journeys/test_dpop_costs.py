"""What proving a key costs: a signature that is verified, and a row more in the same unit."""

from collections import Counter
from typing import Any

from joserfc.jwk import ECKey

from config.runtime.entropy import SystemEntropy
from tests.dpop import ath, sign
from tests.journeys.login_world import CLINIC, ORIGIN, VERIFIER, Site

KEY = ECKey.generate_key("P-256", private=True)


def proof(here: Site, method: str, path: str, **claims: str) -> str:
    header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": KEY.as_dict(private=False)}
    said: dict[str, Any] = {"htm": method, "htu": f"{ORIGIN}{path}", "iat": here.clock.now()}
    return sign(header, said | {"jti": SystemEntropy().token(16)} | claims, KEY)


async def redeemed(here: Site, **headers: str) -> str:
    """Return an access token; what was asked of database and key service for it is on record."""
    page = await here.logged_in(here.browser(), prompt="consent")
    form = {
        "grant_type": "authorization_code",
        "code": page.answer["code"],
        "redirect_uri": CLINIC.redirect_uris[0],
        "client_id": CLINIC.client_id,
        "code_verifier": VERIFIER,
    }
    here.world.database.asked.clear()
    here.world.door.asked.clear()
    answer = await here.browser().client.post("/token", data=form, headers=headers)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["access_token"])


def costs(here: Site) -> tuple[Counter[str], int]:
    """Return calls of the database by kind, and questions to the key service."""
    kinds = Counter(call.split()[0] for call in here.world.database.asked)
    return kinds, len(here.world.door.asked)


async def test_a_bound_token_costs_no_call_more(here: Site) -> None:
    await redeemed(here)
    plain = costs(here)
    await redeemed(here, DPoP=proof(here, "POST", "/token"))
    assert costs(here) == plain


async def test_userinfo_with_a_proof_costs_one_unit_more(here: Site) -> None:
    client = here.browser().client
    token = await redeemed(here)
    here.world.database.asked.clear()
    await client.get("/userinfo", headers={"authorization": f"Bearer {token}"})
    plain, _ = costs(here)
    token = await redeemed(here, DPoP=proof(here, "POST", "/token"))
    here.world.database.asked.clear()
    headers = {
        "authorization": f"DPoP {token}",
        "dpop": proof(here, "GET", "/userinfo", ath=ath(token)),
    }
    assert (await client.get("/userinfo", headers=headers)).status_code == 200
    assert costs(here)[0] - plain == Counter({"submit": 1})
