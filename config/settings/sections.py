"""The sections of the settings file."""

from typing import Annotated

import msgspec

from config.settings.backchannel import Backchannel
from config.settings.esignet import Esignet
from config.settings.issuers import Issuer
from config.settings.proving import Channels, Factors, Limits
from config.settings.section import Section


class DatabaseSettings(Section, frozen=True):
    """Where the truth is kept."""

    url: str = "sqlite:///symbolon.db"
    """``sqlite:///PATH`` or ``postgresql://USER@HOST/NAME``."""

    connections: int = 10
    """PostgreSQL connections per process at most; reader threads with SQLite."""

    timeout: float = 2.0
    """Seconds that a statement may take before the request is answered with 503."""

    behind_pgbouncer: bool = False
    """Whether PostgreSQL is reached through a pooler that hands out connections per transaction."""

    redis_url: str = ""
    """Redis for rate limits shared by several web processes; empty keeps them in each process."""


class KeySettings(Section, frozen=True):
    """The key service: the only holder of keys."""

    sockets: str = "run"
    """Directory of the key service's sockets, one per role."""

    database: str = "sqlite:///keys.db"
    """The key service's own database: key versions and records of use."""

    backend: str = "software"
    """Where new keys are made: ``pkcs11`` or ``software``."""

    software_file: str = "keys.enc"
    """The encrypted key file of the software backend."""

    software_secret_file: str = "keys.secret"
    """File with the secret that opens the key file; made on first use in the demo only."""

    software_allowed: bool = False
    """Whether keys in a file are accepted at all. They are meant for demonstrations and tests."""

    module: str = ""
    """Path of the PKCS#11 module."""

    token: str = "symbolon"
    """Label of the PKCS#11 token."""

    pin_file: str = ""
    """File with the PKCS#11 user PIN."""

    sessions: Annotated[int, msgspec.Meta(ge=1, le=256)] = 4
    """How many operations the PKCS#11 token does at once. One that is far away wants as many as
    there are signers; it may need twice as many sessions and one."""

    timeout: float = 1.0
    """Seconds that a request to the key service may take before it is answered with an error."""

    users: dict[str, tuple[str, ...]] = msgspec.field(default_factory=dict)
    """System users that may connect, by role (``idp``, ``worker``, ``operator`` ...): a web server
    that was taken over then cannot act as operator. A role that is not named is open to the user
    of the key service alone."""


class Web(Section, frozen=True):
    """How the web server listens."""

    host: str = "127.0.0.1"
    """Address to listen on."""

    port: int = 8080
    """Port to listen on."""

    operations_port: int = 0
    """Port of /livez, /readyz and /metrics; 0 switches them off."""

    operations_host: str = ""
    """Address to listen on for them; empty is that of ``host``."""

    trusted_proxies: tuple[str, ...] = ()
    """Addresses of proxies whose X-Forwarded-For is believed; from others it is ignored."""

    certificate: str = ""
    """PEM file with the TLS certificate chain; empty listens without TLS."""

    certificate_key: str = ""
    """PEM file with the key of the TLS certificate."""

    mtls_port: int = 0
    """Port at which clients are asked for a certificate (RFC 8705), with the same ``certificate``;
    0 switches it off. A port of its own, because browsers would ask people for theirs."""

    certificates_from_proxies: bool = False
    """Whether ``trusted_proxies`` say with which certificate a client came (``Client-Cert`` of RFC
    9440). Only where every one of them drops such a header of the client's own making."""

    client_ca: str = ""
    """PEM file with the certificates of authorities whose clients ``tls_client_auth`` accepts."""

    concurrent_tokens: int = 256
    """Machine requests (token, userinfo ...) worked on at once; more are told to wait."""

    concurrent_logins: int = 256
    """Page requests worked on at once; more are told to wait."""

    drain: float = 20.0
    """Seconds that running requests get to finish after SIGTERM."""

    loopback_fetch: bool = False
    """Whether addresses of clients (``jwks_uri``) may be on this machine: for demonstrations."""

    def __post_init__(self) -> None:
        if self.mtls_port and not self.certificate:
            raise ValueError("mtls_port needs a certificate")
        if self.certificates_from_proxies and not self.trusted_proxies:
            raise ValueError("certificates_from_proxies needs trusted_proxies")


class Lifetimes(Section, frozen=True):
    """How long things live, in seconds."""

    login: int = 1800
    """A login from its first page to its end."""

    session: int = 8 * 3600
    """A browser stays logged in this long after its last proof at most."""

    code: int = 60
    """An authorization code."""

    pushed_request: int = 60
    """A pushed authorization request until it is opened: 5 to 599 (RFC 9126 §2.2, FAPI 2.0 Security
    Profile §5.3.2.2). Once opened it lasts as long as a login."""

    device_code: int = 600
    """A device code and its user code."""

    access_token: int = 300
    """An access token."""

    id_token: int = 300
    """An ID token."""

    grant: int = 90 * 86400
    """A grant with offline access: its refresh tokens end with it."""

    consent: int = 365 * 86400
    """A remembered consent."""

    history: int = 730 * 86400
    """A line of a resident's history of logins."""

    fact: int = 30 * 86400
    """A fact of the journal: so long other programs have to read it. The audit stays for ever."""

    dead_letter: int = 30 * 86400
    """A message that could not be delivered, kept for the operator to look at."""

    refresh_grace: int = 60
    """A refresh token that was just exchanged is accepted once more this long."""

    metadata: int = 300
    """How long clients may cache metadata and keys; a new key is published this long before use."""

    def __post_init__(self) -> None:
        if not 5 <= self.pushed_request < 600:
            raise ValueError("pushed_request is 5 to 599 seconds")


class Pages(Section, frozen=True):
    """How the pages look and speak."""

    languages: tuple[str, ...] = ("en", "fr", "es", "ar", "hi", "sw")
    """Languages offered; the first is the default."""

    logo: str = ""
    """SVG or PNG file shown at the top of each page; empty shows the name only."""

    accent: str = "#0b5d3b"
    """Colour of buttons and links; its contrast with white is checked at start."""

    country_code: str = "999"
    """Country calling code put before a phone number that was typed without one."""

    texts: str = ""
    """Directory with a gettext catalogue per language (``fr.po``) whose texts replace ours."""

    support: dict[str, str] = msgspec.field(default_factory=dict)
    """How to reach help, by language: shown on error pages."""


class Settings(Section, frozen=True):
    """Everything that the operator chooses."""

    issuers: tuple[Issuer, ...] = (Issuer(address="http://127.0.0.1:8080"),)
    """The OpenID providers of this deployment."""

    demo: bool = False
    """Whether this is a demonstration: sample residents, an inbox, keys in a file."""

    database: DatabaseSettings = DatabaseSettings()
    keys: KeySettings = KeySettings()
    web: Web = Web()
    lifetimes: Lifetimes = Lifetimes()
    factors: Factors = Factors()
    channels: Channels = Channels()
    limits: Limits = Limits()
    backchannel: Backchannel = Backchannel()
    pages: Pages = Pages()
    esignet: Esignet = Esignet()

    def __post_init__(self) -> None:
        if self.esignet.archive_timestamp_algorithm and not self.keys.software_allowed:
            raise ValueError(
                "esignet.archive_timestamp_algorithm needs keys.software_allowed: no PKCS#11 "
                "module makes such a key"
            )
        for features in (issuer.features for issuer in self.issuers):
            if not self.esignet.address or features.signing_service != self.esignet.address:
                continue  # signed elsewhere
            if features.signing_stored_keys and not self.esignet.stored_keys:
                raise ValueError("features.signing_stored_keys needs esignet.stored_keys")
            if features.signing_hashes and not self.esignet.sign_hash:
                raise ValueError("features.signing_hashes needs esignet.sign_hash")
