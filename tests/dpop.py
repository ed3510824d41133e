"""A sender that holds a DPoP key, made with a library of others; and proofs that are wrong."""

import base64
import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

import httpx2
from joserfc import jws
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from config.runtime.entropy import SystemEntropy
from idp.flows.registration import Registered
from tests.oauth import CALLBACK, VERIFIER, Provider

Key = ECKey | RSAKey | OKPKey | OctKey
ALGS = ["ES256", "PS256", "EdDSA", "RS256", "ES384", "HS256", "Ed25519"]


def ath(token: str) -> str:
    """Return the hash of an access token, as RFC 9449 §4.2 says."""
    digest = hashlib.sha256(token.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def sign(header: dict[str, Any], claims: dict[str, Any], key: Key) -> str:
    """Return a JWS whose header and claims are what they are: None leaves a member out."""
    kept = {name: value for name, value in header.items() if value is not None}
    body = {name: value for name, value in claims.items() if value is not None}
    registry = jws.JWSRegistry(algorithms=ALGS, strict_check_header=False)
    return jws.serialize_compact(kept, json.dumps(body).encode(), key, registry=registry)


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Somebody at ``op`` with a key. ``nonce`` is what the server told last."""

    op: Provider
    key: Key = field(default_factory=lambda: ECKey.generate_key("P-256", private=True))
    alg: str = "ES256"
    nonce: list[str | None] = field(default_factory=lambda: [None])

    @property
    def jkt(self) -> str:
        """Return the thumbprint of the key."""
        return str(self.key.thumbprint())

    def claims(self, method: str, path: str, token: str | None = None) -> dict[str, Any]:
        """Return what a good proof says."""
        said: dict[str, Any] = {
            "jti": SystemEntropy().token(16),
            "htm": method,
            "htu": f"https://id.example{path}",
            "iat": self.op.clock.now(),
            "nonce": self.nonce[0],
        }
        return said | ({} if token is None else {"ath": ath(token)})

    def header(self) -> dict[str, Any]:
        """Return the header of a good proof."""
        return {"typ": "dpop+jwt", "alg": self.alg, "jwk": self.key.as_dict(private=False)}

    def proof(self, method: str, path: str, token: str | None = None, **changes: Any) -> str:
        """Return a proof; ``changes`` are claims that are different, None to leave one out."""
        return sign(self.header(), self.claims(method, path, token) | changes, self.key)

    async def post(
        self, path: str, registered: Registered, form: dict[str, str], proof: str | None = None
    ) -> httpx2.Response:
        """Post a form with fresh credentials and a proof."""
        credentials = self.op.credentials(registered)
        answer = await self.op.http.post(
            path,
            data=credentials.pop("form") | form,
            headers={"DPoP": proof or self.proof("POST", path)},
            **credentials,
        )
        self.heard(answer)
        return answer

    async def redeem(
        self, registered: Registered, code: str, proof: str | None = None
    ) -> httpx2.Response:
        """Exchange ``code``."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": CALLBACK,
            "code_verifier": VERIFIER,
        }
        return await self.post("/token", registered, form, proof)

    async def refresh(self, registered: Registered, token: str) -> httpx2.Response:
        """Exchange a refresh token."""
        form = {"grant_type": "refresh_token", "refresh_token": token}
        return await self.post("/token", registered, form)

    async def tokens(self, registered: Registered, **changes: Any) -> dict[str, Any]:
        """Return the tokens of a fresh grant."""
        answer = await self.redeem(registered, await self.op.code(registered.client, **changes))
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    async def userinfo(
        self, token: str, proof: str | None = None, scheme: str = "DPoP", method: str = "GET"
    ) -> httpx2.Response:
        """Ask for userinfo with a proof."""
        headers = {"Authorization": f"{scheme} {token}"}
        headers["DPoP"] = proof or self.proof(method, "/userinfo", token)
        answer = await self.op.http.request(method, "/userinfo", headers=headers)
        self.heard(answer)
        return answer

    def heard(self, answer: httpx2.Response) -> None:
        """Remember the nonce that the server told."""
        self.nonce[0] = answer.headers.get("dpop-nonce", self.nonce[0])
