"""Who reads a page: a browser, known by a secret cookie, and the language that it gets."""

import hmac
import re
from base64 import urlsafe_b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

from config.runtime.entropy import Entropy
from config.runtime.pages.languages import Language, Languages, accepted
from config.runtime.web import Answer, Call, Malformed

LANGUAGE = "symbolon-language"
LANGUAGE_AGE = 365 * 86_400
BROWSER_AGE = 400 * 86_400
"""Seconds; browsers keep no cookie longer (RFC 6265bis §5.5)."""

_SECRET = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """``browser`` is the SHA-256 of the browser's secret cookie.

    ``new_secret`` is set when the browser had none: give it with the answer. ``chosen`` is the
    language that the person chose just now.
    """

    browser: bytes
    language: Language
    new_secret: str | None = None
    chosen: Language | None = None

    def token(self, purpose: str) -> str:
        """Return 256 bits that only this browser's requests can bring, one for each purpose.

        For forms and addresses that another browser, or another site, must not be able to name.
        """
        made = hmac.digest(self.browser, purpose.encode(), "sha256")
        return urlsafe_b64encode(made).rstrip(b"=").decode()

    def brought(self, token: str, purpose: str) -> bool:
        """Return whether ``token`` is that of this browser for this purpose."""
        return hmac.compare_digest(token.encode(), self.token(purpose).encode())


@dataclass(frozen=True, slots=True)
class Visitors:
    """Recognises browsers and speaks their language. ``cookie`` is the name of the secret's."""

    languages: Languages
    entropy: Entropy
    cookie: str

    def visitor(self, call: Call, wishes: Iterable[str] = ()) -> Visitor:
        """Return who asks. ``wishes`` are the languages that a relying party asks for.

        What the person chose comes first, then those wishes, then the browser's.
        """
        secret = call.cookie(self.cookie)
        new = None
        if secret is None or not is_secret(secret):
            secret = new = self.entropy.token()
        chosen = self.languages.find(_asked_language(call))
        kept = self.languages.find(call.cookie(LANGUAGE) or "")
        language = (
            chosen
            or kept
            or self.languages.choose((*wishes, *accepted(call.header("accept-language"))))
        )
        return Visitor(
            browser=sha256(secret.encode()).digest(),
            language=language,
            new_secret=new,
            chosen=chosen,
        )

    def give(self, answer: Answer, call: Call, visitor: Visitor) -> Answer:
        """Put the cookies into the answer that the browser is to have from now on."""
        if visitor.new_secret is not None:
            answer.set_cookie(
                self.cookie, visitor.new_secret, secure=call.secure, max_age=BROWSER_AGE
            )
        if visitor.chosen is not None:
            answer.set_cookie(
                LANGUAGE, visitor.chosen.tag, secure=call.secure, max_age=LANGUAGE_AGE
            )
        return answer


def is_secret(value: str) -> bool:
    """Return whether a cookie has the form of the secrets that we give to browsers."""
    return _SECRET.fullmatch(value) is not None


def _asked_language(call: Call) -> str:
    """Return the language of the address, or "" when it cannot be read.

    Then the page that says so still has a reader, who speaks some language.
    """
    try:
        return dict(call.query()).get("lang", "")
    except Malformed:
        return ""
