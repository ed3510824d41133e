"""Attacks on people's stored keys: a signing service that was taken over, a database rewritten."""

import asyncio
import hashlib
import json
import tempfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import func, select, update

from config.runtime.audit.records import entries
from config.runtime.clock import SystemClock
from config.runtime.database.connect import OpenDatabase
from config.runtime.database.unit import Statement, Value, Write
from keystore.authority.revoking import Reason
from keystore.credentials import activation
from keystore.credentials.door import CredentialAct, StoredCredential
from keystore.door import NotPermitted
from keystore.purposes import OwnRing, Role
from keystore.service import document_frames
from keystore.service.connection import Connection
from keystore.service.run import socket_path
from keystore.signing import activation as signing_activation
from keystore.signing.door import NotActivated, SigningOrder
from keystore.signing.plans import CmsPlan, RawPlan
from keystore.stores.authority_tables import issued_certificate
from keystore.stores.credentials import credential
from tests.contracts.test_document_attacks import own_token, raw
from tests.keyrings import software_backend
from tests.signing_house import SETTINGS, SHA256, STORING, SigningHouse, approval, signing_house
from tests.stored_keys import (
    KNOWN_AS,
    OFFICE,
    SUBJECT,
    about,
    created,
    deleted,
    hash_signed,
    signed_with,
)

pytestmark = [pytest.mark.server, pytest.mark.attack("A34")]

DIGEST = hashlib.sha256(b"A contract.\n").digest()
OTHER = hashlib.sha256(b"Another.\n").digest()
BEN = {"subject": "ben-at-esignet", "known_as": "ben-at-the-office"}


@pytest.fixture(params=["sqlite"])
def database_kind(request: pytest.FixtureRequest) -> str:
    """What the rows are, test_stored_credentials holds for both."""
    return str(request.param)


@pytest.fixture
async def house(database: OpenDatabase, tmp_path: Path) -> AsyncIterator[SigningHouse]:
    with tempfile.TemporaryDirectory() as sockets:
        backend = software_backend(tmp_path)
        async with signing_house(backend, database, Path(sockets), STORING) as made:
            yield made


async def signatures(house: SigningHouse) -> int:
    """How many signatures are on record."""
    asked = select(func.count()).where(entries.c.action.in_(("document.signed", "hash.signed")))
    row = await house.database.row(Statement(asked))
    assert row is not None
    return int(row[0])


async def forged(house: SigningHouse, **changes: object) -> str:
    """An activation that only the key service's own key could make, as a test can."""
    usual = approval(DIGEST, **changes)
    claims = signing_activation.claims_of(usual, "j-forged", SystemClock().now())
    return await own_token(house, json.loads(claims))


async def rewritten(house: SigningHouse, one: StoredCredential, **values: Value) -> None:
    """Do as somebody who may write in the database."""
    statement = update(credential).where(credential.c.id == one.id).values(**values)
    await house.database.submit(Write(Statement(statement), {}))


async def row_of(house: SigningHouse, one: StoredCredential) -> dict[str, Any]:
    asked = Statement(select(credential).where(credential.c.id == one.id))
    row = await house.database.row(asked)
    assert row is not None
    return {column.name: row[column.name] for column in credential.columns}


async def test_nobody_signs_with_somebody_else_s_key(house: SigningHouse) -> None:
    one = await created(house)
    for whose in ({"subject": BEN["subject"]}, {"client_id": "another"}):
        with pytest.raises(NotPermitted, match="no such credential"):
            await house.idp.activate(approval(DIGEST, credential=one.id, **whose))
        with pytest.raises(NotPermitted, match="no such credential"):
            token = await forged(house, credential=one.id, **whose)
            await signed_with(house, one, DIGEST, activation=token)
        with pytest.raises(NotPermitted, match="no such credential"):
            await deleted(house, one, **whose)
    assert await house.esignet.credentials("another", KNOWN_AS) == []
    assert await house.esignet.credentials(OFFICE, BEN["known_as"]) == []
    assert await signatures(house) == 0


COLUMNS = [
    column.name for column in credential.columns if column.name not in ("id", "used_at", "shown_to")
]


@pytest.mark.parametrize("column", COLUMNS)
async def test_a_row_that_took_anything_from_another_is_refused_by_name(
    house: SigningHouse, column: str
) -> None:
    ana, ben = await created(house), await created(house, **BEN)
    token = await house.idp.activate(approval(DIGEST, credential=ana.id))
    theirs: Value = (await row_of(house, ben))[column]
    if column in ("client_id", "state", "algorithm", "wrapped_by", "bound_by", "named_by"):
        theirs = "another"
    if column in ("created_at", "expires_at"):
        theirs = SystemClock().now() + 10_000
    if column == "attributes":
        theirs = b'{"CKA_NEVER_EXTRACTABLE":true}'
    await rewritten(house, ana, **{column: theirs})
    for attempt in (
        signed_with(house, ana, DIGEST, activation=token),
        house.idp.activate(approval(DIGEST, credential=ana.id)),
        deleted(house, ana),
    ):
        with pytest.raises(NotPermitted, match=f"row of the stored credential {ana.id} was alter"):
            await attempt
    assert await signatures(house) == 0


async def test_a_whole_row_under_another_name_is_refused(house: SigningHouse) -> None:
    ana, ben = await created(house), await created(house, **BEN)
    theirs = await row_of(house, ben)
    del theirs["id"]
    await rewritten(house, ana, **theirs)
    with pytest.raises(NotPermitted, match="altered"):
        await signed_with(house, ana, DIGEST, activation=await forged(house, credential=ana.id))
    for known_as in (KNOWN_AS, BEN["known_as"]):
        found = await house.esignet.credentials(OFFICE, known_as)
        assert ana.id not in [one.id for one in found]


async def test_a_row_that_is_shown_to_others_is_shown_to_nobody(house: SigningHouse) -> None:
    ana, ben = await created(house), await created(house, **BEN)
    await rewritten(house, ana, shown_to=(await row_of(house, ben))["shown_to"])
    assert [one.id for one in await house.esignet.credentials(OFFICE, BEN["known_as"])] == [ben.id]
    assert await house.esignet.credentials(OFFICE, KNOWN_AS) == []


async def test_a_row_that_comes_back_after_its_end_is_revoked(house: SigningHouse) -> None:
    one = await created(house)
    before = await row_of(house, one)
    await deleted(house, one)
    await house.database.submit(Write(Statement(credential.insert().values(**before)), {}))
    with pytest.raises(NotPermitted, match="revoked"):
        await house.idp.activate(approval(DIGEST, credential=one.id))
    await rewritten_serial(house, one)
    with pytest.raises(NotPermitted, match="revoked"):
        await house.idp.activate(approval(DIGEST, credential=one.id))


async def rewritten_serial(house: SigningHouse, one: StoredCredential) -> None:
    """Take away what says that the certificate was revoked: it was never given out then."""
    gone = issued_certificate.delete().where(issued_certificate.c.serial == one.serial)
    await house.database.submit(Write(Statement(gone), {}))


async def test_what_was_approved_for_one_thing_is_good_for_nothing_else(
    house: SigningHouse,
) -> None:
    one = await created(house)
    creation = await house.idp.activate_credential(about(CredentialAct.CREATE))
    deletion = await house.idp.activate_credential(about(CredentialAct.DELETE, credential=one.id))
    signature = await house.idp.activate(approval(DIGEST, credential=one.id))
    for token in (deletion, signature):
        with pytest.raises(NotActivated):
            await house.esignet.create_credential(token)
    for token in (creation, signature):
        with pytest.raises(NotActivated):
            await house.esignet.delete_credential(token)
    for token in (creation, deletion):
        with pytest.raises(NotActivated):
            await signed_with(house, one, DIGEST, activation=token)
    claims = activation.claims_of(about(CredentialAct.CREATE), "j-1", SystemClock().now())
    said = json.loads(claims)
    for wrong in (
        await own_token(house, said, typ=signing_activation.TYP),
        await own_token(house, said, OwnRing.AUDIT, activation.TYP),
        await own_token(house, {**said, "aud": "somebody"}, typ=activation.TYP),
        await own_token(house, {**said, "exp": said["exp"] + 1000}, typ=activation.TYP),
        await own_token(house, {**said, "act": "list"}, typ=activation.TYP),
    ):
        with pytest.raises(NotActivated):
            await house.esignet.create_credential(wrong)
    assert len(await house.esignet.credentials(OFFICE, KNOWN_AS)) == 1


async def test_an_activation_makes_one_key_however_often_it_is_tried(house: SigningHouse) -> None:
    token = await house.idp.activate_credential(about(CredentialAct.CREATE))
    tries = (house.esignet.create_credential(token) for _ in range(6))
    answers = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(one, StoredCredential) for one in answers) == 1
    assert sum(isinstance(one, NotActivated) for one in answers) == 5
    assert len(await house.esignet.credentials(OFFICE, KNOWN_AS)) == 1


async def test_a_digest_of_a_document_is_not_signed_as_it_is(house: SigningHouse) -> None:
    one = await created(house)
    document = await house.idp.activate(approval(DIGEST, credential=one.id))
    with pytest.raises(NotActivated):
        await signed_with(house, one, DIGEST, RawPlan(0), activation=document)
    hashed = await house.idp.activate(approval(DIGEST, credential=one.id, raw=True))
    with pytest.raises(NotActivated):
        await signed_with(house, one, DIGEST, CmsPlan(0), activation=hashed)
    with pytest.raises(NotActivated):
        await signed_with(house, one, OTHER, RawPlan(0), activation=hashed)
    one_time = await house.idp.activate(approval(DIGEST))
    with pytest.raises(NotActivated):
        await signed_with(house, one, DIGEST, RawPlan(0), activation=one_time)
    with pytest.raises(NotPermitted):
        await house.idp.activate(approval(DIGEST, raw=True))
    assert await signatures(house) == 0


async def test_a_deployment_that_signs_no_hashes_signs_none(
    database: OpenDatabase, tmp_path: Path
) -> None:
    settings = msgspec.structs.replace(STORING, sign_hash=False)
    with tempfile.TemporaryDirectory() as sockets:
        backend = software_backend(tmp_path)
        async with signing_house(backend, database, Path(sockets), settings) as house:
            one = await created(house)
            with pytest.raises(NotPermitted, match="hashes"):
                await hash_signed(house, one, DIGEST)
            with pytest.raises(NotPermitted, match="hashes"):
                token = await forged(house, credential=one.id, raw=True)
                await signed_with(house, one, DIGEST, RawPlan(0), activation=token)
            assert await signed_with(house, one, DIGEST)


async def test_a_deployment_that_stores_no_keys_makes_none(
    database: OpenDatabase, tmp_path: Path
) -> None:
    with tempfile.TemporaryDirectory() as sockets:
        backend = software_backend(tmp_path)
        async with signing_house(backend, database, Path(sockets), SETTINGS) as house:
            for attempt in (
                created(house),
                house.esignet.credentials(OFFICE, KNOWN_AS),
                house.idp.activate(approval(DIGEST, credential="c-1")),
            ):
                with pytest.raises(NotPermitted):
                    await attempt


async def test_a_key_whose_certificate_was_revoked_signs_no_more(house: SigningHouse) -> None:
    one = await created(house)
    before = await house.idp.activate(approval(DIGEST, credential=one.id))
    operator = Connection(socket_path(house.sockets, Role.OPERATOR), 10, lambda: None)
    try:
        await operator.ask(
            lambda n: document_frames.RevokeCertificate(n, one.serial, Reason.KEY_COMPROMISE)
        )
    finally:
        await operator.close()
    with pytest.raises(NotPermitted, match="revoked"):
        await signed_with(house, one, DIGEST, activation=before)
    [shown] = await house.esignet.credentials(OFFICE, KNOWN_AS)
    assert shown.is_revoked
    await deleted(house, one)
    assert await house.esignet.credentials(OFFICE, KNOWN_AS) == []


async def test_a_destroyed_key_signs_nothing_that_was_approved_before(house: SigningHouse) -> None:
    one = await created(house)
    before = await house.idp.activate(approval(DIGEST, credential=one.id))
    await deleted(house, one)
    with pytest.raises(NotPermitted, match="no such credential"):
        await signed_with(house, one, DIGEST, activation=before)
    assert await signatures(house) == 0


async def test_each_socket_has_its_own_verbs(house: SigningHouse) -> None:
    one = await created(house)
    approved = about(CredentialAct.CREATE)
    token = await house.idp.activate_credential(approved)
    attempts: list[Callable[[], Any]] = [
        lambda: house.esignet.activate_credential(approved),
        lambda: house.idp.create_credential(token),
        lambda: house.idp.delete_credential(token),
        lambda: house.idp.credentials(OFFICE, KNOWN_AS),
        lambda: house.idp.sign_documents(signing_order(DIGEST)),
    ]
    for attempt in attempts:
        with pytest.raises(NotPermitted, match="may not"):
            await attempt()
    evil = b"\x30 finished octets"
    for frame in (
        ["create_credential", 1, evil],
        ["create_credential", 1],
        ["delete_credential", 1, [one.id]],
        ["sign_credential", 1, one.id, [evil]],
        ["unwrap", 1, one.id],
        ["sign_documents", 1, token, "sha256", [DIGEST], [["raw", evil]], True],
    ):
        assert await raw(house, frame) == b""


def signing_order(digest: bytes) -> SigningOrder:
    return SigningOrder(
        activation="a.b.c", hash_algorithm=SHA256, digests=[digest], plans=[CmsPlan(0)]
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"act": CredentialAct.DELETE},
        {"credential": "c-1"},
        {"known_as": ""},
        {"subject": "x" * 300},
        {"consent": b"short"},
        {"acr": ""},
    ],
)
async def test_approvals_that_make_no_sense_are_refused(
    house: SigningHouse, changes: dict[str, object]
) -> None:
    with pytest.raises(NotPermitted):
        wrong = msgspec.structs.replace(about(CredentialAct.CREATE), **changes)
        await house.idp.activate_credential(wrong)


async def test_the_kept_row_tells_nobody_s_name(house: SigningHouse) -> None:
    one = await created(house)
    row = await row_of(house, one)
    octets = b"".join(value if isinstance(value, bytes) else b"" for value in row.values())
    said = (
        octets.replace(row["chain"], b"")
        + json.dumps(
            {name: value for name, value in row.items() if not isinstance(value, bytes)}
        ).encode()
    )
    for name in (SUBJECT, KNOWN_AS):
        assert name.encode() not in said
