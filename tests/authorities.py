"""A certificate authority on a database and keys of its own, and openssl to judge what it makes."""

import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from config.runtime.database.connect import OpenDatabase
from config.runtime.database.unit import DatabaseUnavailable
from config.runtime.entropy import SystemEntropy
from keystore.authority.authority import Authority
from keystore.authority.extensions import Naming
from keystore.authority.profiles import Kind
from keystore.authority.responder import Responder
from keystore.authority.showing import Showing
from keystore.backends.registry import Backends
from keystore.purposes import OwnRing
from keystore.signing.door import CertificateSubject
from keystore.stores.authority import AuthorityRecords
from keystore.timestamping.stamping import ACCURACY, LASTING, Stamping
from keystore.timestamping.trusted_time import TrustedTime
from tests.keyrings import ISSUER, HandClock, Keys, software_backend

ADDRESS = "https://sign.example"
SIGNERS = "1.3.6.1.4.1.55555.1.1"
STAMPS = "1.3.6.1.4.1.55555.1.2"
NAMING = Naming(country="UT", organization="Utopia Trust", address=ADDRESS, policy=SIGNERS)
ANA = CertificateSubject(serial="p-7Hq2", country="UT", pseudonym="Quiet Otter")
REGISTRY = CertificateSubject(
    serial="", country="UT", organization="Land Registry", organization_identifier="NTRUT-12345"
)


@dataclass
class OtherClock:
    """The clock of the database, which the test sets behind or ahead."""

    seconds: float = 0.0
    is_away: bool = False

    async def ahead(self, _: int) -> float:
        """Return by how much our clock is ahead."""
        if self.is_away:
            raise DatabaseUnavailable("away")
        return self.seconds


@dataclass(frozen=True)
class AuthorityWorld:
    """An authority that certified itself, its responder and its time-stamping."""

    keys: Keys
    database: OpenDatabase
    clock: HandClock
    entropy: SystemEntropy = field(default_factory=SystemEntropy)
    skew: OtherClock = field(default_factory=OtherClock)
    authority: Authority = field(init=False)
    showing: Showing = field(init=False)
    responder: Responder = field(init=False)
    stamping: Stamping = field(init=False)

    def __post_init__(self) -> None:
        ring = self.keys.ring
        authority = Authority(self.database, ring, NAMING, self.clock, self.entropy)
        stamping = Stamping(
            authority=authority,
            sign_own=ring.sign_own,
            clock=self.clock,
            entropy=self.entropy,
            policy=STAMPS,
            is_sure=TrustedTime(skew=self.skew.ahead, clock=self.clock, accuracy=ACCURACY).is_sure,
            archiving=LASTING,
        )
        object.__setattr__(self, "authority", authority)
        object.__setattr__(self, "showing", Showing(authority, self.database))
        object.__setattr__(self, "responder", Responder(authority, self.database, ring.sign_own))
        object.__setattr__(self, "stamping", stamping)

    @classmethod
    async def opened(cls, database: OpenDatabase, directory: Path, at: int) -> "AuthorityWorld":
        """Return one that is ready at ``at``."""
        clock = HandClock(at)
        keys = Keys(Backends.only(software_backend(directory)), clock=clock)
        await keys.administration.ensure({ISSUER: ["ES256"]}, OwnRing)
        world = cls(keys, database, clock)
        await world.authority.refresh()
        return world

    async def signer(
        self, subject: CertificateSubject = ANA, kind: Kind = Kind.ONE_TIME
    ) -> x509.Certificate:
        """Return the certificate of a new key."""
        draft = self.authority.draft(new_spki(), subject, kind, self.clock.now())
        await self.database.submit(self.authority.issued_write(draft))
        return x509.load_der_x509_certificate(await self.authority.sign(draft))

    async def revoke(self, certificate: x509.Certificate, reason: str = "keyCompromise") -> None:
        """Take a certificate back."""
        serial = f"{certificate.serial_number:x}"
        records = AuthorityRecords(self.database)
        await self.database.submit(records.revoke(serial, self.clock.now(), reason))


def new_spki() -> bytes:
    """Return the public part of a new P-256 key."""
    public = ec.generate_private_key(ec.SECP256R1()).public_key()
    return public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def pem(certificate: bytes | x509.Certificate) -> bytes:
    """Return a certificate in PEM."""
    if isinstance(certificate, bytes):
        certificate = x509.load_der_x509_certificate(certificate)
    return certificate.public_bytes(Encoding.PEM)


def openssl(directory: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    """Run openssl in ``directory``."""
    command = ["openssl", *words]
    return subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)


def written(directory: Path, world: AuthorityWorld) -> None:
    """Write root.pem, issuing.pem and chain.pem (both) into ``directory``."""
    chain = world.authority.chain(world.authority.own(Kind.ISSUING))
    (directory / "root.pem").write_bytes(pem(chain[-1]))
    (directory / "issuing.pem").write_bytes(pem(chain[0]))
    (directory / "chain.pem").write_bytes(b"".join(map(pem, chain)))
