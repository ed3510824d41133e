"""Signatures come with their time-stamps and the status of their certificates, in one answer."""

import hashlib
import tempfile
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from config.runtime.cache import Cache
from config.runtime.clock import SystemClock
from config.runtime.database.connect import OpenDatabase
from esignet.evidence.timestamps.own import OwnStamps
from esignet.flows.signing import Signing, order_of
from esignet.flows.signing_parts import Part
from esignet.formats import asic_cades, asic_xades, cades, cose, jades, jws, xades
from esignet.formats.format import Format, Item, Level, Wish
from esignet.pdf.pool import PdfPool
from keystore.door import KeyServiceUnavailable
from keystore.service.document_client import DocumentClient
from keystore.signing.door import Beside
from keystore.timestamping.stamping import Stamping
from tests.keyrings import software_backend
from tests.signing_house import SigningHouse, approval, signing_house

pytestmark = pytest.mark.server

CONTENT = (
    b'<!-- a deed --><deed xmlns:ds="http://www.w3.org/2000/09/xmldsig#" xmlns="urn:d">x</deed>'
)
ITEM = Item(name="deed.xml", digest=hashlib.sha256(CONTENT).digest(), content=CONTENT)


@pytest.fixture(params=["sqlite"])
def database_kind(request: pytest.FixtureRequest) -> str:
    """What the rows are has nothing to do with what comes beside a signature."""
    return str(request.param)


@pytest.fixture
async def house(database: OpenDatabase, tmp_path: Path) -> AsyncIterator[SigningHouse]:
    with tempfile.TemporaryDirectory() as sockets:
        async with signing_house(software_backend(tmp_path), database, Path(sockets)) as made:
            yield made


@dataclass
class Listening:
    """The key service, which is heard being asked for what did not come along."""

    real: DocumentClient
    asked: list[str]

    def __getattr__(self, name: str) -> Any:
        if name in ("timestamps", "statuses"):
            self.asked.append(name)
        return getattr(self.real, name)


def signing(documents: Any) -> Signing:
    shown: Any = Cache(SystemClock(), entries=1, seconds=60)
    return Signing(documents=documents, stamps=OwnStamps(documents), pdf=PdfPool(), shown=shown)


async def activated(house: SigningHouse, parts: Sequence[Part]) -> str:
    return await house.idp.activate(approval(*(d for part in parts for d in part.prepared.digests)))


def part(form: Format, envelope: str, level: Level = Level.B_LT) -> Part:
    return Part(form, form.prepare([ITEM], Wish(envelope=envelope)), level)


def pairs() -> list[tuple[Format, str, Level]]:
    """Every way to sign an XML document whose signature can carry a time-stamp."""
    inside = [(xades.FORMAT, one) for one in ("detached", "enveloping", "enveloped", "parallel")]
    others = [(cades.FORMAT, "detached"), (cades.FORMAT, "enveloping"), (jades.FORMAT, "detached")]
    containers = [(asic_cades.FORMAT, "asic-e"), (asic_cades.FORMAT, "asic-s")]
    containers += [(asic_xades.FORMAT, "asic-e")]
    return [
        *((form, one, Level.B_LT) for form, one in (*inside, *others, *containers)),
        (cose.FORMAT, "hashed", Level.B_T),
    ]


@pytest.mark.parametrize(
    ("form", "envelope", "level"), pairs(), ids=lambda one: getattr(one, "name", str(one))
)
async def test_what_comes_along_is_what_the_format_has_stamped(
    house: SigningHouse, form: Format, envelope: str, level: Level
) -> None:
    listening = Listening(house.esignet, [])
    parts = [part(form, envelope, level)]
    approved: Any = SimpleNamespace(activation=await activated(house, parts))
    [made] = await signing(listening).made(approved, parts, SystemClock().now())
    [found] = form.check(made.document, [ITEM])
    assert (found.level, found.problems) == (level, ())
    assert listening.asked == []


async def test_the_same_order_has_the_same_signature_and_a_stamp_of_its_own(
    house: SigningHouse,
) -> None:
    parts = [part(cades.FORMAT, "detached")]
    order = order_of(await activated(house, parts), parts)
    first = await house.esignet.sign_attested(order, Beside.STATUSES)
    again = await house.esignet.sign_attested(order, Beside.STATUSES)
    assert again.signed == first.signed == await house.esignet.sign_documents(order)
    assert again.timestamps != first.timestamps
    assert first.statuses.keys() == again.statuses.keys()
    assert first.signed[0].certificate in first.statuses


async def test_nothing_comes_beside_what_has_no_place_for_it(house: SigningHouse) -> None:
    parts = [part(jws.FORMAT, "detached", Level.B_B)]
    order = order_of(await activated(house, parts), parts)
    made = await house.esignet.sign_attested(order, Beside.STATUSES)
    assert made.signed and not made.timestamps and not made.statuses


async def test_a_clock_that_is_not_trusted_costs_no_signature(
    house: SigningHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unsure(*_: object) -> list[bytes]:
        raise KeyServiceUnavailable("the clock cannot be stamped with now")

    monkeypatch.setattr(Stamping, "tokens", unsure)
    parts = [part(cades.FORMAT, "detached")]
    order = order_of(await activated(house, parts), parts)
    made = await house.esignet.sign_attested(order, Beside.STATUSES)
    assert made.signed and not made.timestamps
    with pytest.raises(KeyServiceUnavailable):
        await signing(house.esignet).finished(parts, made)
    monkeypatch.undo()
    [done] = await signing(house.esignet).finished(parts, made)
    [found] = cades.FORMAT.check(done.document, [ITEM])
    assert found.level is Level.B_LT
