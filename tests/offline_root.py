"""A root whose key lies elsewhere: openssl plays it, with the files that the page on it prints."""

import re
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import ClassVar

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from config.runtime.database.connect import OpenDatabase
from config.runtime.entropy import SystemEntropy
from config.settings import Lifetimes
from config.settings.esignet import Esignet
from config.wiring.documents import naming_of, own_rings
from config.wiring.keys import policies
from keystore.authority.authority import Authority
from keystore.authority.offline import Accepted, Brought, OfflineRoot
from keystore.authority.offline_upkeep import OfflineUpkeep
from keystore.authority.showing import Showing
from keystore.backends.registry import Backends
from keystore.stores.database import DatabaseKeyRecords
from tests.authorities import openssl
from tests.keyrings import HandClock, Keys, software_backend

PAGE = Path(__file__).parents[1] / "docs/how-to/keep-the-root-offline.md"
Lines = tuple[tuple[str, str], ...]
"""Lines of a file, and what stands in their place."""

ELSEWHERE = Esignet(
    address="https://sign.example",
    country="UT",
    organization="Utopia Trust",
    root_key="elsewhere",
)


def printed(name: str) -> str:
    """Return the file of this name as the page prints it."""
    blocks: list[str] = re.findall(r"^```ini\n(.*?)^```", PAGE.read_text(), re.M | re.S)
    return next(block for block in blocks if block.startswith(f"# {name}\n"))


@dataclass(frozen=True, kw_only=True)
class PlayedRoot:
    """A root in a directory of its own, its key without a passphrase."""

    directory: Path
    certificate: bytes

    COPIED: ClassVar = ("-copy_extensions", "copy")

    @classmethod
    def made(
        cls,
        directory: Path,
        *words: str,
        key: tuple[str, ...] = ("EC", "ec_paramgen_curve:P-384"),
        lines: Lines = (),
    ) -> "PlayedRoot":
        """Return one whose key is of this kind; ``lines`` of root.cnf are others than printed."""
        directory.mkdir(parents=True)
        (directory / "root.cnf").write_text(_otherwise(printed("root.cnf"), lines))
        (directory / "below.cnf").write_text("authorityKeyIdentifier = keyid:always\n")
        (directory / "index.txt").write_text("")
        (directory / "crlnumber").write_text("01\n")
        algorithm, parameter = key
        ran(
            directory, "genpkey", "-algorithm", algorithm, "-pkeyopt", parameter, "-out", "root.key"
        )
        usual = ("-sha384", "-days", "9131", *words)
        asked = ("req", "-x509", "-config", "root.cnf", "-key", "root.key", "-out", "root.pem")
        ran(directory, *asked, *usual)
        return cls(directory=directory, certificate=(directory / "root.pem").read_bytes())

    def certified(
        self,
        request: bytes,
        *words: str,
        lines: str = "",
        copied: bool = True,
    ) -> bytes:
        """Return the certificate of a request, with these ``lines`` of extensions beside."""
        (self.directory / "asked.csr").write_bytes(request)
        below = (self.directory / "below.cnf").read_text()
        (self.directory / "asked.cnf").write_text(lines or below)
        usual = ("-sha384", "-days", "3652", *(self.COPIED if copied else ()), *words)
        root = ("-CA", "root.pem", "-CAkey", "root.key", "-extfile", "asked.cnf")
        ran(self.directory, "x509", "-req", "-in", "asked.csr", *root, *usual, "-out", "asked.pem")
        return (self.directory / "asked.pem").read_bytes()

    def listed(self, *words: str, lines: Lines = ()) -> bytes:
        """Return the next list, a minute later than the one before; ``lines`` as of ``made``."""
        configured = (self.directory / "root.cnf").read_text()
        (self.directory / "list.cnf").write_text(_otherwise(configured, lines))
        number = int((self.directory / "crlnumber").read_text(), 16)
        at = datetime.now(UTC) - timedelta(minutes=60 - number)
        words = ("-crl_lastupdate", at.strftime("%Y%m%d%H%M%SZ"), *words)
        root = ("-config", "list.cnf", "-keyfile", "root.key", "-cert", "root.pem")
        usual = ("-crldays", "365", *words)
        ran(self.directory, "ca", "-gencrl", *root, *usual, "-out", "root.crl")
        return (self.directory / "root.crl").read_bytes()

    def take_back(self, certificate: bytes) -> None:
        """Put a certificate on the next list."""
        (self.directory / "gone.pem").write_bytes(certificate)
        root = ("-config", "root.cnf", "-keyfile", "root.key", "-cert", "root.pem")
        ran(self.directory, "ca", *root, "-revoke", "gone.pem")

    def brings(self, request: bytes) -> Brought:
        """Return what comes back for a request."""
        return Brought(
            certificate=self.certified(request), root=self.certificate, listed=self.listed()
        )


def _otherwise(configured: str, lines: Lines) -> str:
    for line, other in lines:
        assert line in configured
        configured = configured.replace(line, other)
    return configured


def ran(directory: Path, *words: str) -> str:
    """Run openssl, which must succeed, and return what it says."""
    done = openssl(directory, *words)
    assert done.returncode == 0, (words, done.stderr)
    return done.stdout + done.stderr


@dataclass(frozen=True, kw_only=True)
class OfflineWorld:
    """The side of a root elsewhere that is here, in this process."""

    keys: Keys
    database: OpenDatabase
    clock: HandClock
    authority: Authority
    showing: Showing
    root: OfflineRoot
    upkeep: OfflineUpkeep

    @classmethod
    async def opened(
        cls, database: OpenDatabase, directory: Path, at: int, settings: Esignet = ELSEWHERE
    ) -> "OfflineWorld":
        """Return one with every key, of which the issuing one waits; opened again it has them."""
        clock = HandClock(at)
        keys = Keys(
            Backends.only(software_backend(directory)),
            records=DatabaseKeyRecords(database, SystemEntropy()),
            clock=clock,
            policies=policies(Lifetimes(), settings),
        )
        await keys.administration.ensure({}, own_rings(settings))
        naming = naming_of(settings)
        authority = Authority(database, keys.ring, naming, clock, SystemEntropy())
        showing = Showing(authority, database)
        root = OfflineRoot(
            database=database, keys=keys.ring, authority=authority, naming=naming, clock=clock
        )
        upkeep = OfflineUpkeep(keys.ring, keys.administration, authority, showing, clock)
        world = cls(
            keys=keys,
            database=database,
            clock=clock,
            authority=authority,
            showing=showing,
            root=root,
            upkeep=upkeep,
        )
        await world.kept()
        return world

    async def kept(self) -> None:
        """Do what the key service does every few seconds."""
        await self.keys.administration.advance()
        await self.authority.refresh()
        if not self.root.naming.own_root:
            await self.upkeep.keep()

    def judged(self, brought: Brought) -> Accepted:
        """Judge what was brought, now: openssl certifies by its own clock."""
        self.clock.at = max(self.clock.at, int(time.time()) + 1)
        return self.root.judged(brought)

    async def bring(self, brought: Brought) -> None:
        """Judge and keep what was brought, and let the key service see it."""
        await self.root.keep(self.judged(brought))
        await self.kept()

    async def request(self) -> bytes:
        """Return the request of the key that waits, in PEM."""
        return x509.load_der_x509_csr(await self.root.request()).public_bytes(Encoding.PEM)
