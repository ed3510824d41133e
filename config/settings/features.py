"""What an issuer offers: the switches of its features."""

from config.settings.section import Section


class Features(Section, frozen=True):
    """What is off is refused, and is not in the issuer's metadata either."""

    grant_types: tuple[str, ...] = (
        "authorization_code",
        "refresh_token",
        "client_credentials",
        "urn:ietf:params:oauth:grant-type:token-exchange",
        "urn:ietf:params:oauth:grant-type:device_code",
        "urn:openid:params:grant-type:ciba",
    )
    """Grant types that clients may register."""

    auth_methods: tuple[str, ...] = (
        "private_key_jwt",
        "tls_client_auth",
        "self_signed_tls_client_auth",
        "client_secret_basic",
        "client_secret_post",
        "client_secret_jwt",
        "none",
    )
    """Client authentication methods; of these the issuer's profile may forbid some. Those by
    certificate are offered where certificates arrive (section ``web``). Further ones are
    ``attest_jwt_client_auth`` and ``attest_jwt_client_auth_dpop``."""

    client_id_documents: bool = False
    """Whether a client may be known by a document at the https address that is its client_id
    (Client ID Metadata Documents), without being registered."""

    client_id_hosts: tuple[str, ...] = ()
    """The only hosts whose documents count; empty takes any."""

    attesters: str = ""
    """File with the keys (a JWK set) of attesters whose attestations count for every client that
    names no keys of an attester of its own."""

    attester_ca: str = ""
    """PEM file of authorities whose certificates make an attester: attestations bring theirs in
    ``x5c``. They count for the same clients as ``attesters``."""

    attestation_challenge: bool = False
    """Whether the proof of an attested key must hold a challenge of ours, which keeps out proofs
    made in advance and costs clients a request."""

    response_types: tuple[str, ...] = ("code",)
    """What the authorization endpoint answers with. ``id_token``, ``id_token token``, ``code
    id_token``, ``code token`` and ``code id_token token`` send tokens through the browser: for
    clients that cannot do without. FAPI allows ``code`` alone."""

    enrolment_url: str = ""
    """Address of the page where people get an ID: shown to them where a client asks for that
    (``prompt=create``), with the way back as ``return_to``. Empty refuses such requests."""

    pushed_requests: bool = True
    """Authorization requests that clients push before the browser comes (PAR, RFC 9126). FAPI
    demands it."""

    request_objects: bool = True
    """Signed requests in the request itself or pushed (JAR, RFC 9101)."""

    request_uris: bool = False
    """Signed requests that are fetched from addresses that clients registered (RFC 9101 §5.2.2).
    Each costs a call out while a person waits; pushed requests need none."""

    signed_answers: bool = True
    """Answers through the browser as one signed token (JARM), for clients that ask for it."""

    dpop: bool = True
    """Tokens bound to a key by DPoP proofs (RFC 9449)."""

    dpop_nonce: bool = False
    """Whether every DPoP proof must hold a nonce of ours (RFC 9449 §8, §9), which keeps out proofs
    made in advance. It costs each client a request that is refused once, and again after each
    pause of some minutes. Each proof is good for one request and a minute also without. The signing
    service demands nonces of its own where the issuer whose people sign there does."""

    authorization_details: tuple[str, ...] = ("payment_initiation", "record_access")
    """Types of authorization details (RFC 9396), by the names of their files."""

    signing_service: str = ""
    """Address of the signing service (esignet) for which people approve signatures here: clients
    may then register the types of details that ask for them. Empty refuses such requests."""

    signing_acr: str = ""
    """Authentication level that an approval of signatures needs, or a higher one; empty takes the
    highest of the ladder."""

    signing_max_age: int = 300
    """Seconds for which a person who proved who they are may approve signatures; 0 asks for a
    proof each time."""

    signing_country: str = "ZZ"
    """Country (ISO 3166-1 alpha-2) that certificates of residents name."""

    signing_qualifiers: tuple[str, ...] = ()
    """Kinds of signatures that clients may ask for by ``signatureQualifier``, as the signing
    service's authority is entitled to make them: country or region, law, type (such as
    ``eu_eidas_aes``). Any other is refused, here and by the signing service."""

    signing_stored_keys: bool = False
    """Whether people may approve long-term keys for their signatures, and signatures with them.
    The signing service needs ``esignet.stored_keys``."""

    signing_hashes: bool = False
    """Whether people may approve hashes that a stored key signs as they are (CSC signHash). The
    signing service needs ``esignet.sign_hash``."""

    backchannel_modes: tuple[str, ...] = ("poll", "ping", "push")
    """How clients of backchannel authentication (CIBA) may get their tokens. FAPI forbids push."""

    first_party: bool = False
    """Whether first-party applications may show the login themselves (authorization challenge
    endpoint). Each of them must be registered as one."""

    native_sso: bool = False
    """Whether apps of one maker on one device may share a login (OpenID Connect Native SSO): those
    that the operator registers as one group."""

    grant_management: bool = True
    """Whether clients may name, widen, replace, read and end what persons granted them (Grant
    Management for OAuth 2.0)."""

    global_token_revocation: bool = False
    """Whether clients that are registered for the scope ``global_token_revocation`` may end every
    session and grant of a person at this issuer."""

    sample_resource: bool = False
    """Whether there is a resource to try access tokens on, at ``/resource``: for testers."""

    def __post_init__(self) -> None:
        if self.signing_hashes and not self.signing_stored_keys:
            raise ValueError("signing_hashes needs signing_stored_keys")
        if self.signing_stored_keys and not self.signing_service:
            raise ValueError("signing_stored_keys needs signing_service")
