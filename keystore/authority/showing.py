"""What anybody may have of the authority: its chains, and lists of what it took back."""

from cryptography import x509

from config.runtime.database.unit import Database
from keystore.authority.authority import Authority
from keystore.authority.lists import LIFETIME, ROOT_LIFETIME, revocation_list
from keystore.authority.profiles import Kind
from keystore.door import KeyServiceUnavailable
from keystore.rotation import KeyVersion
from keystore.signing.door import AuthorityShown
from keystore.stores.authority import AuthorityRecords, OwnCertificate

KEPT = 600
"""Seconds for which a list is shown before it is made anew: whoever asks costs no signature."""


class Showing:
    """Chains and lists; lists are signed when they are asked for."""

    def __init__(self, authority: Authority, database: Database) -> None:
        self._authority = authority
        self._records = AuthorityRecords(database)
        self._lists: dict[str, tuple[int, bytes]] = {}

    async def shown(self, now: int) -> AuthorityShown:
        """Return every chain, and the list of each authority whose certificate has not expired.

        ``crls`` are those of the active issuing authority and of its root, which is last.
        """
        chains = [self._authority.chain(one) for one in self._authority.issuers()]
        issuing, *older = [await self._list(*one, now) for one in self._listing(Kind.ISSUING)]
        root, *older_roots = [await self._list(*one, now) for one in self._listing(Kind.ROOT)]
        return AuthorityShown(tuple(chains), (issuing, root), (*older, *older_roots))

    def forget(self) -> None:
        """Make every list anew the next time that it is asked for."""
        self._lists.clear()

    def _listing(self, kind: Kind) -> list[tuple[KeyVersion, OwnCertificate]]:
        found = self._authority.listing(kind)
        if not found:
            raise KeyServiceUnavailable("the certificate authority is not ready yet")
        return found

    async def _list(self, key: KeyVersion, own: OwnCertificate, now: int) -> bytes:
        kept = self._lists.get(own.kid)
        if kept is not None and 0 <= now - kept[0] < KEPT:
            return kept[1]
        unsigned = revocation_list(
            x509.load_der_x509_certificate(own.certificate),
            await self._records.revoked(own.kid, now),
            now,
            ROOT_LIFETIME if own.kind is Kind.ROOT else LIFETIME,
        )
        made = await self._authority.sign_list(key, unsigned)
        self._lists[own.kid] = now, made
        return made
