"""The sections of the settings file."""

import msgspec

from config.settings.issuers import Issuer


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A section: unknown names in it are refused."""


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

    timeout: float = 1.0
    """Seconds that a request to the key service may take before it is answered with an error."""


class Web(Section, frozen=True):
    """How the web server listens."""

    host: str = "127.0.0.1"
    """Address to listen on."""

    port: int = 8080
    """Port to listen on."""

    operations_port: int = 0
    """Port of /livez, /readyz and /metrics on the same host; 0 switches them off."""

    trusted_proxies: tuple[str, ...] = ()
    """Addresses of proxies whose X-Forwarded-For is believed; from others it is ignored."""

    certificate: str = ""
    """PEM file with the TLS certificate chain; empty listens without TLS."""

    certificate_key: str = ""
    """PEM file with the key of the TLS certificate."""

    concurrent_tokens: int = 256
    """Machine requests (token, userinfo ...) worked on at once; more are told to wait."""

    concurrent_logins: int = 256
    """Page requests worked on at once; more are told to wait."""

    drain: float = 20.0
    """Seconds that running requests get to finish after SIGTERM."""

    loopback_fetch: bool = False
    """Whether addresses of clients (``jwks_uri``) may be on this machine: for demonstrations."""


class Lifetimes(Section, frozen=True):
    """How long things live, in seconds."""

    login: int = 1800
    """A login from its first page to its end."""

    session: int = 8 * 3600
    """A browser stays logged in this long after its last proof at most."""

    code: int = 60
    """An authorization code."""

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

    refresh_grace: int = 60
    """A refresh token that was just exchanged is accepted once more this long."""

    metadata: int = 300
    """How long clients may cache metadata and keys; a new key is published this long before use."""


class Otp(Section, frozen=True):
    """One-time codes that are sent."""

    digits: int = 6
    """Digits of a code."""

    lifetime: int = 300
    """Seconds that a code is accepted after it was handed over for sending."""

    tries: int = 5
    """Wrong answers that a login allows over all codes sent in it."""

    sends: int = 3
    """Codes that a login sends at most."""

    resend_delay: int = 30
    """Seconds before another code may be asked for."""


class Pin(Section, frozen=True):
    """PINs that a person remembers, hashed with argon2id."""

    memory: int = 19456
    """KiB of memory that one hash takes."""

    rounds: int = 2
    """Passes over the memory."""

    concurrent: int = 2
    """Hashes computed at once per process: bounds both threads and memory."""


class Totp(Section, frozen=True):
    """Codes of an authenticator application (RFC 6238)."""

    window: int = 1
    """Steps of 30 s before and after now that are accepted."""


class Factors(Section, frozen=True):
    """Ways to prove who one is."""

    enabled: tuple[str, ...] = ("otp", "pin", "totp")
    """Modules of idp.factors in use, the one asked by default first."""

    otp: Otp = Otp()
    pin: Pin = Pin()
    totp: Totp = Totp()


class Smtp(Section, frozen=True):
    """Mail server for codes by e-mail."""

    host: str = ""
    """Mail server; empty switches e-mail off."""

    port: int = 587
    """Port of the mail server."""

    username: str = ""
    """User name at the mail server; empty sends without login."""

    password: str = ""
    """Password at the mail server; rather given as SYMBOLON_CHANNELS__SMTP__PASSWORD_FILE."""

    sender: str = ""
    """Address in From."""

    security: str = "starttls"
    """``starttls``, ``tls`` or ``none``."""


class Sms(Section, frozen=True):
    """HTTP gateway for text messages."""

    url: str = ""
    """Address of the gateway; empty switches text messages off."""

    body: str = '{"to": "{to}", "text": "{text}"}'
    """What is posted: {to} and {text} are replaced, encoded as JSON strings or form values."""

    content_type: str = "application/json"
    """``application/json`` or ``application/x-www-form-urlencoded``."""

    authorization: str = ""
    """Value of the Authorization header; rather given as ..._FILE."""


class Channels(Section, frozen=True):
    """Ways to send a message to a resident."""

    enabled: tuple[str, ...] = ()
    """Modules of idp.channels in use; the first that reaches a person is taken."""

    inbox_url: str = ""
    """Where the demonstration's inbox takes messages; refused with a production issuer."""

    inbox_token: str = ""
    """What the inbox wants to be told before it takes a message; empty: it takes any."""

    smtp: Smtp = Smtp()
    sms_http: Sms = Sms()


class Limits(Section, frozen=True):
    """Rates that slow an attacker down, as events per seconds (``10/3600``)."""

    otp_sends_per_resident: str = "10/3600"
    """Codes sent to one resident."""

    otp_sends_per_phone: str = "10/3600"
    """Codes sent to one phone or e-mail address."""

    otp_sends_per_prefix: str = "600/3600"
    """Codes sent to one number prefix (the first 6 digits): against toll fraud."""

    otp_sends_per_client: str = "6000/3600"
    """Codes sent for one relying party."""

    sends_per_address: str = "120/3600"
    """Codes sent for one network address."""

    wrong_answers_per_resident: str = "20/3600"
    """Wrong answers for one resident from browsers that never proved to be this person."""

    wrong_answers_per_device: str = "10/3600"
    """Wrong answers from a browser that proved this resident before: a budget of its own."""

    wrong_answers_per_address: str = "200/3600"
    """Wrong answers from one network address."""

    logins_per_address: str = "1200/3600"
    """Logins begun from one network address."""


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
    pages: Pages = Pages()
