"""What the versions of the API call differently."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """``specs`` is what ``info`` says; ``hashes`` and ``hash_algorithm`` are members' names."""

    name: str
    specs: str
    hashes: str
    hash_algorithm: str


V1 = Version(name="v1", specs="1.0.4.0", hashes="hash", hash_algorithm="hashAlgo")
V2 = Version(name="v2", specs="2.2.0.0", hashes="hashes", hash_algorithm="hashAlgorithmOID")
