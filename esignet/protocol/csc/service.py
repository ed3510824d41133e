"""``info``: what the service says of itself (v2 §11.1, v1 §11.1)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from esignet.protocol.csc.algorithms import SIGNATURES
from esignet.protocol.csc.fields import Fields
from esignet.protocol.csc.sign_doc import ENVELOPES, LEVEL_NAMES
from esignet.protocol.csc.version import V1, Version

LANGUAGE = "en-US"


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """Of whom ``info`` tells. ``issuer`` is the authorization server; ``region`` a country.

    ``fapi`` is whether it serves FAPI 2.0 with private_key_jwt and DPoP (ETSI TS 119 432 §7.2.3).
    """

    name: str
    logo: str
    region: str
    description: str
    issuer: str
    fapi: bool = True


def service(asked: Fields, of: Service, version: Version, methods: Sequence[str]) -> dict[str, Any]:
    """Return the answer to ``info``. Whatever language is asked for, answers are in English."""
    asked.maybe_text("lang")
    told = {
        "specs": version.specs,
        "name": of.name,
        "logo": of.logo,
        "region": of.region,
        "lang": LANGUAGE,
        "description": of.description,
        "authType": ["oauth2code", "oauth2client"],
        "methods": list(methods),
    }
    if version is V1:
        return {**told, "oauth2": of.issuer}
    return {
        **told,
        "oauth2Issuer": of.issuer,
        "oauth2FAPIsupport": of.fapi,
        "asynchronousOperationMode": True,
        "validationInfo": True,
        "signAlgorithms": {"algos": list(SIGNATURES)},
        "signature_formats": {
            "formats": list(ENVELOPES),
            "envelope_properties": [list(words) for words in ENVELOPES.values()],
        },
        "conformance_levels": list(LEVEL_NAMES),
    }
