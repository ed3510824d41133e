"""What a client calls a resident (OpenID Connect Core 1.0 §8): made once, then read."""

from base64 import urlsafe_b64encode
from typing import Protocol

from config.runtime.database.unit import Write
from idp.protocol.client import Client
from idp.stores.subjects import Subjects
from keystore.door import Door, MacPurpose


class SubjectStores(Protocol):
    @property
    def subjects(self) -> Subjects: ...


class Naming(Protocol):
    """What is needed to name a resident; a LoginGround has it."""

    @property
    def issuer(self) -> str: ...

    @property
    def door(self) -> Door: ...

    @property
    def stores(self) -> SubjectStores: ...


def sector_of(ground: Naming, client: Client) -> str:
    """Return among whom a resident is called the same. Public subjects have one sector: the issuer
    (§8.1).
    """
    return client.sector if client.subject_type == "pairwise" else ground.issuer


async def subject_of(ground: Naming, client: Client, resident_id: str) -> tuple[str, Write | None]:
    """Return the subject, and the write that keeps it when it is new."""
    return await subject_in(ground, sector_of(ground, client), resident_id)


async def subject_in(ground: Naming, sector: str, resident_id: str) -> tuple[str, Write | None]:
    """Return what a sector calls a resident, and the write that keeps it when it is new.

    256 bits of a keyed hash of issuer, sector and resident, so that nobody without the key service
    can tell whose it is or link two sectors.
    """
    stored = await ground.stores.subjects.find(ground.issuer, sector, resident_id)
    if stored is not None:
        return stored, None
    message = "\0".join((ground.issuer, sector, resident_id)).encode()
    newest, *_ = await ground.door.mac(MacPurpose.SUBJECT, message)
    subject = urlsafe_b64encode(newest.value).rstrip(b"=").decode()
    return subject, ground.stores.subjects.keep(ground.issuer, sector, resident_id, subject)
