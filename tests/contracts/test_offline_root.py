"""The ceremony with a root elsewhere, typed as its page says, beside a key service that runs.

The root is openssl alone. What is signed then has that root as its only anchor, here and there.
"""

import asyncio
import json
import re
import shlex
import subprocess
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from config.cli.main import cli
from config.runtime.cache import Cache
from config.runtime.clock import SystemClock
from config.runtime.database.connect import OpenDatabase
from config.wiring.verifying import every_format
from esignet.evidence.timestamps.own import OwnStamps
from esignet.flows.signing import Signing
from esignet.flows.signing_parts import Part
from esignet.formats.format import Item, Level, Wish
from esignet.pdf.pool import PdfPool
from esignet.protocol.indications import Indication
from esignet.validation.engine import Trust
from esignet.validation.reading import validate
from keystore.checking.timestamp import read_token
from keystore.door import NotCertified, Order, TokenKind
from keystore.purposes import Role
from keystore.service.client import KeyServiceClient
from keystore.service.run import socket_path
from keystore.signing.door import AuthorityShown, Imprint
from tests.authorities import openssl, pem
from tests.keyrings import ISSUER, software_backend
from tests.offline_root import ELSEWHERE, PAGE, printed
from tests.signing_house import SHA256, SigningHouse, approval, signing_house

pytestmark = pytest.mark.server

PATIENCE = 60
PASSPHRASE = "a long one\n"
CONTENT = b"I owe you nothing."
TYPED = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Table:
    """Where both machines' files lie, a key service runs, and commands are typed."""

    place: Path
    house: SigningHouse
    hand: Signing

    async def signed(self, level: Level) -> tuple[bytes, bytes]:
        """Sign a note, and return the signature and who signed."""
        form, item = every_format()["cades"], Item(name="note.txt", digest=SHA256.of(CONTENT))
        part = Part(form, form.prepare([item], Wish()), level)
        token = await self.house.idp.activate(approval(item.digest))
        [made] = await self.hand.finished([part], await self.hand.signed(token, [part]))
        return made.document, made.certificate

    async def typed(self, number: int) -> str:
        """Type the block of commands that the page prints in this place; return what was said."""
        lines = TYPED.findall(PAGE.read_text())[number].splitlines()
        lines = [line for line in lines if line != "symbolon migrate"]  # every table is there
        return "".join([await asyncio.to_thread(self._line, line) for line in lines])

    async def doctor_says(self, **expected: str) -> None:
        """Wait until the doctor says so of each subject; nothing is that all is well."""
        wanted = {name.replace("_", " "): said for name, said in expected.items()}
        async with asyncio.timeout(PATIENCE):
            while True:
                told = await asyncio.to_thread(self._symbolon, "doctor", "--json", status=None)
                found = {one["subject"]: one["trouble"] for one in json.loads(told)}
                if all(_fits(said, found.get(name)) for name, said in wanted.items()):
                    return

    def _line(self, line: str) -> str:
        if line.startswith("symbolon "):
            return self._symbolon(*shlex.split(line)[1:])
        done = subprocess.run(  # without a terminal openssl reads passphrases from its input
            ["bash", "-c", line],
            cwd=self.place,
            input=PASSPHRASE * 2,
            capture_output=True,
            text=True,
            check=False,
            start_new_session=True,
        )
        assert done.returncode == 0, (line, done.stderr)
        return done.stdout

    def _symbolon(self, *words: str, status: int | None = 0) -> str:
        settings = ("--settings", str(self.place / "symbolon.toml"))
        done = CliRunner().invoke(cli, [*settings, *words])
        assert status is None or done.exit_code == status, (words, done.output)
        return done.output


def _fits(said: str, trouble: str | None) -> bool:
    return trouble is not None and (said in trouble if said else not trouble)


@pytest.fixture
async def table(
    database: OpenDatabase, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Table]:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "keys.secret").write_text("an operator's secret")
    with tempfile.TemporaryDirectory() as sockets:
        (tmp_path / "symbolon.toml").write_text(
            f"""
            demo = true
            [database]
            url = "{database_url}"
            [keys]
            database = "{database_url}"
            sockets = "{sockets}"
            software_allowed = true
            software_file = "{tmp_path}/keys.enc"
            software_secret_file = "{tmp_path}/keys.secret"
            [esignet]
            address = "{ELSEWHERE.address}"
            country = "UT"
            organization = "Utopia Trust"
            root_key = "elsewhere"
            """
        )
        backend = software_backend(tmp_path)
        async with signing_house(backend, database, Path(sockets), ELSEWHERE) as house:
            shown: Cache[str, AuthorityShown] = Cache(SystemClock(), entries=1, seconds=600)
            stamps, pdf = OwnStamps(house.esignet), PdfPool()
            hand = Signing(documents=house.esignet, stamps=stamps, pdf=pdf, shown=shown)
            yield Table(tmp_path, house, hand)
            await pdf.close()


async def certified(house: SigningHouse) -> AuthorityShown:
    """Wait until the key service saw what was brought."""
    async with asyncio.timeout(PATIENCE):
        while not (shown := await house.esignet.authority()).crls:
            await asyncio.sleep(0.1)
    return shown


async def test_the_ceremony_as_the_page_has_it_typed(table: Table) -> None:
    house, place = table.house, table.place
    with pytest.raises(NotCertified, match="keys ceremony --request"):
        await table.signed(Level.B_B)
    assert not (await table.hand.shown.get("", house.esignet.authority)).chains
    door = KeyServiceClient(socket_path(house.sockets, Role.IDP), SystemClock(), deadline=PATIENCE)
    claims = b'{"iss":"' + ISSUER.encode() + b'"}'
    assert await door.sign(ISSUER, [Order(TokenKind.ID_TOKEN, "ES256", claims)]), "people sign in"
    await door.close()
    await table.doctor_says(certificate_authority="no certificate yet")

    assert "Rehearsal (throwaway keys)" in await table.typed(0)
    [request] = re.findall("[0-9a-f]{64}", await table.typed(1))
    (place / "root.cnf").write_text(printed("root.cnf"))
    *_, root_key = (await table.typed(2)).split()
    (place / "below.cnf").write_text(printed("below.cnf").replace("ROOT_KEY", root_key))
    assert request in await table.typed(3)
    dry, held = (await table.typed(4)).split("\nCertificate and list")
    assert dry.startswith("Dry run") and "from now on" in held
    shown = await certified(house)
    [(issuing, root)] = shown.chains
    assert pem(root) == (place / "root.pem").read_bytes()
    await judged(table, shown)
    await table.doctor_says(certificate_authority="", next_signing_authority="")

    await table.typed(5)
    assert "List of the root" in await table.typed(6)
    assert "It waits for the root" in await table.typed(7)
    await table.doctor_says(certificate_authority="", next_signing_authority="waits since")
    assert issuing == (await house.esignet.authority()).chains[0][0], "the old one goes on"


async def judged(table: Table, shown: AuthorityShown) -> None:
    """Sign for decades, and let our validator and openssl judge it, who know the root alone."""
    house, place = table.house, table.place
    signature, signer = await table.signed(Level.B_LTA)
    [(issuing, root)] = shown.chains
    item = Item(name="note.txt", digest=SHA256.of(CONTENT))
    trust = Trust(anchors=(root,), stamp_anchors=(root,))
    later = SystemClock().now() + 3 * 366 * 86_400
    [found] = validate(signature, [item], every_format(), trust, later).signatures
    assert found.conclusion.indication is Indication.TOTAL_PASSED, found.conclusion
    assert found.level is Level.B_LTA and found.path[-1] == root
    [token] = await house.esignet.timestamps([Imprint(SHA256, item.digest)])
    stamper = read_token(token).certificate
    answers = await house.esignet.statuses([signer, stamper])
    for name, certificate in (("ca", issuing), ("ee", signer), ("tsa", stamper)):
        (place / f"{name}.pem").write_bytes(pem(certificate))
    lists = [x509.load_der_x509_crl(one) for one in shown.crls]
    (place / "lists.pem").write_bytes(b"".join(one.public_bytes(Encoding.PEM) for one in lists))
    files = {"s.p7s": signature, "content": CONTENT, "token": token, "o.ee": answers[0]}
    for name, octets in {**files, "o.tsa": answers[1]}.items():
        (place / name).write_bytes(octets)
    cms = "cms -verify -cades -binary -inform DER -purpose any -in s.p7s -content content"
    said = openssl(place, *cms.split(), "-CAfile", "root.pem", "-out", "out")
    assert "CAdES Verification successful" in said.stderr
    for name in ("ee", "tsa"):
        asked = f"ocsp -respin o.{name} -sha256 -issuer ca.pem -cert {name}.pem -no_nonce"
        told = openssl(place, *asked.split(), "-CAfile", "root.pem", "-verify_other", "ca.pem")
        assert f"{name}.pem: good" in told.stdout and "verify OK" in told.stderr, told.stderr
        path = "verify -x509_strict -crl_check_all -CAfile root.pem -untrusted ca.pem"
        told = openssl(place, *path.split(), "-CRLfile", "lists.pem", f"{name}.pem")
        assert told.returncode == 0, told.stderr
    stamped = f"ts -verify -digest {item.digest.hex()} -in token -token_in -CAfile root.pem"
    assert "Verification: OK" in openssl(place, *stamped.split()).stdout
