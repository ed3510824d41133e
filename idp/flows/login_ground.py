"""What the flows of a login stand on: one value that wiring fills for each issuer."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

from config.runtime.audit.records import Audit
from config.runtime.database.unit import Database
from config.runtime.entropy import Entropy
from config.runtime.journal import Journal
from config.settings import Features, Lifetimes
from idp.factors.factor import Factor
from idp.flows.answers_signing import AnswerSigning
from idp.flows.clients import KnownClients
from idp.flows.front_channel import FrontChannel
from idp.flows.login_pace import Pace
from idp.flows.notices import Notices
from idp.protocol.acr import Ladder
from idp.protocol.details import DetailType
from idp.residents.port import Residents
from idp.stores.codes import Codes
from idp.stores.consents import Consents
from idp.stores.decoupled import DecoupledRequests
from idp.stores.grants import Grants
from idp.stores.history import History
from idp.stores.logins import Logins
from idp.stores.pushed_requests import PushedRequests
from idp.stores.sessions import Sessions
from idp.stores.subjects import Subjects
from keystore.door import Door


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginStores:
    """Everything that a login reads and writes."""

    logins: Logins
    sessions: Sessions
    consents: Consents
    subjects: Subjects
    history: History
    codes: Codes
    grants: Grants
    decoupled: DecoupledRequests
    pushed: PushedRequests

    @classmethod
    def on(cls, database: Database, issuer: str, pushed: PushedRequests) -> "LoginStores":
        """Return the stores of ``issuer`` on ``database``."""
        return cls(
            logins=Logins(database),
            sessions=Sessions(database, issuer),
            consents=Consents(database),
            subjects=Subjects(database),
            history=History(database, issuer),
            codes=Codes(database),
            grants=Grants(database),
            decoupled=DecoupledRequests(database),
            pushed=pushed,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginGround:
    """What a login of one issuer needs. ``factors`` are those in use, by name; ``names`` is what
    the service is called, by language.
    """

    issuer: str
    names: Mapping[str, str]
    ladder: Ladder
    factors: Mapping[str, Factor]
    clients: KnownClients
    residents: Residents
    stores: LoginStores
    database: Database
    door: Door
    journal: Journal
    audit: Audit
    entropy: Entropy
    lifetimes: Lifetimes
    pace: Pace
    signing: AnswerSigning
    front: FrontChannel
    detail_types: Mapping[str, DetailType]
    notices: Notices
    features: Features


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """The browser behind a request. ``browser`` and ``session`` are SHA-256 of its cookies.

    ``device`` is the cookie that names residents who proved themselves here before, as it came.
    """

    browser: bytes
    session: bytes | None
    address: str
    locale: str
    device: str | None = None


def digest(secret: str) -> bytes:
    """Return SHA-256 of a random secret: what is stored in its place."""
    return sha256(secret.encode()).digest()
