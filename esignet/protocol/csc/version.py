"""What the versions of the API call differently."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """``specs`` is what ``info`` says; ``hashes`` and ``hash_algorithm`` are members' names.

    ``methods`` are all that its specification has.
    """

    name: str
    specs: str
    hashes: str
    hash_algorithm: str
    methods: tuple[str, ...]


_BOTH = (
    *("info", "auth/login", "auth/revoke", "credentials/list", "credentials/info"),
    *("credentials/authorize", "credentials/extendTransaction"),
    *("signatures/signHash", "signatures/timestamp"),
)

V1 = Version(
    name="v1",
    specs="1.0.4.0",
    hashes="hash",
    hash_algorithm="hashAlgo",
    methods=(*_BOTH, "credentials/sendOTP"),
)
V2 = Version(
    name="v2",
    specs="2.2.0.0",
    hashes="hashes",
    hash_algorithm="hashAlgorithmOID",
    methods=(
        *_BOTH,
        *("credentials/create", "credentials/delete", "credentials/authorizeCheck"),
        *("credentials/getChallenge", "signatures/signDoc", "signatures/signPolling"),
    ),
)
