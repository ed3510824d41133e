"""Tokens that bring the key that proves them: in ``jwk`` of their header (RFC 7515 §4.1.3).

Only for what a specification makes so, as DPoP proofs (RFC 9449 §4.2): such a signature says that
the sender holds the key, and nothing about who the sender is.
"""

import hashlib
from collections import OrderedDict
from dataclasses import dataclass

from keystore.jose.jwk import JwkSet, KeyRefused, parse
from keystore.jose.reader import BadToken, Parsed, Rules, Verified, verify

_REMEMBERED = 2048


@dataclass(frozen=True, slots=True)
class _Held:
    keys: JwkSet
    thumbprint: str


class EmbeddedKeys:
    """Verifies such tokens. Every method is pure work in memory.

    A sender's header is the same each time, so the keys met last are remembered by its SHA-256:
    reading one costs about what verifying a signature costs.
    """

    def __init__(self, remembered: int = _REMEMBERED) -> None:
        self._most = remembered
        self._held: OrderedDict[bytes, _Held] = OrderedDict()

    def verify(self, parsed: Parsed, rules: Rules) -> tuple[Verified, str]:
        """Return the token and its key's SHA-256 thumbprint (RFC 7638), or raise BadToken."""
        held = self._key(parsed)
        return verify(parsed, held.keys, rules), held.thumbprint

    def _key(self, parsed: Parsed) -> _Held:
        name = hashlib.sha256(parsed.signed.partition(b".")[0]).digest()
        held = self._held.get(name)
        if held is not None:
            self._held.move_to_end(name)
            return held
        held = self._held[name] = _read(parsed)
        if len(self._held) > self._most:
            self._held.popitem(last=False)
        return held


def _read(parsed: Parsed) -> _Held:
    try:
        key = parse(parsed.header.get("jwk"))
    except KeyRefused as reason:
        raise BadToken(f"the key in jwk is refused: {reason}") from reason
    if key is None:
        raise BadToken("jwk is a kind of key that is not known")
    return _Held(JwkSet((key,)), key.thumbprint())
