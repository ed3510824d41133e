"""XAdES, JAdES, JWS, COSE and ASiC with XAdES, through the key service and its time-stamps."""

import hashlib
import tempfile
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from config.runtime.clock import SystemClock
from config.runtime.database.connect import OpenDatabase
from config.wiring.verifying import every_format
from esignet.formats import asic_xades, jades
from esignet.formats.format import Evidence, Format, Item, Level, Prepared, Wish
from esignet.protocol.indications import Indication
from esignet.validation.engine import Trust
from esignet.validation.reading import validate
from keystore.checking.timestamp import read_token
from keystore.signing.door import Imprint, Signed, SigningOrder
from tests.keyrings import software_backend
from tests.signing_house import SHA256, SigningHouse, approval, signing_house

pytestmark = pytest.mark.server

TEXT = b"I owe you nothing."
XML = b'<a:debt xmlns:a="urn:a" xmlns="urn:b"><!-- really --><sum of="0"/></a:debt>'
JSON = b'{"debt": 0}'
YEARS = 3 * 366 * 86_400
CASES = [
    ("xades", "detached", TEXT, Level.B_LTA),
    ("xades", "enveloping", TEXT, Level.B_LTA),
    ("xades", "enveloped", XML, Level.B_LTA),
    ("xades", "parallel", XML, Level.B_LTA),
    ("jades", "detached", JSON, Level.B_LTA),
    ("asic_xades", "asic-e", TEXT, Level.B_LTA),
    ("asic_xades", "asic-s", JSON, Level.B_LTA),
    ("jws", "detached", JSON, Level.B_B),
    ("cose", "detached", TEXT, Level.B_T),
    ("cose", "hashed", TEXT, Level.B_T),
]
LADDER = [Level.B_T, Level.B_LT, Level.B_LTA]


@pytest.fixture
async def house(database: OpenDatabase, tmp_path: Path) -> AsyncIterator[SigningHouse]:
    backend = software_backend(tmp_path)
    with tempfile.TemporaryDirectory() as sockets:
        async with signing_house(backend, database, Path(sockets)) as made:
            yield made
            assert backend.live == 0, "every one-time key is gone"


def item(name: str, content: bytes) -> Item:
    return Item(name=name, digest=hashlib.sha256(content).digest(), content=content)


async def signed(house: SigningHouse, *prepared: Prepared) -> list[Signed]:
    digests = prepared[0].digests
    activation = await house.idp.activate(approval(*digests))
    order = SigningOrder(
        activation=activation,
        hash_algorithm=SHA256,
        digests=digests,
        plans=[one.plan for one in prepared],
    )
    return await house.esignet.sign_documents(order)


async def stamp(house: SigningHouse, covered: bytes) -> bytes:
    [token] = await house.esignet.timestamps([Imprint(SHA256, SHA256.of(covered))])
    return token


async def raised(
    house: SigningHouse, form: Format, one: Signed, signature: bytes, items: Sequence[Item]
) -> AsyncIterator[tuple[Level, bytes]]:
    """Every level from B-T upwards, as a service makes them."""
    token = await stamp(house, form.to_stamp(signature))
    signature = form.augment(signature, Level.B_T, Evidence(timestamp=token))
    yield Level.B_T, signature
    stamper, shown = read_token(token).certificate, await house.esignet.authority()
    material = Evidence(
        certificates=(one.certificate, stamper, *shown.chains[0]),
        ocsp=tuple(await house.esignet.statuses([one.certificate, stamper])),
        crls=shown.crls,
    )
    signature = form.augment(signature, Level.B_LT, material)
    yield Level.B_LT, signature
    token = await stamp(house, form.to_archive(signature, items))
    yield Level.B_LTA, form.augment(signature, Level.B_LTA, Evidence(timestamp=token))


@pytest.mark.parametrize(("name", "envelope", "content", "highest"), CASES)
async def test_each_level_is_made_by_the_service_and_proved_years_later(
    house: SigningHouse, name: str, envelope: str, content: bytes, highest: Level
) -> None:
    form, document = every_format()[name], item("debt", content)
    prepared = form.prepare([document], Wish(envelope=envelope))
    [one] = await signed(house, prepared)
    trust = Trust(anchors=(one.chain[-1],), stamp_anchors=(one.chain[-1],))
    signature = form.embed(prepared, one)
    [found] = form.check(signature, [document])
    assert (found.problems, found.level) == ((), Level.B_B)
    if highest is Level.B_B:
        return
    async for level, octets in raised(house, form, one, signature, [document]):
        now = SystemClock().now() + (YEARS if level in (Level.B_LT, Level.B_LTA) else 0)
        [judged] = validate(octets, [document], {name: form}, trust, now).signatures
        assert judged.is_proved
        assert not judged.found.problems
        if level in (Level.B_LT, Level.B_LTA):
            assert judged.conclusion.indication is Indication.TOTAL_PASSED
            assert judged.level is level
            [late] = validate(octets, [document], {name: form}, trust, now + YEARS).signatures
            assert late.conclusion.sub_indication == "OUT_OF_BOUNDS_NO_POE"
            assert all("has expired" in stamp.trouble for stamp in late.stamps)
        if level is highest:
            return


@pytest.mark.parametrize("form", [asic_xades.FORMAT, jades.FORMAT])
async def test_a_folder_of_five_hundred_files_is_one_signature(
    house: SigningHouse, form: Format
) -> None:
    files = [item(f"folder/{place}.txt", f"File {place}".encode()) for place in range(500)]
    prepared = form.prepare(files, Wish())
    [one] = await signed(house, prepared)
    signature = form.embed(prepared, one)
    [found] = form.check(signature, files)
    assert (found.problems, len(found.covers)) == ((), 500)


async def test_five_hundred_signatures_are_made_under_one_approval(house: SigningHouse) -> None:
    files = [item(f"{place}.json", f'{{"n": {place}}}'.encode()) for place in range(500)]
    whole = jades.FORMAT.prepare(files, Wish())
    each = [
        Prepared(
            digests=whole.digests,
            plan=type(whole.plan)([file]),  # type: ignore[call-arg, arg-type]
            items=(files[place],),
            wish=whole.wish,
        )
        for place, file in enumerate(whole.plan.files)  # type: ignore[union-attr]
    ]
    made = await signed(house, *each)
    for file, prepared, one in zip(files, each, made, strict=True):
        [found] = jades.FORMAT.check(jades.FORMAT.embed(prepared, one), [file])
        assert (found.problems, found.covers) == ((), (file.name,))
