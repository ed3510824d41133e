"""The demonstration as a conformance tester drives it: what it has to know, and what it asks."""

import json
import secrets
import ssl
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from tests.demonstration import Demonstration, demonstration

TESTER = "https://localhost:9443"
CIBA = "urn:openid:params:grant-type:ciba"

pytestmark = [pytest.mark.server, pytest.mark.long]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demonstration]:
    """One demonstration for all tests of this module."""
    directory = tmp_path_factory.mktemp("conformance")
    words = ("--tls", "--profile", "conformance", "--tester", TESTER)
    with demonstration(directory, *words) as demo:
        yield demo


@dataclass(frozen=True, slots=True)
class Driver:
    """What a tester does with one of the aliases, as its first or second client."""

    ready: dict[str, Any]
    alias: str
    suffix: str = ""

    @property
    def family(self) -> dict[str, Any]:
        found: dict[str, Any] = self.ready["conformance"][self.alias]
        return found

    @property
    def client(self) -> dict[str, Any]:
        found: dict[str, Any] = self.family[f"client{self.suffix}"]
        return found

    def http(self, certificate: Path | None = None) -> httpx2.Client:
        trust = ssl.create_default_context(cafile=self.ready["certificate"])
        if certificate is not None:
            trust.load_cert_chain(certificate)
        return httpx2.Client(verify=trust, trust_env=False, timeout=30)

    def metadata(self, http: httpx2.Client) -> dict[str, Any]:
        told: dict[str, Any] = http.get(self.family["discoveryUrl"]).json()
        return told

    def signed(self, claims: dict[str, Any]) -> str:
        key = ECKey.import_key(self.client["jwks"]["keys"][0])
        now, name = int(time.time()), self.client["client_id"]
        usual = {"iss": name, "aud": self.family["issuer"], "jti": secrets.token_hex(16)}
        times = {"iat": now, "nbf": now, "exp": now + 60}
        return jwt.encode({"alg": "ES256", "kid": key.kid}, {**usual, **times, **claims}, key)

    def asserted(self, **form: str) -> dict[str, str]:
        return form | {
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": self.signed({"sub": self.client["client_id"]}),
        }

    def certificate(self, directory: Path) -> Path:
        mtls = self.family[f"mtls{self.suffix}"]
        file = directory / f"{self.alias}{self.suffix}.pem"
        file.write_text(mtls["cert"] + mtls["key"])
        return file


def proof(key: ECKey, method: str, address: str, token: str | None = None) -> str:
    from tests.dpop import ath

    claims = {"jti": secrets.token_hex(16), "htm": method, "htu": address, "iat": int(time.time())}
    if token is not None:
        claims["ath"] = ath(token)
    header = {"alg": "ES256", "typ": "dpop+jwt", "jwk": key.as_dict(private=False)}
    return jwt.encode(header, claims, key)


def test_each_client_has_keys_and_addresses_of_its_own(running: Demonstration) -> None:
    seen = []
    for alias, family in running.ready["conformance"].items():
        for suffix in ("", "2"):
            client = family[f"client{suffix}"]
            if alias.startswith("symbolon-oidc"):
                seen.append(client["client_secret"])
            else:
                [key] = client["jwks"]["keys"]
                seen += [key["d"], family[f"mtls{suffix}"]["cert"]]
    assert len(set(seen)) == len(seen) and running.ready["tester"] == TESTER
    people = {person["individual_id"] for person in running.ready["residents"]}
    assert {running.ready["every_claim"], running.ready["second_resident"]} <= people


@pytest.mark.spec("FAPI 2.0 Security Profile §5.3.2")
def test_each_issuer_tells_the_truth_about_its_profile(running: Demonstration) -> None:
    plain, fapi, signing = (
        Driver(running.ready, alias)
        for alias in ("symbolon-oidc", "symbolon-fapi2", "symbolon-fapi2-ms")
    )
    with plain.http() as http:
        told = [one.metadata(http) for one in (plain, fapi, signing)]
    assert "RS256" in told[0]["id_token_signing_alg_values_supported"]
    assert not told[0]["require_pushed_authorization_requests"]
    assert len(told[0]["response_types_supported"]) == 6
    for strict in told[1:]:
        assert strict["response_types_supported"] == ["code"]
        assert strict["require_pushed_authorization_requests"]
        for name, values in strict.items():
            if name.endswith("signing_alg_values_supported"):
                assert set(values) <= {"ES256", "PS256", "EdDSA"}, name
        methods = set(strict["token_endpoint_auth_methods_supported"])
        assert not methods & {"none", "client_secret_basic", "client_secret_post"}
    assert len({one["issuer"] for one in told}) == 3


@pytest.mark.behaviour(46)
def test_only_strong_tls_is_spoken(running: Demonstration) -> None:
    address = running.ready["issuer"].removeprefix("https://")

    def shaken(*words: str) -> bool:
        done = subprocess.run(
            ["openssl", "s_client", "-connect", address, *words],
            input=b"",
            capture_output=True,
            timeout=30,
        )
        return b"BEGIN CERTIFICATE" in done.stdout

    assert shaken("-tls1_3")
    assert shaken("-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256")
    assert not shaken("-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA256")
    assert not shaken("-tls1_2", "-cipher", "ECDHE-ECDSA-CHACHA20-POLY1305")
    assert not shaken("-tls1_1", "-cipher", "ALL:@SECLEVEL=0")


@pytest.mark.behaviour(39)
def test_the_resource_wants_the_key_and_the_token(running: Demonstration) -> None:
    one = Driver(running.ready, "symbolon-fapi2")
    key, resource = ECKey.generate_key("P-256"), one.family["resourceUrl"]
    with one.http() as http:
        endpoint = one.metadata(http)["token_endpoint"]
        tokens = http.post(
            endpoint,
            data=one.asserted(grant_type="client_credentials"),
            headers={"DPoP": proof(key, "POST", endpoint)},
        ).json()
        assert "access_token" in tokens, tokens
        token = tokens["access_token"]
        for method in ("GET", "POST"):
            headers = {
                "authorization": f"DpOp {token}",
                "DPOP": proof(key, method, resource, token),
            }
            answer = http.request(method, resource, headers=headers)
            assert answer.status_code == 200 and answer.headers["date"], answer.text
            assert answer.json()["client_id"] == one.client["client_id"]
            assert http.request(method, resource, headers=headers).status_code == 401, "replayed"
        other = proof(ECKey.generate_key("P-256"), "GET", resource, token)
        for headers in (
            {"authorization": f"DPoP {token}"},
            {"authorization": f"Bearer {token}"},
            {"authorization": f"DPoP {token}", "DPoP": other},
        ):
            assert http.get(resource, headers=headers).status_code == 401


@pytest.mark.behaviour(39)
def test_a_token_bound_to_a_certificate_wants_that_certificate(
    running: Demonstration, tmp_path: Path
) -> None:
    one, two = (Driver(running.ready, "symbolon-fapi2-mtls", suffix) for suffix in ("", "2"))
    resource = one.family["resourceUrl"]
    with one.http(one.certificate(tmp_path)) as http:
        endpoint = one.metadata(http)["mtls_endpoint_aliases"]["token_endpoint"]
        form = {"grant_type": "client_credentials", "client_id": one.client["client_id"]}
        bearer = {
            "authorization": f"Bearer {http.post(endpoint, data=form).json()['access_token']}"
        }
        assert http.get(resource, headers=bearer).status_code == 200
        stranger = form | {"client_id": two.client["client_id"]}
        assert http.post(endpoint, data=stranger).json()["error"] == "invalid_client"
    for certificate in (None, two.certificate(tmp_path)):
        with one.http(certificate) as http:
            assert http.get(resource, headers=bearer).status_code == 401
            assert http.post(endpoint, data=form).json()["error"] == "invalid_client"


@pytest.mark.parametrize(("action", "told"), [("allow", "id_token"), ("deny", "access_denied")])
@pytest.mark.behaviour(53)
def test_somebody_approves_and_denies(
    running: Demonstration, tmp_path: Path, action: str, told: str
) -> None:
    one = Driver(running.ready, "symbolon-ciba-poll")
    asked = {"scope": "openid", "login_hint": running.ready["second_resident"]}
    with one.http(one.certificate(tmp_path)) as http:
        aliases = one.metadata(http)["mtls_endpoint_aliases"]
        begun = http.post(
            aliases["backchannel_authentication_endpoint"],
            data=one.asserted(request=one.signed(asked)),
        ).json()
        address = running.ready["approve"].format(auth_req_id=begun["auth_req_id"], action=action)
        deadline = time.monotonic() + 60
        while (answer := httpx2.get(address, timeout=60)).status_code != 200:
            assert time.monotonic() < deadline, answer.text
        done = http.post(
            aliases["token_endpoint"],
            data=one.asserted(grant_type=CIBA, auth_req_id=begun["auth_req_id"]),
        ).json()
    assert told in done or done["error"] == told, done


def test_keys_rotate_when_asked(running: Demonstration) -> None:
    one = Driver(running.ready, "symbolon-fapi2")
    with one.http() as http:
        address = one.metadata(http)["jwks_uri"]
        before = {key["kid"] for key in http.get(address).json()["keys"]}
        answer = httpx2.post(running.ready["rotate"], timeout=60)
        assert answer.status_code == 200, answer.text
        deadline = time.monotonic() + 30
        while (after := {k["kid"] for k in http.get(address).json()["keys"]}) <= before:
            assert time.monotonic() < deadline
        assert before < after, "old keys stay as long as what they signed"


def test_it_needs_tls(tmp_path: Path) -> None:
    from click.testing import CliRunner

    from config.cli.main import cli

    words = ["demo", "--data", str(tmp_path / "d"), "--profile", "conformance"]
    result = CliRunner().invoke(cli, words)
    assert result.exit_code == 2 and "--tls" in result.output
    assert json.dumps(sorted(path.name for path in tmp_path.iterdir())) == "[]"
