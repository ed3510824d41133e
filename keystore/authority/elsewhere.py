"""What is known here of roots whose keys lie elsewhere: their lists, and what those take back."""

from collections.abc import Iterable, Mapping
from hashlib import sha256

from cryptography import x509

from config.runtime.database.unit import Database
from keystore.authority.profiles import Kind
from keystore.der.remembering import remembering
from keystore.stores.authority import OwnCertificate
from keystore.stores.root_lists import RootList, RootLists
from keystore.x509.parsed import parsed

NO_CERTIFICATE = (
    "the signing authority has no certificate yet: have its request certified by the root "
    "(symbolon keys ceremony --request FILE), and bring what comes back (--certificate)"
)
TAKEN_BACK = (
    "the root took the certificate of the signing authority back: rotate ca:issuing and have a new "
    "request certified (symbolon keys ceremony --request FILE)"
)

_PREFIX = "root:"

parsed_list = remembering(x509.load_der_x509_crl, kept=16, longest=256 << 10)
"""Returns the revocation list that octets in DER are, or raises ValueError."""


def root_kid(certificate: bytes) -> str:
    """Return the identifier of a root whose key is not here: by its certificate (DER)."""
    return f"{_PREFIX}{sha256(certificate).hexdigest()}"


def is_elsewhere(own: OwnCertificate) -> bool:
    """Say whether this is a root whose key is not here."""
    return own.kind is Kind.ROOT and own.kid.startswith(_PREFIX)


class Elsewhere:
    """The newest list of each such root. Call ``refresh`` before the rest."""

    def __init__(self, database: Database) -> None:
        self._records = RootLists(database)
        self._lists: Mapping[str, RootList] = {}
        self._taken_back: frozenset[str] = frozenset()

    async def refresh(self, certificates: Iterable[OwnCertificate]) -> None:
        """Read the lists again, and which of our ``certificates`` they take back."""
        self._lists = await self._records.newest()
        issuing = [one for one in certificates if one.kind is Kind.ISSUING]
        self._taken_back = frozenset(one.kid for one in issuing if self._takes_back(one))

    def listed(self, root: str) -> bytes | None:
        """Return the newest list (DER) of the root with this identifier."""
        found = self._lists.get(root)
        return None if found is None else found.listed

    def has_taken_back(self, kid: str) -> bool:
        """Say whether the certificate of our issuing key ``kid`` is on its root's list."""
        return kid in self._taken_back

    def _takes_back(self, own: OwnCertificate) -> bool:
        listed = self.listed(own.issuer_kid)
        if listed is None:
            return False
        serial = parsed(own.certificate).serial_number
        return parsed_list(listed).get_revoked_certificate_by_serial_number(serial) is not None
