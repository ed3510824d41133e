"""A service that signs for the judges: a key service of its own, and the flow that signs."""

import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec

from config.runtime.cache import Cache
from config.runtime.clock import SystemClock
from config.runtime.database.connect import open_database
from config.settings.esignet import Esignet
from config.wiring.migrations import KEYSTORE, migrate
from config.wiring.verifying import every_format
from esignet.evidence.timestamps.own import OwnStamps
from esignet.flows.signing import Signing, order_of
from esignet.flows.signing_parts import Part
from esignet.formats.format import Evidence, Item, Level, Wish
from esignet.pdf.pool import Bounds, PdfPool
from keystore.checking.timestamp import read_token
from keystore.signing.digests import HashAlgorithm
from keystore.signing.door import AuthorityShown, EvidenceFile, Imprint
from tests.keyrings import software_backend
from tests.sealing import Office
from tests.signing_house import HOLDER, SHA256, SigningHouse, approval, signing_house


@dataclass(frozen=True, kw_only=True)
class Case:
    """What is signed: ``items`` in ``format`` with ``wish``; ``beside`` if they stay outside.

    ``of`` are the documents of a signature that is signed once more.
    """

    name: str
    format: str
    items: Sequence[Item]
    wish: Wish
    beside: bool = False
    of: Sequence[Item] = ()

    def part(self, level: Level) -> Part:
        """What is asked of the flow that signs."""
        form = every_format()[self.format]
        prepared = form.prepare(self.items, self.wish)
        return Part(form, replace(prepared, items=tuple(self.of) or prepared.items), level)


@dataclass(frozen=True)
class Signer:
    """Signs what cases ask for through a key service; ``certified`` is who has signed."""

    house: SigningHouse
    signing: Signing
    certified: list[bytes] = field(default_factory=list)

    async def sign(self, some: Sequence[tuple[Case, Level]], **holder: str) -> list[bytes]:
        """Each signature, all under one approval of somebody who is called so."""
        parts = [case.part(level) for case, level in some]
        digests = [digest for part in parts for digest in part.prepared.digests]
        [commitment] = {case.wish.commitment for case, _ in some}
        subject = msgspec.structs.replace(HOLDER, **holder)
        approved = approval(*digests, holder=subject, commitment=commitment)
        activation = await self.house.idp.activate(approved)
        signed = await self.signing.signed(activation, parts)
        made = await self.signing.finished(parts, signed)
        self.certified.extend(one.certificate for one in made)
        return [one.document for one in made]

    async def seal(self, case: Case, level: Level, office: Office) -> bytes:
        """A seal of an organisation."""
        part = case.part(level)
        word = office.authorizes(*part.prepared.digests, plans=[part.prepared.plan])
        signed = await self.house.esignet.seal_documents(order_of(word, [part]))
        [made] = await self.signing.finished([part], signed)
        return made.document

    async def evidence(self, case: Case) -> bytes:
        """A bundle of evidence, sealed as the service seals it."""
        files = [EvidenceFile(one.name, one.media_type, one.digest) for one in case.items]
        signed = await self.house.esignet.seal_evidence(files)
        [made] = await self.signing.finished([case.part(Level.B_LT)], [signed])
        return made.document

    async def renewed(self, case: Case, signature: bytes) -> bytes:
        """A signature at B-LTA with a second archive time-stamp, as for the next decades."""
        form = every_format()[case.format]
        items = case.items if case.beside else ()
        imprint = Imprint(SHA256, SHA256.of(form.to_archive(signature, items)))
        [token] = await self.house.esignet.timestamps([imprint])
        stamper = read_token(token).certificate
        ocsp = tuple(await self.house.esignet.statuses([stamper]))
        shown = await self.house.esignet.authority()
        more = Evidence(timestamp=token, certificates=(stamper,), ocsp=ocsp, crls=shown.crls)
        return form.augment(signature, Level.B_LTA, more)

    async def trusted(self) -> dict[str, bytes]:
        """The root, and what tells at B-B and B-T whether somebody was revoked, as files."""
        esignet = self.house.esignet
        shown = await esignet.authority()
        [token] = await esignet.timestamps([Imprint(SHA256, bytes(SHA256.length))])
        answers = await esignet.statuses([*self.certified, read_token(token).certificate])
        return {
            "root.der": shown.chains[0][-1],
            **{f"ocsp/{place}.der": one for place, one in enumerate(answers)},
            **{f"crl/{place}.der": one for place, one in enumerate(shown.crls)},
        }


@asynccontextmanager
async def signer(settings: Esignet) -> AsyncIterator[Signer]:
    """A key service with a database of its own, for as long as the block lasts."""
    with tempfile.TemporaryDirectory() as place:
        directory = Path(place)
        url = f"sqlite:///{directory / 'keys.db'}"
        migrate(url, KEYSTORE)
        database, pdf = await open_database(url), PdfPool(Bounds(workers=1))
        backend = software_backend(directory)
        async with signing_house(backend, database, directory, settings) as house:
            shown: Cache[str, AuthorityShown] = Cache(SystemClock(), entries=1, seconds=60)
            stamps = OwnStamps(house.esignet)
            signing = Signing(documents=house.esignet, stamps=stamps, pdf=pdf, shown=shown)
            yield Signer(house, signing)
        await pdf.close()
        await database.close()


def item(name: str, content: bytes, media_type: str = "text/plain") -> Item:
    """A document that is given."""
    digest = HashAlgorithm.SHA256.of(content)
    return Item(name=name, digest=digest, content=content, media_type=media_type)
