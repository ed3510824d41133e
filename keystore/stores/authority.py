"""What the certificate authority remembers: its own certificates, and every serial it gave out."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, select, update

from config.runtime.database.statements import insert_new
from config.runtime.database.unit import Database, Row, Statement, Write
from keystore.authority.profiles import Kind
from keystore.stores.authority_tables import authority_certificate, issued_certificate

_OWN = Statement(select(authority_certificate).order_by(authority_certificate.c.made_at.desc()))
_NEW_OWN = insert_new(authority_certificate)
_ONE = Statement(
    select(issued_certificate).where(issued_certificate.c.serial == bindparam("serial"))
)
_REVOKED = Statement(
    select(issued_certificate)
    .where(
        issued_certificate.c.issuer_kid == bindparam("issuer"),
        issued_certificate.c.revoked_at.is_not(None),
        issued_certificate.c.not_after > bindparam("now"),
    )
    .order_by(issued_certificate.c.serial)
)
_NEW = insert_new(issued_certificate, "serial", "issuer_kid", "kind", "not_before", "not_after")
_REVOKE = Statement(
    update(issued_certificate)
    .where(
        issued_certificate.c.serial == bindparam("gone"),
        issued_certificate.c.revoked_at.is_(None),
    )
    .values(revoked_at=bindparam("at"), reason=bindparam("why"))
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnCertificate:
    """A certificate (DER) of the key ``kid``, signed by the key ``issuer_kid``."""

    kid: str
    kind: Kind
    issuer_kid: str
    certificate: bytes
    made_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedCertificate:
    """A serial number that was given out. ``revoked_at`` is None while it is good."""

    serial: str
    issuer_kid: str
    kind: Kind
    not_before: int
    not_after: int
    revoked_at: int | None = None
    reason: str | None = None


class AuthorityRecords:
    """In the key service's own database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def own(self) -> list[OwnCertificate]:
        """Return the authority's certificates, the newest first."""
        return [
            OwnCertificate(
                kid=row["kid"],
                kind=Kind(row["kind"]),
                issuer_kid=row["issuer_kid"],
                certificate=bytes(row["certificate"]),
                made_at=row["made_at"],
            )
            for row in await self._database.rows(_OWN)
        ]

    def keep(self, own: OwnCertificate) -> Write:
        """Return the write that remembers a certificate; its issuer's second is refused."""
        return Write(
            _NEW_OWN,
            {
                "kid": own.kid,
                "kind": own.kind.value,
                "issuer_kid": own.issuer_kid,
                "certificate": own.certificate,
                "made_at": own.made_at,
            },
        )

    async def issued(self, serial: str) -> IssuedCertificate | None:
        """Return what is known of a serial number, None if it was never given out."""
        row = await self._database.row(_ONE, serial=serial)
        return None if row is None else _issued(row)

    async def revoked(self, issuer_kid: str, now: int) -> Sequence[IssuedCertificate]:
        """Return what was revoked and has not expired by itself."""
        rows = await self._database.rows(_REVOKED, issuer=issuer_kid, now=now)
        return [_issued(row) for row in rows]

    def issue(self, certificate: IssuedCertificate) -> Write:
        """Return the write that gives out a serial number, which nobody had."""
        return Write(
            _NEW,
            {
                "serial": certificate.serial,
                "issuer_kid": certificate.issuer_kid,
                "kind": certificate.kind.value,
                "not_before": certificate.not_before,
                "not_after": certificate.not_after,
            },
        )

    def revoke(self, serial: str, at: int, reason: str) -> Write:
        """Return the write that revokes a certificate; refused if it is unknown or was revoked."""
        return Write(_REVOKE, {"gone": serial, "at": at, "why": reason})


def _issued(row: Row) -> IssuedCertificate:
    return IssuedCertificate(
        serial=row["serial"],
        issuer_kid=row["issuer_kid"],
        kind=Kind(row["kind"]),
        not_before=row["not_before"],
        not_after=row["not_after"],
        revoked_at=row["revoked_at"],
        reason=row["reason"],
    )
