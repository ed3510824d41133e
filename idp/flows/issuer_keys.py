"""The public keys of an issuer, from memory: for the JWKS, and to read its own tokens (R7)."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from idp.protocol.authorization import VerifiedHint
from idp.protocol.errors import InvalidRequest, InvalidToken
from idp.protocol.tokens import AccessToken, read_access_token, read_hint
from keystore.door import Door, KeyServiceUnavailable, PublishedKey, TokenKind
from keystore.jose.own import OwnTokens
from keystore.jose.reader import BadToken, Verified

_log = logging.getLogger("symbolon.keys")


@dataclass(frozen=True, slots=True)
class Published:
    """What is published at one moment: the keys, and the JWKS document (RFC 7517 §5)."""

    keys: Sequence[PublishedKey]
    jwks: bytes


class IssuerKeys:
    """Keys of one issuer. While the key service is away, those known last go on serving.

    The door has them in memory and hears of every change. They are not kept here as well: a burnt
    key would be believed for as long.
    """

    def __init__(self, issuer: str, door: Door) -> None:
        self.issuer = issuer
        self._door = door
        self._last: Published | None = None
        self._tokens = OwnTokens()

    async def published(self) -> Published:
        """Return what is published. Raises KeyServiceUnavailable if that was never known."""
        try:
            keys = await self._door.published(self.issuer)
        except KeyServiceUnavailable:
            if self._last is None:
                raise
            _log.warning("the key service is away; the keys known last are served")
            return self._last
        last = self._last
        if last is None or (last.keys is not keys and list(last.keys) != list(keys)):
            jwks = msgspec.json.encode({"keys": [msgspec.Raw(key.jwk) for key in keys]})
            last = self._last = Published(keys, jwks)
        return last

    def made(self, access_token: str) -> None:
        """Remember an access token that the key service signed just now: it may come back soon."""
        self._tokens.made(access_token, TokenKind.ACCESS_TOKEN)

    async def access_token(self, token: str, now: int) -> AccessToken:
        """Return the access token, or raise InvalidToken. Whether its grant lives is not asked."""
        keys = (await self.published()).keys
        try:
            verified = self._tokens.verify(token, TokenKind.ACCESS_TOKEN, keys)
        except BadToken:
            raise InvalidToken("the access token is not valid") from None
        return read_access_token(verified.claims, self.issuer, now)

    async def hint(self, token: str) -> VerifiedHint:
        """Return what an ID token given as a hint says, expired or not, or raise InvalidRequest."""
        return read_hint((await self._id_token(token)).claims, self.issuer)

    async def id_token(self, token: str, now: int) -> VerifiedHint:
        """Return what an ID token that is good now says, or raise InvalidToken."""
        try:
            claims = (await self._id_token(token)).claims
            hint = read_hint(claims, self.issuer)
        except InvalidRequest:
            raise InvalidToken("the ID token is not valid") from None
        if claims["exp"] <= now:
            raise InvalidToken("the ID token expired")
        return hint

    async def _id_token(self, token: str) -> Verified:
        keys = (await self.published()).keys
        try:
            return self._tokens.verify(token, TokenKind.ID_TOKEN, keys)
        except BadToken:
            raise InvalidRequest("id_token_hint is not an ID token of this issuer") from None
