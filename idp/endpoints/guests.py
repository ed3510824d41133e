"""Who stands behind a request for a page: the browser's cookies, its address, its language."""

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

from msgspec import structs

from config.runtime.entropy import Entropy
from config.runtime.pages.languages import Language, Languages
from config.runtime.pages.visitors import Visitor, Visitors, is_secret
from config.runtime.web import Answer, Call, TrustedProxies
from idp.endpoints.mounting import Mount
from idp.factors import device
from idp.flows.login_draft import Draft
from idp.flows.login_ground import Visit, digest
from keystore.door import Door

BROWSER = "symbolon"

_SESSION = "symbolon-session"


@dataclass(frozen=True, slots=True, kw_only=True)
class Guest:
    """A visitor, and what a login is to know of the visit."""

    visit: Visit
    visitor: Visitor

    @property
    def language(self) -> Language:
        """Return the language that the person gets."""
        return self.visitor.language


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
        """Return who asks. ``wishes`` are the languages that the client asks for (ui_locales)."""
        visitor = self._visitors.visitor(call, wishes)
        session = call.cookie(self.session_cookie)
        visit = Visit(
            browser=visitor.browser,
            session=digest(session) if session and is_secret(session) else None,
            address=call.client_address(self.proxies),
            locale=visitor.language.tag,
            device=call.cookie(device.COOKIE),
        )
        return Guest(visit=visit, visitor=visitor)

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
        self._visitors.give(answer, call, guest.visitor)
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

    @property
    def _visitors(self) -> Visitors:
        return Visitors(self.languages, self.entropy, BROWSER)


def session_cookie(issuer: str) -> str:
    """Return the name of the session's cookie: issuers that share a host have one each."""
    path = Mount.of(issuer).path
    return f"{_SESSION}-{sha256(path.encode()).hexdigest()[:12]}" if path else _SESSION
