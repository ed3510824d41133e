"""Documents are sealed for an organisation, over the real key service, judged by other engines."""

import base64
import hashlib
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from config.runtime.database.connect import OpenDatabase
from config.runtime.web import Budget, Web
from config.wiring.verifying import every_format
from esignet.endpoints.seals import SealsEndpoint
from esignet.flows.appearing import Looks
from esignet.flows.preparing import Preparing
from esignet.flows.seals import Seals
from esignet.flows.uploaded import Uploaded
from tests import pdf_files
from tests.csc import Bearers
from tests.request_world import LARGEST, World, given, known, octets, request_world
from tests.sealing import Office, enrolled
from tests.unit.web.asking import Asked, ask, web

pytestmark = pytest.mark.server


@dataclass(frozen=True)
class Sealer:
    """The address of seals, and an organisation that is enrolled."""

    world: World
    web: Web
    office: Office

    async def post(self, body: object, token: str = "office") -> tuple[int, Any]:
        raw = body if isinstance(body, bytes) else msgspec.json.encode(body)
        sent = {"content-type": "application/json", "content-length": f"{len(raw)}"}
        if token:
            sent["authorization"] = f"Bearer {token}"
        reply = await ask(self.web, Asked("POST", "/seals", list(sent.items()), [raw]))
        return reply.status, msgspec.json.decode(reply.body)

    async def told(self, **body: object) -> dict[str, Any]:
        status, told = await self.post(body)
        assert status == 200, told
        return dict(told)

    def word(self, told: dict[str, Any], **changes: Any) -> str:
        """The organisation's authorization of what it was told."""
        digests = [octets(one["hash"]) for one in told["documentDigests"]]
        return self.office.authorizes(*digests, **changes)


@pytest.fixture
async def sealer(database: OpenDatabase, tmp_path: Path) -> AsyncIterator[Sealer]:
    async with request_world(database, tmp_path) as world:
        office = Office()
        await enrolled(world.house, office)
        tokens = {
            name: replace(one, scope=frozenset(["seals"] if name == "office" else ["signatures"]))
            for name, one in world.bearers.tokens.items()
        }
        uploaded = Uploaded(uploads=world.uploads, pdf=world.signing.pdf, largest=LARGEST)
        preparing = Preparing(
            formats=every_format(),
            pdf=world.signing.pdf,
            uploaded=uploaded,
            looks=Looks(validation=""),
        )
        endpoint = SealsEndpoint(
            seals=Seals(preparing, world.signing),
            bearers=Bearers(tokens),
            clock=world.clock,
            largest=LARGEST,
        )
        budgets = {"logins": Budget("logins", 100, 10)}
        yield Sealer(world, web(endpoint.routes(), budgets=budgets), office)


def ran(*words: str, cwd: Path) -> str:
    run = subprocess.run(words, cwd=cwd, capture_output=True, text=True, check=False)
    return run.stdout + run.stderr


async def test_a_pdf_is_sealed_at_b_lta_in_two_steps_and_pdfsig_names_the_organisation(
    sealer: Sealer, tmp_path: Path
) -> None:
    body: dict[str, Any] = {
        "format": "pades",
        "level": "B-LTA",
        "documents": [given(pdf_files.form())],
    }
    told = await sealer.told(**body)
    assert (told["count"], told["hash_algorithm"]) == (1, "sha256")
    word = sealer.word(told, list_hash=told["list_hash"])
    made = await sealer.told(**body, signing_time=told["signing_time"], authorization=word)
    (tmp_path / "sealed.pdf").write_bytes(base64.b64decode(made["documents"][0]["content"]))
    said = ran("pdfsig", "-nocert", "sealed.pdf", cwd=tmp_path)
    assert "Signer Certificate Common Name: Land Registry" in said
    assert "Signature is Valid" in said
    again = await sealer.told(**body, signing_time=told["signing_time"], authorization=word)
    assert again["promises"] == made["promises"], "it was sealed once"


async def test_digests_are_sealed_in_one_step_and_openssl_agrees(
    sealer: Sealer, tmp_path: Path
) -> None:
    content = b"A deed."
    digest = hashlib.sha256(content).digest()
    made = await sealer.told(
        format="cades",
        level="B-LT",
        documents=[known(digest, "deed.txt")],
        authorization=sealer.office.authorizes(digest),
    )
    (tmp_path / "s.p7s").write_bytes(base64.b64decode(made["documents"][0]["content"]))
    (tmp_path / "content").write_bytes(content)
    root = x509.load_der_x509_certificate((tmp_path / "root.der").read_bytes())
    (tmp_path / "root.pem").write_bytes(root.public_bytes(Encoding.PEM))
    words = "cms -verify -cades -binary -inform DER -purpose any -in s.p7s -content content"
    said = ran("openssl", *words.split(), "-CAfile", "root.pem", "-out", "out", cwd=tmp_path)
    assert "CAdES Verification successful" in said


@pytest.mark.attack("A34")
async def test_the_service_with_its_token_seals_nothing_that_was_not_authorized(
    sealer: Sealer,
) -> None:
    digest, other = (hashlib.sha256(text).digest() for text in (b"1", b"2"))
    body: dict[str, Any] = {"format": "cades", "level": "B-B", "documents": [known(digest)]}
    thief = Office()
    for word in (thief.authorizes(digest), sealer.office.authorizes(other), "x.y.z"):
        status, told = await sealer.post({**body, "authorization": word})
        assert (status, told["error"]) == (403, "not_authorized"), told
    word = sealer.office.authorizes(digest)
    assert (await sealer.post({**body, "authorization": word}))[0] == 200
    status, told = await sealer.post(
        {**body, "authorization": word, "documents": [known(digest, "b.txt"), known(other)]}
    )
    assert (status, told["error"]) == (403, "not_authorized")


async def test_every_refusal_is_typed(sealer: Sealer) -> None:
    body: dict[str, Any] = {"format": "cades", "level": "B-B", "documents": [known()]}
    now = sealer.world.clock.now()
    wrong: list[tuple[object, int, str]] = [
        ({**body, "format": "odf"}, 422, "invalid_request"),
        ({**body, "level": "B-X"}, 422, "invalid_request"),
        ({**body, "signers": [{"label": "x"}]}, 400, "invalid_request"),
        ({**body, "authorization": 7}, 400, "invalid_request"),
        ({**body, "authorization": "é"}, 400, "invalid_request"),
        ({**body, "signing_time": "now"}, 400, "invalid_request"),
        ({**body, "signing_time": True}, 400, "invalid_request"),
        ({**body, "signing_time": now - 4000}, 400, "invalid_request"),
        ({**body, "documents": []}, 400, "invalid_request"),
        ([], 400, "invalid_request"),
        (b"{", 400, "invalid_request"),
    ]
    for asked, status, error in wrong:
        found, told = await sealer.post(asked)
        assert (found, told["error"]) == (status, error), (asked, told)
    assert (await sealer.post(body, token="another"))[0] == 403
    assert (await sealer.post(body, token=""))[0] == 401
