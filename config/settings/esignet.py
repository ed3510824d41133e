"""The settings of signing documents."""

import re
from typing import Literal

from config.settings.section import Section

_OID = re.compile(r"[0-2](\.(0|[1-9][0-9]{0,8})){2,20}")

_MOST_DAYS = 3650  # an issuing authority lives as long


class TimestampSource(Section, frozen=True):
    """Who stamps time for signatures."""

    kind: str = "own"
    """``own`` is the authority of the key service, ``rfc3161`` one of somebody else."""

    stamps: Literal["all", "signatures", "archives"] = "all"
    """What it stamps: signatures as they are made, archives (B-LTA), or all."""

    address: str = ""
    """Where an authority of somebody else answers (https)."""

    anchors: str = ""
    """PEM file with the authorities from which its certificate must come. Validation believes
    time-stamps under them as well."""

    policy: str = ""
    """Object identifier of the policy that its tokens must have; empty takes its usual one."""

    lists: tuple[str, ...] = ()
    """Addresses of the revocation lists (http or https) of every authority between its certificate
    and the anchors. They go into signatures of B-LT, and no time-stamp is taken unless they tell
    that its authority is good. Without them such signatures hold its certificates alone."""

    responders: tuple[str, ...] = ()
    """Addresses of OCSP responders (http or https) that are asked, one after the other, about each
    of these certificates of which no list tells; the same holds for their answers. The one word
    `certificate` asks those that the certificates name, on public addresses alone."""

    timeout: float = 5.0
    """Seconds until its answer is here; then the next source is asked."""

    def __post_init__(self) -> None:
        if self.policy and not _OID.fullmatch(self.policy):
            raise ValueError(f"{self.policy} is no object identifier")
        if "certificate" in self.responders and len(self.responders) > 1:
            raise ValueError("responders are addresses, or certificate alone")
        if not 0 < self.timeout <= 60:
            raise ValueError("a source of time-stamps answers within 60 seconds")


class Esignet(Section, frozen=True):
    """The signing service and its certificate authority. Without an address nothing is signed."""

    address: str = ""
    """Where the signing service is reached, without a slash at the end. Certificates name it for
    their status and their issuers, so it lasts as long as they do."""

    host: str = "127.0.0.1"
    """Address to listen on."""

    port: int = 8090
    """Port to listen on."""

    operations_port: int = 0
    """Port of /livez, /readyz and /metrics of the signing service; 0 switches them off."""

    country: str = "XX"
    """The country that certificates name (ISO 3166-1 alpha-2)."""

    organization: str = "Symbolon demonstration"
    """Who issues certificates, as they name it."""

    root_key: Literal["own", "elsewhere"] = "own"
    """Where the key of the root is that certifies the signing authority: ``own`` is in the key
    service, ``elsewhere`` on a machine that is not connected. Then nothing is signed until it has
    certified: `symbolon keys ceremony --request FILE` makes the request for it."""

    certificate_policy: str = "1.3.6.1.4.1.32473.1.1"
    """Object identifier of the policy under which signers are certified. The default is one of the
    numbers kept for examples (RFC 5612): register your own."""

    long_term_policy: str = ""
    """Object identifier of the policy under which stored keys of people are certified; without one
    it is `certificate_policy`."""

    seal_policy: str = ""
    """The same for the keys of organisations, which seal."""

    timestamp_certificate_policy: str = ""
    """The same for the certificate of the time-stamp authority."""

    long_term_days: int = 730
    """Days for which the certificate of a person's stored key is valid, 3650 at most."""

    seal_days: int = 730
    """Days for which an organisation's certificate is valid, 3650 at most; its key is replaced
    when three quarters of them are over."""

    stored_keys: bool = False
    """Whether people may have long-term keys, which lie wrapped by the token outside it and sign
    each time with an approval of its own. Without them each signature has a key of its own, which
    is safer. The token must wrap keys (AES-KWP)."""

    sign_hash: bool = False
    """Whether stored keys sign hashes of what an application made (CSC signHash): then the person
    approves a hash, and nobody but the application can tell of what. Needs `stored_keys`."""

    timestamp_policy: str = "1.3.6.1.4.1.32473.1.2"
    """Object identifier of the policy of time-stamps; the same holds for it."""

    archive_timestamp_algorithm: str = ""
    """``ML-DSA-65`` (FIPS 204) has the archive time-stamps of our own authority signed by a key of
    that kind, which no quantum computer is known to break and few other validators can judge yet.
    No PKCS#11 module makes one: the key lies in `keys.software_file`. Empty stamps as always."""

    archive_timestamp_policy: str = ""
    """Object identifier of the policy of those time-stamps; without one it is `timestamp_policy`.
    Whoever asks `/tsa` for this policy gets one of them."""

    timestamp_ntp: bool = False
    """Whether time-stamps stop while the kernel says that no NTP holds its clock. Set it in
    production; containers without that knowledge never stamp then."""

    timestamps: tuple[TimestampSource, ...] = (TimestampSource(),)
    """Who stamps time for signatures: the first that does, in this order."""

    trust: str = ""
    """PEM file with authorities that are believed at validation beside our own."""

    fonts: tuple[str, ...] = ()
    """TrueType font files whose letters visible signatures show; of several the first that has a
    letter counts. Without any, such signatures show pictures and QR codes alone. The signing
    service does not start with a file that is damaged, variable, or forbids to be embedded."""

    largest_document: int = 20_000_000
    """Octets of a document that may be given for signing."""

    largest_upload: int = 500_000_000
    """Octets of a document that may be uploaded first, which is then kept encrypted in chunks."""

    upload_quota: int = 2_000_000_000
    """Octets of uploaded documents that one client may keep at the same time."""

    upload_lifetime: int = 3600
    """Seconds for which an uploaded document waits for a signature request; then it stays as long
    as that."""

    concurrent_uploads: int = 16
    """Uploads that run at the same time in one server; others are told to come back."""

    arriving: int = 536_870_912
    """Octets of documents within requests (for validation, or in JSON) that are on their way to one
    server at the same time. One address has half of them at most, and when half are taken whoever
    sends slowly is told to come back."""

    history: int = 63_072_000
    """Seconds for which people find what they signed in their own list; 0 keeps no list."""

    history_clients: tuple[str, ...] = ()
    """Clients that act for people alone, such as an application of the ID authority: with the
    consent of a person they read the whole list, and erase from it. Others see what was signed for
    themselves."""

    open_requests: int = 1000
    """Signature requests of one client that may wait at the same time."""

    def __post_init__(self) -> None:
        if self.address.endswith("/"):
            raise ValueError("address has no slash at its end")
        if not re.fullmatch("[A-Z]{2}", self.country):
            raise ValueError("country is two capital letters")
        own = (
            *(self.long_term_policy, self.seal_policy),
            *(self.timestamp_certificate_policy, self.archive_timestamp_policy),
        )
        for name in (self.certificate_policy, self.timestamp_policy, *filter(None, own)):
            if not _OID.fullmatch(name):
                raise ValueError(f"{name} is no object identifier")
        if not all(0 < days <= _MOST_DAYS for days in (self.long_term_days, self.seal_days)):
            raise ValueError(f"a certificate is valid for 1 to {_MOST_DAYS} days")
        if self.archive_timestamp_algorithm not in ("", "ML-DSA-65"):
            raise ValueError("archive_timestamp_algorithm is ML-DSA-65, or empty")
        if self.archive_timestamp_policy and not self.archive_timestamp_algorithm:
            raise ValueError("archive_timestamp_policy needs archive_timestamp_algorithm")
        for what in ("signatures", "archives"):
            if not any(one.stamps in ("all", what) for one in self.timestamps):
                raise ValueError(f"timestamps names a source of {what} at least")
        if self.history < 0:
            raise ValueError("history is a number of seconds, or 0")
        if self.sign_hash and not self.stored_keys:
            raise ValueError("sign_hash needs stored_keys")
