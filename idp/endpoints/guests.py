"""Who stands behind a request for a page: the browser's cookies, its address, its language."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

from msgspec import structs

from config.runtime.entropy import Entropy
from config.runtime.web import Answer, Call, Malformed, TrustedProxies
from idp.endpoints.mounting import Mount
from idp.factors import device
from idp.flows.login_draft import Draft
from idp.flows.login_ground import Visit, digest
from idp.pages.languages import Language, Languages, accepted
from keystore.door import Door

BROWSER = "symbolon"
LANGUAGE = "symbolon-language"
LANGUAGE_AGE = 365 * 86_400
BROWSER_AGE = 400 * 86_400
"""Seconds; browsers keep no cookie longer (RFC 6265bis §5.5)."""

_SESSION = "symbolon-session"
_SECRET = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Guest:
    """``new_secret`` is set when the browser had none: give it with the answer.

    ``chosen`` is the language that the person chose just now.
    """

    visit: Visit
    language: Language
    new_secret: str | None = None
    chosen: Language | None = None


@dataclass(frozen=True, slots=True)
class Guests:
    """Recognises browsers and speaks their language.

    ``session_cookie`` is the name of the cookie that opens a session of this issuer.
    """

    languages: Languages
    proxies: TrustedProxies
    entropy: Entropy
    door: Door
    session_cookie: str

    def guest(self, call: Call, wishes: Iterable[str] = ()) -> Guest:
        """Return who asks. ``wishes`` are the languages that the client asks for (ui_locales).

        What the person chose comes first, then the client's wishes, then the browser's.
        """
        secret = call.cookie(BROWSER)
        new = None
        if secret is None or not _SECRET.fullmatch(secret):
            secret = new = self.entropy.token()
        session = call.cookie(self.session_cookie)
        chosen = self.languages.find(_asked_language(call))
        kept = self.languages.find(call.cookie(LANGUAGE) or "")
        language = (
            chosen
            or kept
            or self.languages.choose((*wishes, *accepted(call.header("accept-language"))))
        )
        visit = Visit(
            browser=digest(secret),
            session=digest(session) if session and _SECRET.fullmatch(session) else None,
            address=call.client_address(self.proxies),
            locale=language.tag,
            device=call.cookie(device.COOKIE),
        )
        return Guest(visit=visit, language=language, new_secret=new, chosen=chosen)

    def wished(self, guest: Guest, call: Call, draft: Draft) -> tuple[Guest, Draft]:
        """Return both in the language that the client asked for when it began the login.

        The person's own choice still comes first.
        """
        wishes = draft.login.request.ui_locales
        if wishes:
            guest = self.guest(call, wishes)
            draft = structs.replace(draft, visit=guest.visit)
        return guest, draft

    async def give(self, answer: Answer, call: Call, guest: Guest, draft: Draft | None) -> Answer:
        """Put the cookies into the answer that the browser is to have from now on."""
        secure = call.secure
        if guest.new_secret is not None:
            answer.set_cookie(BROWSER, guest.new_secret, secure=secure, max_age=BROWSER_AGE)
        if guest.chosen is not None:
            answer.set_cookie(LANGUAGE, guest.chosen.tag, secure=secure, max_age=LANGUAGE_AGE)
        if draft is not None and draft.session_cookie is not None:
            answer.set_cookie(self.session_cookie, draft.session_cookie, secure=secure)
        if draft is not None and draft.device_of is not None:
            value = await device.remember(
                self.door,
                self.entropy,
                guest.visit.device,
                draft.device_of,
                draft.device_marks,
            )
            answer.set_cookie(device.COOKIE, value, secure=secure, max_age=device.MAX_AGE)
        return answer


def session_cookie(issuer: str) -> str:
    """Return the name of the session's cookie: issuers that share a host have one each."""
    path = Mount.of(issuer).path
    return f"{_SESSION}-{sha256(path.encode()).hexdigest()[:12]}" if path else _SESSION


def _asked_language(call: Call) -> str:
    """Return the language of the address, or "" when it cannot be read.

    Then the page that says so still has a reader, who speaks some language.
    """
    try:
        return dict(call.query()).get("lang", "")
    except Malformed:
        return ""
