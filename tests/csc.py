"""The CSC API in one process: real formats and builders, a small PKI in place of the key service.

Tokens are what a test says they are; who checks them is tested elsewhere.
"""

import asyncio
import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from sqlalchemy import create_engine

from config.runtime.database.unit import Database
from config.runtime.entropy import SystemEntropy
from config.runtime.web import Call, Web
from esignet.endpoints.csc import CscEndpoint
from esignet.endpoints.csc_methods import CscMethods
from esignet.flows.csc_approvals import Approvals, Given, NoToken, Presented
from esignet.flows.csc_changes import CscChanges
from esignet.flows.csc_credentials import CscCredentials, KeptByKeyService
from esignet.flows.csc_documents import CscDocuments
from esignet.flows.csc_hashes import CscHashes, HashSigning
from esignet.flows.csc_later import Later
from esignet.flows.csc_stamps import CscStamps
from esignet.flows.signing_parts import Made, Part
from esignet.formats import cades, jades, pades, xades
from esignet.formats.format import Evidence, Level
from esignet.pdf.pool import Bounds, PdfPool
from esignet.protocol.csc.approval import CREDENTIAL, Approved
from esignet.protocol.csc.service import Service
from esignet.protocol.csc.shown import Credential
from esignet.protocol.csc.version import V1, V2, Version
from esignet.protocol.history import ApiSignature
from esignet.stores.csc_answers import CscAnswers, csc_answer
from keystore.der import writer
from keystore.signing.digests import HashAlgorithm, list_hash
from keystore.signing.door import NotActivated
from tests.format_signing import answered
from tests.small_pki import SmallPki
from tests.unit.web.asking import Asked, HandClock, Reply

ORIGIN = "https://id.example"
ECDSA, SHA256 = "1.2.840.10045.4.3.2", "2.16.840.1.101.3.4.2.1"
PKI = SmallPki()
QUALIFIERS = ("tl_national_aes",)
FORMATS = {one.name: one for one in (cades.FORMAT, jades.FORMAT, pades.FORMAT, xades.FORMAT)}
ABOUT = Service(
    name="Symbolon",
    logo=f"{ORIGIN}/logo.png",
    region="TL",
    description="Signatures of residents",
    issuer=ORIGIN,
)


def text(octets: bytes) -> str:
    """Base64, as the API writes octets."""
    return base64.b64encode(octets).decode()


def approving(*digests: bytes, **changes: object) -> dict[str, Any]:
    """The detail of a token that approves these digests."""
    hashed = base64.urlsafe_b64encode(list_hash(HashAlgorithm.SHA256, digests)).decode()
    return {
        "type": CREDENTIAL,
        "signatureQualifier": "tl_national_aes",
        "numSignatures": len(digests),
        "hashAlgorithmOID": SHA256,
        "digests": hashed.rstrip("="),
        "activation": "an.activation.jws",
        **changes,
    }


def brought(subject: str, number: int = 0) -> Given:
    """An approval of a person that a client brought, one of its many."""
    claims = base64.urlsafe_b64encode(msgspec.json.encode({"subject": subject, "n": number}))
    approved = Approved(
        credential="",
        qualifier="",
        count=1,
        algorithm=HashAlgorithm.SHA384,
        digests=bytes(32),
        activation=f"a.{claims.decode().rstrip('=')}.b",
    )
    return Given(approved, "office", "what the client calls them")


@dataclass(frozen=True, kw_only=True)
class Token:
    """What a token says."""

    client_id: str = "office"
    subject: str = "ana"
    scope: frozenset[str] = frozenset(("credential",))
    details: Sequence[Mapping[str, Any]] = ()
    expires_at: int = 1_800_000_300
    bound_to: str = ""


@dataclass
class Bearers:
    """Tokens by their text."""

    tokens: dict[str, Token] = field(default_factory=dict)
    schemes: Mapping[str, str] = field(default_factory=lambda: {"Bearer": ""})

    async def read(self, token: str, now: int) -> Token:
        if token not in self.tokens:
            raise NoToken
        if self.tokens[token].expires_at <= now:
            raise NoToken(expired=True)
        return self.tokens[token]

    async def presented(self, call: Call, now: int) -> Presented | None:
        scheme, _, token = (call.header("authorization") or "").partition(" ")
        return Presented(await self.read(token, now), token) if scheme == "Bearer" else None


@dataclass
class Hand:
    """Signs with one key and raises levels with a small PKI; an activation is good once.

    ``falls`` is what it fails with; it waits for ``may``.
    """

    used: set[str] = field(default_factory=set)
    falls: Exception | None = None
    may: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.may.set()

    async def made(self, approved: Approved, parts: Sequence[Part], now: int) -> list[Made]:
        await self.may.wait()
        if self.falls is not None:
            raise self.falls
        if approved.activation in self.used:
            raise NotActivated
        self.used.add(approved.activation)
        return [self._one(part) for part in parts]

    async def values(self, approved: Approved, digests: Sequence[bytes], now: int) -> list[bytes]:
        if approved.activation in self.used:
            raise NotActivated
        self.used.add(approved.activation)
        assert isinstance(PKI.signer.key, ec.EllipticCurvePrivateKey)
        scheme = ec.ECDSA(Prehashed(hashes.SHA256()))
        return [PKI.signer.key.sign(digest, scheme) for digest in digests]

    def _one(self, part: Part) -> Made:
        made = part.format.embed(part.prepared, answered(part.prepared, PKI.signer))
        evidence = PKI.material(PKI.signer) if part.material else Evidence()
        if part.level is not Level.B_B:
            stamp = Evidence(timestamp=PKI.token(part.format.to_stamp(made)))
            made = part.format.augment(made, Level.B_T, stamp)
        if part.level in (Level.B_LT, Level.B_LTA):
            material = PKI.material(PKI.signer)
            made = part.format.augment(made, Level.B_LT, material)
        if part.level is Level.B_LTA:
            covered = part.format.to_archive(made, part.prepared.items)
            made = part.format.augment(made, Level.B_LTA, Evidence(timestamp=PKI.token(covered)))
        return Made(made, evidence, certificate=PKI.signer.der)


@dataclass
class Stamper:
    """Answers with a token that openssl made; ``away`` refuses."""

    away: bool = False

    async def timestamp_response(self, request: bytes) -> bytes:
        if self.away:
            return writer.sequence(writer.sequence(writer.integer(2)))
        return writer.sequence(writer.sequence(writer.integer(0)), PKI.token(request))


@dataclass
class Noted:
    """What was noted for people; ``falls`` is what it fails with."""

    kept: list[ApiSignature] = field(default_factory=list)
    falls: Exception | None = None

    async def keep(self, given: Given, signed: ApiSignature, now: int) -> None:
        if self.falls is not None:
            raise self.falls
        self.kept.append(signed)


@dataclass
class Wallet:
    """Stored credentials by person."""

    kept: dict[str, list[Credential]] = field(default_factory=dict)

    async def of(self, client_id: str, subject: str) -> list[Credential]:
        return self.kept.get(subject, []) if client_id == "office" else []


def credential(name: str, now: int) -> Credential:
    """A stored credential with the certificate of the small PKI's signer."""
    return Credential(
        id=name,
        chain=(PKI.signer.der, *PKI.signer.chain),
        issuer="CN=Small Issuing",
        subject="CN=Ana Tester",
        serial="0a",
        valid_from=now - 10,
        valid_to=now + 10,
    )


def small_database(path: Path) -> str:
    """The address of a database with the table of answers alone."""
    url = f"sqlite:///{path}"
    engine = create_engine(url)
    csc_answer.create(engine)
    engine.dispose()
    return url


class World:
    """The API under /csc/v1 and /csc/v2, and what it stands on."""

    def __init__(
        self,
        database: Database,
        web: Any,
        origin: str = ORIGIN,
        *,
        hand: Any = None,
        stamper: Any = None,
        keys: Any = None,
        pdf: PdfPool | None = None,
    ) -> None:
        self.origin = origin
        self.clock = HandClock()
        self.bearers = Bearers()
        self.hand: Any = hand or Hand()
        self.pdf = pdf or PdfPool(Bounds(workers=1))
        self.stamper: Any = stamper or Stamper()
        self.keys = keys
        self.wallet: Any = Wallet() if keys is None else KeptByKeyService(keys)
        self.hashes: Any = self.hand if keys is None else HashSigning(keys)
        self.list = Noted()
        self.later = Later(answers=CscAnswers(database), clock=self.clock, entropy=SystemEntropy())
        routes = [*self._endpoint(V1).routes(), *self._endpoint(V2).routes()]
        self.web: Web = web(routes)

    def methods(self, version: Version) -> CscMethods:
        """The methods of a version."""
        return CscMethods(
            version=version,
            approvals=Approvals(self.bearers),
            credentials=CscCredentials(self.wallet),
            documents=CscDocuments(FORMATS, self.hand, QUALIFIERS, self.pdf, self.list),
            hashes=CscHashes(self.wallet, self.hashes, self.list),
            changes=None if self.keys is None else CscChanges(self.keys),
            stamps=CscStamps(self.stamper),
            later=self.later,
        )

    def _endpoint(self, version: Version) -> CscEndpoint:
        return CscEndpoint(
            version=version,
            origin=self.origin,
            path=f"/csc/{version.name}",
            clock=self.clock,
            bearers=self.bearers,
            about=ABOUT,
            methods=self.methods(version).served(),
        )

    def asked(self, method: str, body: object, token: str = "", version: str = "v2") -> Asked:
        """A call of ``method``."""
        headers = [("content-type", "application/json")]
        if token:
            headers.append(("authorization", f"Bearer {token}"))
        raw = body if isinstance(body, bytes) else msgspec.json.encode(body)
        return Asked("POST", f"/csc/{version}/{method}", headers, [raw])


def told(reply: Reply) -> Any:
    """What a reply's JSON says."""
    return msgspec.json.decode(reply.body)
