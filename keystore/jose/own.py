"""Our own tokens, read back: ID tokens as hints, access tokens at our own endpoints.

Whoever calls often calls with the same token, so a token whose signature was verified is
remembered by its SHA-256. Only the signature is remembered: times, audience and revocation are
judged anew each time by the caller, and a key that left the JWKS takes its tokens with it.

A token that comes back to where it was made, as it does at userinfo right after the exchange, is
not verified: the key service signed it for this process, and its SHA-256 says that it is the same.
"""

from collections import OrderedDict
from collections.abc import Sequence

import msgspec

from keystore.door import PublishedKey, TokenKind
from keystore.jose.jwk import Jwk, JwkSet, parse
from keystore.jose.reader import BadToken, Rules, Verified, fingerprint, recognise, verify
from keystore.jose.reader import parse as parse_token
from keystore.jose.writer import TYP

_REMEMBERED = 2048


class OwnTokens:
    """Verifies the tokens of one issuer. Every method is pure work in memory."""

    def __init__(self, remembered: int = _REMEMBERED) -> None:
        self._most = remembered
        self._seen: Sequence[PublishedKey] = ()
        self._keys: list[PublishedKey] = []
        self._set = JwkSet(())
        self._verified: OrderedDict[tuple[bytes, TokenKind], Verified] = OrderedDict()
        self._made: OrderedDict[tuple[bytes, TokenKind], None] = OrderedDict()

    def made(self, token: str, kind: TokenKind) -> None:
        """Remember ``token``, which the key service signed as a ``kind`` for this process."""
        self._made[fingerprint(token), kind] = None
        if len(self._made) > self._most:
            self._made.popitem(last=False)

    def verify(self, token: str, kind: TokenKind, keys: Sequence[PublishedKey]) -> Verified:
        """Return ``token`` if one of ``keys`` (the issuer's, now) signed it as a ``kind``.

        Raises BadToken or BadSignature. An ID token and a signed userinfo share their ``typ``: the
        caller tells them apart by their claims.
        """
        self._use(keys)
        name = fingerprint(token), kind
        known = self._verified.get(name)
        if known is not None:
            self._verified.move_to_end(name)
            return known
        parsed = parse_token(token)
        if not isinstance(parsed.header.get("kid"), str):
            raise BadToken("every token of ours names its key")
        algs = frozenset(key.alg for key in keys)
        typs = frozenset([TYP[kind].lower()])
        judge = recognise if name in self._made else verify
        verified = judge(parsed, self._set, Rules(algs=algs, typs=typs))
        self._made.pop(name, None)
        self._verified[name] = verified
        if len(self._verified) > self._most:
            self._verified.popitem(last=False)
        return verified

    def _use(self, keys: Sequence[PublishedKey]) -> None:
        if keys is self._seen or list(keys) == self._keys:
            self._seen = keys
            return
        self._set = JwkSet(tuple(_own(key) for key in keys))
        self._verified.clear()
        self._seen, self._keys = keys, list(keys)


def _own(key: PublishedKey) -> Jwk:
    found = parse(msgspec.json.decode(key.jwk))
    assert found is not None
    return found
