"""Our own outgoing OAuth: the signing service as a client of its issuer, for those who sign here.

A request is pushed (RFC 9126), bound by PKCE (RFC 7636), and proven by an assertion that the key
service signs (RFC 7523). Authlib writes what is sent; it goes through the one HTTP client, whose
rules and deadlines Authlib's own sessions would not have.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlencode

import msgspec
from authlib.oauth2.rfc6749.parameters import prepare_token_request
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from config.runtime.entropy import Entropy
from config.runtime.outbound import Fetched, FetchFailed, Outgoing
from keystore.door import SIGNING_CLIENT, Door, Order, TokenKind

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
CALLBACK = "/sign/callback"

_FORM = "application/x-www-form-urlencoded"
_LIFETIME = 60
"""Seconds for which an assertion is good."""

_log = logging.getLogger("symbolon.hosted")


class LoginAway(Exception):
    """The issuer cannot be reached, or did not take the request; the log says why."""


class NotRedeemed(Exception):
    """The issuer gave no token for the code: it was used, is too old, or is another browser's."""


class NoName(Exception):
    """The certificate shall tell the name, and the ID store has none that it could."""


class Posting(Protocol):
    """Sends a form: the one HTTP client."""

    async def post(self, outgoing: Outgoing) -> Fetched:
        """Return the answer, or raise FetchFailed."""
        ...


class _Pushed(msgspec.Struct):
    request_uri: str


class _Tokens(msgspec.Struct):
    access_token: str


_PUSHED = msgspec.json.Decoder(_Pushed)
_TOKENS = msgspec.json.Decoder(_Tokens)


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """What is asked: ``details`` for a person of ``party``, in a language.

    ``verifier`` is known to the browser that asks alone, ``state`` comes back with the code to
    ``callback``. Without a party and details it is this service that wants a ``scope`` of its own.
    """

    party: str
    details: Sequence[Mapping[str, Any]]
    state: str
    verifier: str
    language: str
    scope: str = "openid"
    callback: str = CALLBACK


@dataclass(frozen=True, slots=True, kw_only=True)
class HostedLogin:
    """Logins at ``issuer`` that lead back to ``service``; ``alg`` is what the issuer signs with."""

    issuer: str
    service: str
    alg: str
    door: Door
    http: Posting
    entropy: Entropy

    async def begun(self, login: Login, now: int) -> str:
        """Return the address to which the browser is sent, or raise LoginAway.

        KeyServiceUnavailable comes through.
        """
        form = {
            "response_type": "code",
            "scope": login.scope,
            "redirect_uri": self.service + login.callback,
            "state": login.state,
            "code_challenge": create_s256_code_challenge(login.verifier),
            "code_challenge_method": "S256",
            **self._wanted(login),
            "ui_locales": login.language,
            **await self._proof(login.party, now),
        }
        answer = await self._posted("/par", urlencode(form))
        if answer.status != 201:
            _log.error("the issuer refuses our request: %s", _error(answer))
            raise LoginAway
        asked = {"client_id": form["client_id"], "request_uri": _read(_PUSHED, answer).request_uri}
        return f"{self.issuer}/authorize?{urlencode(asked)}"

    def _wanted(self, login: Login) -> dict[str, str]:
        if not login.details:
            return {"resource": self.service}
        return {"authorization_details": msgspec.json.encode(login.details).decode()}

    async def redeemed(
        self, party: str, code: str, verifier: str, now: int, callback: str = CALLBACK
    ) -> str:
        """Return the access token that a code stands for, which came to ``callback``.

        Raises NotRedeemed, NoName, LoginAway; KeyServiceUnavailable comes through.
        """
        form = prepare_token_request(
            "authorization_code",
            redirect_uri=self.service + callback,
            code=code,
            code_verifier=verifier,
            **await self._proof(party, now),
        )
        answer = await self._posted("/token", form)
        if answer.status != 200:
            _log.info("no token for a code: %s", _error(answer))
            if _error(answer) == "access_denied":
                raise NoName
            raise LoginAway if answer.status >= 500 else NotRedeemed
        return str(_read(_TOKENS, answer).access_token)

    async def _proof(self, party: str, now: int) -> dict[str, str]:
        client_id = SIGNING_CLIENT + party
        claims = {
            "iss": client_id,
            "sub": client_id,
            "aud": self.issuer,
            "jti": self.entropy.token(16),
            "iat": now,
            "exp": now + _LIFETIME,
        }
        order = Order(TokenKind.CLIENT_ASSERTION, self.alg, msgspec.json.encode(claims))
        [assertion] = await self.door.sign(self.issuer, [order])
        return {
            "client_id": client_id,
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": assertion,
        }

    async def _posted(self, path: str, form: str) -> Fetched:
        outgoing = Outgoing(url=self.issuer + path, body=form.encode(), content_type=_FORM)
        try:
            return await self.http.post(outgoing)
        except FetchFailed as reason:
            _log.warning("the issuer cannot be asked: %s", reason.reason)
            raise LoginAway from None


def _read(decoder: msgspec.json.Decoder[Any], answer: Fetched) -> Any:
    try:
        return decoder.decode(answer.body)
    except msgspec.DecodeError:
        _log.error("the issuer's answer cannot be read")
        raise LoginAway from None


def _error(answer: Fetched) -> str:
    """Return the code of a refusal (RFC 6749 §5.2), which names nobody."""
    try:
        told = msgspec.json.decode(answer.body)
    except msgspec.DecodeError:
        told = {}
    code = told.get("error") if isinstance(told, dict) else None
    return code if isinstance(code, str) and code.isidentifier() else str(answer.status)
