"""The key service, put together from the settings."""

import os
import pwd
from collections.abc import Callable
from pathlib import Path

from config.runtime.clock import Clock
from config.runtime.database.connect import open_database
from config.runtime.entropy import Entropy
from config.settings import Lifetimes, Settings, SettingsError
from config.settings.esignet import Esignet
from config.wiring.documents import DocumentGround, document_desk, own_rings
from keystore.administration import Policies
from keystore.backends.backend import Algorithm, Backend
from keystore.backends.keyfile import KeyFile
from keystore.backends.pkcs11 import Pkcs11Backend, Pkcs11Token
from keystore.backends.registry import Backends
from keystore.backends.software import SoftwareBackend
from keystore.door import MacPurpose, SealPurpose
from keystore.pkcs11.pin import PinSource
from keystore.pkcs11.uri import Pkcs11Uri
from keystore.purposes import OwnRing, OwnSecret, Role
from keystore.rings import ORGANIZATION, mac_ring, seal_ring
from keystore.rotation import Policy
from keystore.service.run import KeyService, run
from keystore.service.server import Access
from keystore.stores.database import DatabaseKeyRecords

YEAR = 365 * 86400
OWN_YEARS = {
    OwnRing.ROOT: 15,
    OwnRing.ISSUING: 5,
    OwnRing.STAMPING: 1,
    OwnRing.ARCHIVE: 1,
    OwnRing.STATUS: 0.8,
    OwnRing.ACTIVATION: 1,
    OwnRing.AUDIT: 1,
    OwnRing.EVIDENCE: 1,
}
"""Years for which a key of our own signs: a part of the life of its certificate."""

KEPT_YEARS = {OwnRing.ROOT: 25, OwnRing.ISSUING: 10}
"""Years for which a key that was replaced goes on to sign lists and to certify its responder: until
every certificate that it signed has expired."""

NEVER = 1000 * YEAR
"""Until a key of a ring that was switched off is followed: nobody may be left who could make it."""

CODES = (MacPurpose.ONE_TIME_CODE, MacPurpose.USER_CODE)
MESSAGES = (SealPurpose.OUTBOX, SealPurpose.NOTIFICATION)


async def serve_keys(
    settings: Settings, clock: Clock, entropy: Entropy, ready: Callable[[], None]
) -> None:
    """Run the key service until SIGTERM; ``ready`` is called when its sockets listen."""
    access, backends = _access(settings), backends_of(settings, clock, entropy)
    database = await open_database(settings.keys.database)
    ground = DocumentGround(database=database, backends=backends, clock=clock, entropy=entropy)
    service = KeyService(
        records=DatabaseKeyRecords(database, entropy),
        backends=backends,
        policies=policies(settings.lifetimes, settings.esignet),
        clock=clock,
        issuers={issuer.address: issuer.signing_algs for issuer in settings.issuers},
        sockets=_socket_directory(settings),
        access=access,
        documents=document_desk(settings.esignet, ground),
    )
    try:
        await run(service, ready)
    finally:
        await database.close()


def policies(lifetimes: Lifetimes, esignet: Esignet) -> Policies:
    """Return how long key versions stay in each state, from how long what they make lives."""
    longest_token = max(lifetimes.id_token, lifetimes.access_token)
    tokens = Policy(
        publish_for=lifetimes.metadata,
        active_for=YEAR // 4,
        keep_for=longest_token + lifetimes.metadata,
    )
    lasting = Policy(publish_for=0, active_for=2 * YEAR, keep_for=None)
    short = Policy(publish_for=0, active_for=YEAR, keep_for=86400)
    secrets = {mac_ring(p): short if p in CODES else lasting for p in MacPurpose}
    secrets |= dict.fromkeys(OwnSecret, lasting)
    secrets |= {seal_ring(p): short if p in MESSAGES else lasting for p in SealPurpose}
    there = own_rings(esignet)
    secrets |= {
        ring: Policy(
            publish_for=0,
            active_for=int(years * YEAR) if ring in there else NEVER,
            keep_for=KEPT_YEARS[ring] * YEAR if ring in KEPT_YEARS else 86400,
            waits=ring is OwnRing.ISSUING and esignet.root_key == "elsewhere",
        )
        for ring, years in OWN_YEARS.items()
    }
    secrets[ORGANIZATION] = Policy(  # a new key before the certificate of the old one ends
        publish_for=0, active_for=esignet.seal_days * 86400 * 3 // 4, keep_for=86400
    )
    return Policies(tokens, secrets)


def _access(settings: Settings) -> dict[Role, Access]:
    """Return who may connect as what: any user reaches the socket, the peer's uid decides."""
    mine = Access(uids=frozenset({os.getuid()}))
    access = dict.fromkeys(Role, mine)
    for role, names in settings.keys.users.items():
        try:
            uids = frozenset(pwd.getpwnam(name).pw_uid for name in names)
            access[Role(role)] = Access(uids=uids, mode=0o666)
        except (KeyError, ValueError) as error:
            raise SettingsError(f"keys.users: {error.args[0]}") from error
    return access


def _socket_directory(settings: Settings) -> Path:
    sockets = Path(settings.keys.sockets)
    sockets.mkdir(parents=True, exist_ok=True, mode=0o711)
    return sockets


def backends_of(settings: Settings, clock: Clock, entropy: Entropy) -> Backends:
    """Return every backend that is set up; keys made before in another one stay readable."""
    known: dict[str, Backend] = {}
    keys = settings.keys
    if keys.module:
        token = Pkcs11Token(
            module=keys.module,
            address=str(Pkcs11Uri(token=keys.token.encode())),
            pin=PinSource(file=keys.pin_file),
            threads=keys.sessions,
        )
        known["pkcs11"] = Pkcs11Backend(token, clock, entropy)
    if keys.software_allowed:
        file = KeyFile(Path(keys.software_file), _file_secret(settings, entropy), entropy)
        known["software"] = SoftwareBackend(file, entropy, allowed=True)
    # No module that is known makes them, and whoever lets keys lie in a file said so.
    others = {Algorithm.ML_DSA_65: known["software"]} if "software" in known else {}
    try:
        return Backends(known, known[keys.backend], others)
    except KeyError:
        raise SettingsError(
            f"keys.backend is {keys.backend!r}: set keys.module and keys.pin_file for pkcs11, "
            "or keys.software_allowed = true for keys in a file"
        ) from None


def _file_secret(settings: Settings, entropy: Entropy) -> bytes:
    """Return the secret that opens the key file; in the demonstration it is made on first use."""
    path = Path(settings.keys.software_secret_file)
    if settings.demo and not path.exists():
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(entropy.token() + "\n")
    try:
        return path.read_bytes().strip()
    except OSError as error:
        raise SettingsError(f"keys.software_secret_file: {error}") from error
