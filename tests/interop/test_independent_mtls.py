"""Clients that others wrote prove themselves by certificate at our own listener (RFC 8705)."""

import base64
import hashlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from joserfc.jwk import ECKey

from config.cli.opening import settings_of
from tests.certificates import Holder, Wanted, authority, made, name
from tests.deployment import (
    Deployment,
    Spot,
    claims_of,
    deployment,
    free_port,
    import_residents,
    migrated,
    register,
)
from tests.interop.scripted import CALLBACK, driven, walked

ROOT = authority("Client CA")
HOLDERS = {
    "tls_client_auth": made(Wanted(subject=name("bank")), ROOT),
    "self_signed_tls_client_auth": made(Wanted(subject=name("me"))),
}
OTHER = made(Wanted(subject=name("other")), ROOT)

pytestmark = [pytest.mark.server, pytest.mark.xdist_group("mtls")]


@dataclass(frozen=True, slots=True)
class Place:
    """A deployment with a listener for certificates."""

    laid: Deployment
    directory: Path

    def files(self, holder: Holder, stem: str) -> dict[str, str]:
        certificate, key = holder.files(self.directory, stem)
        ca = self.directory / "server.pem"
        return {"certificate": str(certificate), "key": str(key), "ca": str(ca)}


def jwks_of(holder: Holder) -> bytes:
    assert isinstance(holder.key, ec.EllipticCurvePrivateKey)
    key: dict[str, Any] = dict(ECKey.import_key(holder.key.public_key()).as_dict(private=False))
    key["x5c"] = [base64.b64encode(holder.der).decode()]
    return json.dumps({"keys": [key]}).encode()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Place]:
    """One web server for browsers, one that asks for certificates, and a client of each kind."""
    directory = tmp_path_factory.mktemp("mtls")
    names = [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
    server = made(Wanted(subject=name("server"), names=names, usages=None))
    certificate, key = server.files(directory, "server")
    (directory / "ca.pem").write_bytes(ROOT.pem)
    web = {
        "trusted_proxies": ["192.0.2.1"],
        "certificates_from_proxies": True,
        "client_ca": str(directory / "ca.pem"),
    }
    mtls_port = free_port()
    with deployment(web=web) as laid:
        text = laid.file.read_text()
        alias = f'[[issuers]]\nmtls_address = "https://localhost:{mtls_port}"'
        laid.file.write_text(text.replace("[[issuers]]", alias))
        laid.settings = settings_of(str(laid.file))
        await migrated(laid)
        await laid.keys_up()
        bound: dict[str, Any] = {
            "profile": "fapi2",
            "redirect_uris": (CALLBACK,),
            "tls_client_certificate_bound_access_tokens": True,
        }
        by_subject = {"tls_client_auth_subject_dn": "CN=bank,O=Agency,C=KE", "jwks": None}
        own = {"jwks": jwks_of(HOLDERS["self_signed_tls_client_auth"])}
        for method, wish in (("tls_client_auth", by_subject), ("self_signed_tls_client_auth", own)):
            await register(laid, method, token_endpoint_auth_method=method, **bound, **wish)
        await import_residents(laid)
        await laid.web_up()
        spot = Spot()
        environment = {
            "SYMBOLON_WEB__PORT": str(spot.port),
            "SYMBOLON_WEB__OPERATIONS_PORT": str(spot.operations),
            "SYMBOLON_WEB__MTLS_PORT": str(mtls_port),
            "SYMBOLON_WEB__CERTIFICATE": str(certificate),
            "SYMBOLON_WEB__CERTIFICATE_KEY": str(key),
        }
        laid.start("mtls", "serve", environment=environment)
        await laid.ready(spot)
        await laid.listening(Spot(port=mtls_port))
        yield Place(laid, directory)


@pytest.mark.behaviour(39)
@pytest.mark.behaviour(43)
@pytest.mark.spec("RFC 8705 §2")
@pytest.mark.parametrize("method", HOLDERS)
@pytest.mark.parametrize("script", ["mtls_oauth4webapi.mjs", "mtls_openid_client.mjs"])
async def test_an_independent_client_proves_itself_by_certificate(
    place: Place, script: str, method: str
) -> None:
    holder = HOLDERS[method]
    told = {
        "issuer": place.laid.issuer,
        "registered": {"client_id": method, "redirect_uris": [CALLBACK]},
        "files": place.files(holder, method),
        "others": place.files(OTHER, "other"),
    }
    found = await driven(script, told, partial(walked, place.laid))
    digest = base64.urlsafe_b64encode(hashlib.sha256(holder.der).digest()).rstrip(b"=").decode()
    assert claims_of(found.pop("access_token"))["cnf"] == {"x5t#S256": digest}
    assert [kind.lower() for kind in found.pop("token_types")] == ["bearer", "bearer"]
    assert found == {
        "rotated": False,
        "name": "Ada 7000000000",
        "same": True,
        "other": 401,
        "bare": 401,
        "stolen": "invalid_client",
    }
