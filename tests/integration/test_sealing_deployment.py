"""Seals and the audit log on a whole deployment, as an operator and an organisation meet it."""

import asyncio
import base64
import json
import re
import sqlite3
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from tests import pdf_files
from tests.deployment import (
    NO_TLS,
    Deployment,
    assertion,
    deployment,
    exchange,
    free_port,
    migrated,
    register,
    until,
)
from tests.sealing import REGISTRY, Office

pytestmark = pytest.mark.server

SOON = (("config.runtime.audit.sequencer.CHECKPOINT_EVERY", 0),)
"""Nobody waits a minute here for a checkpoint."""

CONTENTS = re.compile(rb"/ByteRange ?\[ ?(\d+) (\d+) (\d+) (\d+) ?\]")


@dataclass(frozen=True)
class House:
    """Every process of a deployment, and an organisation outside it."""

    place: Deployment
    office: Office
    esignet: str

    @property
    def keys(self) -> Path:
        """The key service's own database."""
        return self.place.directory / "keys.db"

    def row(self, statement: str) -> Any:
        with closing(sqlite3.connect(self.keys, timeout=20)) as connection, connection:
            return connection.execute(statement).fetchone()

    async def fails(self, *words: str) -> str:
        """Run a verb that exits with 1, and return what it says."""
        self.place.start("fails", *words)
        assert await self.place.ended("fails") == 1
        said = self.place.log("fails")
        (self.place.directory / "fails.log").unlink()
        return said

    async def logged(self) -> None:
        """Return when a checkpoint covers every entry of the key service's log."""

        def is_covered() -> bool:
            [entries] = self.row("SELECT count(*) FROM audit_entry")
            [covered] = self.row("SELECT max(size) FROM audit_checkpoint")
            return bool(entries) and covered == entries

        await until(is_covered)

    def word(self, told: dict[str, Any], **changes: Any) -> str:
        """What the organisation says, in the words of the answer."""
        said = {name: told[name] for name in ("hash_algorithm", "count", "list_hash", "plan_hash")}
        digests = [octets(one["hash"]) for one in told["documentDigests"]]
        return self.office.authorizes(*digests, aud=self.esignet, **{**said, **changes})


def octets(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@asynccontextmanager
async def house() -> AsyncIterator[House]:
    """Lay it out, start it, enrol the organisation, and register the client that asks."""
    port, operations = free_port(), free_port()
    address = f"http://127.0.0.1:{port}"
    esignet = {"address": address, "port": port, "operations_port": operations, "country": "UT"}
    sections: dict[str, Any] = {"issuers.features": {"signing_service": address}}
    with deployment(esignet=esignet, keys={"database": "sqlite:///keys.db"}, **sections) as place:
        await migrated(place)
        await place.keys_up(constants=SOON)
        place.start_web()
        place.start("esignet", "serve", "esignet")
        office, directory = Office(), place.directory
        (directory / "office.jwks").write_bytes(office.asked().jwks)
        told = await place.run(
            *("seals", "add", REGISTRY, "--name", "Land Registry", "--country", "UT"),
            *("--registration", "NTRUT-12345", "--jwks", str(directory / "office.jwks")),
            *("--per-day", "10", "--out", str(directory / "registry.crt")),
        )
        assert "Land Registry (NTRUT-12345, UT)" in told and "SHA-256" in told
        await register(
            place,
            "seal-office",
            redirect_uris=(),
            response_types=(),
            grant_types=("client_credentials",),
            scope=frozenset(("seals",)),
            resources=(address,),
        )
        await place.ready()
        async with httpx2.AsyncClient(verify=NO_TLS, trust_env=False, timeout=60) as http:

            async def is_up() -> bool:
                assert place.processes["esignet"].exitcode is None, place.log("esignet")
                try:
                    answer = await http.get(f"http://127.0.0.1:{operations}/readyz")
                except httpx2.TransportError:
                    return False
                return answer.status_code == 200

            await until(is_up, 60)
        yield House(place, office, address)


async def token(it: House) -> str:
    """Return an access token of the client that asks for seals."""
    proof = assertion(it.place.issuer, "seal-office")
    async with it.place.http() as http:
        answer = await exchange(
            *(http, it.place.issuer, proof),
            **{"grant_type": "client_credentials", "scope": "seals", "resource": it.esignet},
        )
    assert answer.status_code == 200, answer.text
    return str(answer.json()["access_token"])


def judged_by_pdfsig_and_openssl(directory: Path, pdf: bytes, root: bytes) -> None:
    (directory / "sealed.pdf").write_bytes(pdf)
    said = ran(directory, "pdfsig", "-nocert", "sealed.pdf")
    assert "Signer Certificate Common Name: Land Registry" in said
    assert "Signature is Valid" in said
    found = CONTENTS.search(pdf)
    assert found is not None
    begins, before, after, rest = map(int, found.groups())
    assert (begins, after + rest) == (0, pdf.index(b"%%EOF\n", after) + 6)
    message = bytes.fromhex(pdf[before + 1 : after - 1].decode())
    (directory / "seal.p7s").write_bytes(message)
    (directory / "covered").write_bytes(pdf[:before] + pdf[after : after + rest])
    pem = x509.load_der_x509_certificate(root).public_bytes(Encoding.PEM)
    (directory / "root.pem").write_bytes(pem)
    words = "openssl cms -verify -cades -binary -inform DER -purpose any -in seal.p7s"
    said = ran(directory, *words.split(), *("-content", "covered"), "-CAfile", "root.pem")
    assert "CAdES Verification successful" in said


def ran(directory: Path, *words: str) -> str:
    run = subprocess.run(words, cwd=directory, capture_output=True, check=False)
    return (run.stdout + run.stderr).decode(errors="replace")


async def test_a_pdf_is_sealed_the_log_proves_it_and_whoever_alters_the_log_is_found() -> None:
    async with house() as it:
        promise, about = await sealed(it)
        await audited(it, promise, about)
        await ended(it)


async def sealed(it: House) -> tuple[str, str]:
    """Have a PDF sealed at B-LT; return the promise of the log, and what its entry is about."""
    content = base64.b64encode(pdf_files.document()).decode()
    body: dict[str, Any] = {
        "format": "pades",
        "level": "B-LT",
        "commitment": "1.2.840.113549.1.9.16.6.5",
        "documents": [{"name": "Deed.pdf", "media_type": "application/pdf", "content": content}],
    }
    bearer = {"authorization": f"Bearer {await token(it)}"}
    async with httpx2.AsyncClient(
        base_url=it.esignet, headers=bearer, verify=NO_TLS, trust_env=False, timeout=60
    ) as http:
        told = (await http.post("/seals", json=body)).json()
        once = {**body, "signing_time": told["signing_time"]}
        forged = {**once, "authorization": it.word(told, list_hash="A" * 43)}
        assert (await http.post("/seals", json=forged)).status_code == 403
        once["authorization"] = it.word(told, jti="deed-of-today")
        answer = await http.post("/seals", json=once)
        assert answer.status_code == 200, answer.text
        again = (await http.post("/seals", json=once)).json()
    made = answer.json()
    assert again["promises"] == made["promises"], "it was sealed once"
    pdf = base64.b64decode(made["documents"][0]["content"])
    [root] = it.row("SELECT certificate FROM authority_certificate WHERE kind = 'root'")
    await asyncio.to_thread(judged_by_pdfsig_and_openssl, it.place.directory, pdf, root)
    return made["promises"][0], f"seal:{REGISTRY}:deed-of-today.0"


async def audited(it: House, promise: str, about: str) -> None:
    """The promise was kept, the log is whole, and what is altered in it is found."""
    directory, run = it.place.directory, it.place.run
    await it.logged()
    verified = await run("audit", "verify", "--log", "keys", "--json")
    (directory / "kept.json").write_text(verified)
    assert json.loads(verified)["size"] == it.row("SELECT count(*) FROM audit_entry")[0]
    (directory / "promise").write_text(promise)
    (directory / "proof").write_text(await run("audit", "prove", about))
    shown = await run("audit", "check-proof", str(directory / "promise"), str(directory / "proof"))
    assert "document.sealed" in shown
    exported = await run("audit", "export", str(directory / "copy"))
    assert "files in" in exported and (directory / "copy" / "tile").is_dir()
    [details] = it.row(f"SELECT details FROM audit_entry WHERE about = '{about}'")
    lie = details.replace(REGISTRY, "tax-office-00")
    it.row(f"UPDATE audit_entry SET details = '{lie}' WHERE about = '{about}'")
    kept = str(directory / "kept.json")
    found = await it.fails("audit", "verify", "--log", "keys", "--against", kept)
    assert found.startswith("BROKEN keys: ")


async def ended(it: House) -> None:
    """An organisation that is disabled is listed so, and its key is gone."""
    changed = await it.place.run("seals", "change", REGISTRY, "--per-day", "7")
    assert "documents a day  7; today 1" in changed
    await it.place.run("seals", "disable", REGISTRY)
    [listed] = json.loads(await it.place.run("seals", "list", "--json"))
    assert listed["disabled_at"] and (listed["id"], listed["per_day"]) == (REGISTRY, 7)
    assert not listed["kid"]
