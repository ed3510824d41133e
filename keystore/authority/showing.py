"""What anybody may have of the authority: its chains, and lists of what it took back."""

from cryptography import x509

from config.runtime.database.unit import Database
from keystore.authority.authority import Authority, expires_at
from keystore.authority.lists import LIFETIME, ROOT_LIFETIME, revocation_list
from keystore.authority.profiles import Kind
from keystore.door import KeyState
from keystore.rotation import KeyVersion
from keystore.signing.door import AuthorityShown
from keystore.stores.authority import AuthorityRecords, OwnCertificate

KEPT = 600
"""Seconds for which a list is shown before it is made anew: whoever asks costs no signature."""


class Showing:
    """Chains and lists; lists are signed when they are asked for, or were brought by a root."""

    def __init__(self, authority: Authority, database: Database) -> None:
        self._authority = authority
        self._records = AuthorityRecords(database)
        self._lists: dict[str, tuple[int, bytes]] = {}

    async def shown(self, now: int) -> AuthorityShown:
        """Return every chain, and the list of each authority whose certificate has not expired.

        The first chain is that of the active issuing authority. ``crls`` are its list and that of
        its root, which is last; while a root elsewhere has yet to certify there is no such chain,
        and they are empty. Raises KeyServiceUnavailable.
        """
        authority = self._authority
        listing = authority.listing(Kind.ISSUING)
        active = next((own.kid for key, own in listing if key.state is KeyState.ACTIVE), None)
        if active is None and authority.lacks() is None:
            raise authority.not_ready()
        issuers = sorted(authority.issuers(), key=lambda one: one.kid != active)
        chains = tuple(authority.chain(one) for one in issuers)
        lists = {own.certificate: await self._list(key, own, now) for key, own in listing}
        lists |= await self._of_roots(now)
        current = chains[0] if active else ()
        crls = tuple(lists[one] for one in current if one in lists)
        older = dict.fromkeys(one for one in lists.values() if one not in crls)
        return AuthorityShown(chains, crls, tuple(older))

    def forget(self) -> None:
        """Make every list anew the next time that it is asked for."""
        self._lists.clear()

    async def _of_roots(self, now: int) -> dict[bytes, bytes]:
        """Return the list of each root, by its certificate."""
        authority = self._authority
        found = {
            own.certificate: await self._list(key, own, now)
            for key, own in authority.listing(Kind.ROOT)
        }
        for own in authority.roots_elsewhere():
            listed = authority.elsewhere.listed(own.kid)
            if listed is not None and expires_at(own) > now:
                found[own.certificate] = listed
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
