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
from sqlalchemy import delete, func, select

from config.runtime.clock import SystemClock
from config.runtime.database.connect import OpenDatabase
from config.runtime.database.unit import Statement, Write
from config.runtime.entropy import SystemEntropy
from config.runtime.web import Budget, Web
from esignet.endpoints.seals import SealsEndpoint
from esignet.flows.sealed_documents import SealedElsewhere
from esignet.flows.seals import Seals
from esignet.stores.documents import Upload, document_chunk
from esignet.stores.seals import SealedDocuments, sealed_document
from keystore.purposes import Role
from keystore.seals.wording import plan_hash
from keystore.service.client import KeyServiceClient
from keystore.service.run import socket_path
from keystore.signing.plans import CmsPlan
from tests import large_pdf, pdf_files
from tests.csc import Bearers
from tests.request_world import (
    LARGEST,
    World,
    given,
    known,
    octets,
    request_world,
)
from tests.sealing import Office, enrolled
from tests.unit.web.asking import Asked, ask, web

pytestmark = [
    pytest.mark.server,
    pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True),
]
APPROVAL = "1.2.840.113549.1.9.16.6.5"
KEPT = Statement(select(func.count()).select_from(sealed_document))
LARGE = b"".join(large_pdf.pieces(2 << 20))


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

    async def got(self, path: str, token: str = "office") -> tuple[int, dict[bytes, bytes], bytes]:
        """Return the status, the headers and the whole of an answer that is streamed."""
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        call = Asked("GET", path, [("authorization", f"Bearer {token}")])
        await self.web(call.scope(), call.receiver(), send)
        return (
            sent[0]["status"],
            dict(sent[0]["headers"]),
            b"".join(one["body"] for one in sent[1:]),
        )

    async def uploaded(self, content: bytes, client: str = "office") -> Upload:
        async def pieces() -> AsyncIterator[bytes]:
            yield content

        return await self.world.uploads.taken(client, "application/pdf", pieces())

    def word(self, told: dict[str, Any], **changes: Any) -> str:
        """The organisation's authorization of what it was told."""
        digests = [octets(one["hash"]) for one in told["documentDigests"]]
        assert octets(told["plan_hash"]) == plan_hash(told["plans"])
        return self.office.authorizes(*digests, **{"plan_hash": told["plan_hash"], **changes})


@pytest.fixture
async def sealer(database: OpenDatabase, tmp_path: Path) -> AsyncIterator[Sealer]:
    async with request_world(database, tmp_path) as world:
        office = Office()
        await enrolled(world.house, office)
        tokens = {
            name: replace(one, scope=frozenset(["seals"] if name == "office" else ["signatures"]))
            for name, one in world.bearers.tokens.items()
        }
        tokens["neighbour"] = replace(tokens["office"], client_id="neighbour")
        preparing = world.resuming.signing.preparing
        door = KeyServiceClient(socket_path(world.house.sockets, Role.ESIGNET), SystemClock())
        elsewhere = SealedElsewhere(
            store=SealedDocuments(world.database),
            uploaded=preparing.uploaded,
            door=door,
            entropy=SystemEntropy(),
        )
        endpoint = SealsEndpoint(
            seals=Seals(preparing, world.signing, elsewhere),
            bearers=Bearers(tokens),
            clock=world.clock,
            largest=LARGEST,
        )
        budgets = {"logins": Budget("logins", 100, 10)}
        yield Sealer(world, web(endpoint.routes(), budgets=budgets), office)
        await door.close()


def ran(*words: str, cwd: Path) -> str:
    run = subprocess.run(words, cwd=cwd, capture_output=True, text=True, check=False)
    return run.stdout + run.stderr


async def test_what_a_seal_shows_and_commits_to_is_in_what_was_authorized(
    sealer: Sealer, tmp_path: Path
) -> None:
    document = pdf_files.document()
    body: dict[str, Any] = {
        "format": "pades",
        "level": "B-LTA",
        "commitment": APPROVAL,
        "documents": [given(document, "Deed.pdf")],
        "appearance": {
            **{"box": [20, 50, 260, 130], "text": "Sealed {date}\n{document}"},
            **{"qr": "{validation}", "reason": "Entered", "location": "Utopia"},
        },
    }
    told = await sealer.told(**body)
    assert (told["count"], told["hash_algorithm"]) == (1, "sha256")
    assert msgspec.json.decode(told["plans"]) == [["cms", 0, False, APPROVAL, ""]]
    (one,) = told["documentDigests"]
    before, after = (base64.b64decode(piece) for piece in one["appended"])
    assert hashlib.sha256(document + before + after).digest() == octets(one["hash"])
    assert b"Entered" in before + after and b"Utopia" in before + after
    once = {**body, "signing_time": told["signing_time"], "authorization": sealer.word(told)}
    for changes in (
        {"commitment": "1.2.840.113549.1.9.16.6.1"},
        {"appearance": {**body["appearance"], "reason": "Struck out"}},
        {"appearance": {**body["appearance"], "text": "Void"}},
        {"documents": [given(pdf_files.form(), "Deed.pdf")]},
        {"signing_time": told["signing_time"] - 1},
    ):
        status, refused = await sealer.post({**once, **changes})
        assert (status, refused["error"]) == (403, "not_authorized"), changes
    made = await sealer.told(**once)
    assert (await sealer.told(**once))["promises"] == made["promises"], "it was sealed once"
    (tmp_path / "sealed.pdf").write_bytes(base64.b64decode(made["documents"][0]["content"]))
    said = ran("pdfsig", "-nocert", "sealed.pdf", cwd=tmp_path)
    assert "Signer Certificate Common Name: Land Registry" in said
    assert "Signature is Valid" in said
    assert "Deed.pdf" in ran("pdftotext", "sealed.pdf", "-", cwd=tmp_path)


async def test_a_large_pdf_that_was_uploaded_is_sealed_where_it_lies(
    sealer: Sealer, tmp_path: Path
) -> None:
    assert len(LARGE) > LARGEST
    upload, clock = await sealer.uploaded(LARGE), sealer.world.clock
    clock.at += 600
    body: dict[str, Any] = {
        "format": "pades",
        "level": "B-LTA",
        "documents": [{"name": "Plans.pdf", "document": upload.id}],
    }
    told = await sealer.told(**body)
    (one,) = told["documentDigests"]
    before, after = (base64.b64decode(piece) for piece in one["appended"])
    assert hashlib.sha256(LARGE + before + after).digest() == octets(one["hash"])
    once = {**body, "signing_time": told["signing_time"], "authorization": sealer.word(told)}
    made = await sealer.told(**once)
    assert await sealer.told(**once) == made, "it was sealed once"
    (document,) = made["documents"]
    status, headers, pdf = await sealer.got(document["href"])
    assert (status, headers[b"content-type"]) == (200, b"application/pdf")
    assert b'filename="Plans.pdf"' in headers[b"content-disposition"]
    assert int(headers[b"content-length"]) == len(pdf) and pdf.startswith(LARGE)
    (tmp_path / "sealed.pdf").write_bytes(pdf)
    assert "Signature is Valid" in ran("pdfsig", "-nocert", "sealed.pdf", cwd=tmp_path)
    assert (await sealer.got(document["href"], token="neighbour"))[0] == 404
    assert (await sealer.got("/seals/none"))[0] == 404
    found = await sealer.world.uploads.find(upload.id, "office")
    assert found.expires_at == upload.expires_at + 600, "it lies as long as its seal"
    clock.at += 3599
    assert (await sealer.got(document["href"]))[0] == 200
    await sealer.world.uploads.destroy(upload.id, "office")
    assert (await sealer.got(document["href"]))[0] == 404, "it goes with its document"
    clock.at += 1
    await sealer.world.database.submit(SealedDocuments.prune(clock.now(), 10))
    row = await sealer.world.database.row(KEPT)
    assert row is not None and row[0] == 0


async def test_uploads_of_others_and_small_ones_and_other_formats(sealer: Sealer) -> None:
    mine, other = await sealer.uploaded(LARGE), await sealer.uploaded(LARGE, "another")
    small = await sealer.uploaded(b"A deed.")
    for name in (other.id, "none"):
        documents = [{"name": "a.pdf", "document": name}]
        status, told = await sealer.post({"format": "pades", "documents": documents})
        assert (status, told["error"]) == (422, "invalid_request")
    taken = {
        **{"format": "cades", "level": "B-B", "envelope": "enveloping"},
        "documents": [{"name": "deed.txt", "media_type": "text/plain", "document": small.id}],
    }
    told = await sealer.told(**taken)
    made = await sealer.told(**taken, authorization=sealer.word(told))
    assert b"A deed." in base64.b64decode(made["documents"][0]["content"])
    named = [{"name": "Plans.pdf", "document": mine.id}]
    detached: dict[str, Any] = {"format": "cades", "level": "B-B", "documents": named}
    told = await sealer.told(**detached)
    assert octets(told["documentDigests"][0]["hash"]) == hashlib.sha256(LARGE).digest()
    made = await sealer.told(**detached, authorization=sealer.word(told))
    assert "content" in made["documents"][0]
    await sealer.world.database.submit(Write(Statement(delete(document_chunk)), {}, rows=None))
    status, told = await sealer.post(taken)
    assert (status, told["error"]) == (422, "invalid_request"), "it went while it was read"


async def test_what_no_format_can_state_is_refused(sealer: Sealer) -> None:
    wrong: list[tuple[dict[str, Any], int]] = [
        ({"format": "jws", "level": "B-B", "commitment": APPROVAL}, 422),
        ({"format": "asic_cades", "level": "B-B", "commitment": APPROVAL}, 422),
        ({"format": "cades", "level": "B-B", "commitment": "1.2.3"}, 422),
        ({"format": "cades", "level": "B-B", "commitment": ["1.2.3"]}, 422),
        ({"format": "cades", "level": "B-B", "appearance": {"reason": "Entered"}}, 422),
        ({"format": "pades", "level": "B-B", "appearance": {"reason": "Entered"}}, 422),
        ({"format": "pades", "level": "B-B", "appearance": [{}, {}]}, 400),
    ]
    content = base64.b64encode(b"A deed.").decode()
    for asked, status in wrong:
        one = {"name": "a.txt", "media_type": "text/plain", "content": content}
        documents = [known()] if asked["format"] == "pades" else [one]
        found, told = await sealer.post({**asked, "documents": documents})
        assert (found, told["error"]) == (status, "invalid_request"), (asked, told)
    told = await sealer.told(format="xades", level="B-B", commitment=APPROVAL, documents=[known()])
    assert APPROVAL in told["plans"]


async def test_digests_are_sealed_in_one_step_and_openssl_agrees(
    sealer: Sealer, tmp_path: Path
) -> None:
    content = b"A deed."
    digest = hashlib.sha256(content).digest()
    made = await sealer.told(
        format="cades",
        level="B-LT",
        documents=[known(digest, "deed.txt")],
        authorization=sealer.office.authorizes(digest, plans=[CmsPlan(0, media_type="text/plain")]),
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
    plans = [CmsPlan(0, media_type="text/plain")]
    words = [one.authorizes(digest, plans=plans) for one in (thief, sealer.office)]
    for word in (words[0], sealer.office.authorizes(other, plans=plans), "x.y.z"):
        status, told = await sealer.post({**body, "authorization": word})
        assert (status, told["error"]) == (403, "not_authorized"), told
    word = words[1]
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
