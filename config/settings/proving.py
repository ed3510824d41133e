"""How residents prove who they are: factors, channels that bring codes, limits on guessing."""

from config.settings.section import Section


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

    pushed_requests_per_address: str = "1200/3600"
    """Authorization requests that public clients push from one network address."""

    device_requests_per_address: str = "600/3600"
    """Device codes that public clients ask for from one network address."""

    device_guesses_per_address: str = "30/3600"
    """Wrong user codes from one network address where nobody is signed in; then people sign in
    before they type theirs."""

    device_guesses_per_browser: str = "10/3600"
    """Wrong user codes from one browser where nobody is signed in."""

    device_guesses: str = "1000/3600"
    """Wrong user codes from all browsers where nobody is signed in."""

    device_guesses_per_resident: str = "10/3600"
    """Wrong user codes from one resident who is signed in."""

    backchannel_per_client: str = "6000/3600"
    """Backchannel requests of one relying party; more are refused with slow_down."""

    backchannel_per_resident: str = "6/3600/3"
    """Backchannel requests that reach one resident; more wait unseen until they expire."""

    backchannel_per_pair: str = "3/3600"
    """Backchannel requests of one relying party that reach one resident."""

    user_codes_per_resident: str = "5/3600"
    """Wrong user codes for one resident; after them right ones are refused as well."""
