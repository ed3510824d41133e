"""The logout endpoint (OpenID Connect RP-Initiated Logout 1.0 §2)."""

import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlencode

from config.runtime.clock import Clock
from config.runtime.pages.answers import PageAnswers
from config.runtime.web import Answer, Call, Route, page_answer, redirect
from idp.endpoints.guests import Guest
from idp.endpoints.mounting import Mount
from idp.endpoints.page_refusals import ForgedForm, PageRefusals
from idp.flows.logout import Logout, LogoutWish
from idp.protocol.parameters import Parameters
from idp.protocol.session import Session

CARRIED = ("id_token_hint", "client_id", "post_logout_redirect_uri", "state")
"""Parameters that the page of confirmation carries on, to be judged again."""


@dataclass(frozen=True, slots=True)
class LogoutPages:
    """``/logout``: at once when the hint speaks of this session, else the person is asked."""

    logout: Logout
    answers: PageAnswers
    refusals: PageRefusals
    clock: Clock

    def routes(self) -> list[Route]:
        """Return the routes under the issuer's address."""
        mount = Mount.of(self.logout.ground.issuer)
        guarded = self.refusals.guarded
        return [
            Route(
                path=f"{mount.path}/logout",
                endpoints={"GET": guarded(self.asked), "POST": guarded(self.posted)},
                budget="logins",
                page=True,
                cross_site=True,
                origins=(mount.origin,),
            ),
            Route(
                path=f"{mount.path}/logout/confirm",
                endpoints={"GET": guarded(self.asked), "POST": guarded(self.confirmed)},
                budget="logins",
                page=True,
                origins=(mount.origin,),
            ),
        ]

    async def asked(self, call: Call) -> Answer:
        """A client, or a person, wants to log out."""
        return await self._judged(call.query(), call)

    async def posted(self, call: Call) -> Answer:
        """The same as a form of the client's: it comes without our cookies, the GET has them."""
        asked = Parameters.parse(await call.form())
        names = [name for name in (*CARRIED, "ui_locales") if name in asked]
        carried = urlencode([(name, asked[name]) for name in names])
        return redirect(f"{call.path}?{carried}" if carried else call.path)

    async def confirmed(self, call: Call) -> Answer:
        """The person was asked and answered."""
        form = await call.form()
        guest = self.refusals.guests.guest(call)
        asked = Parameters.parse(form)
        wish = await self.logout.wish(asked, guest.visit, self.clock.now())
        if wish.session is None:
            return await self._after(wish, guest, call)
        token = asked.get("csrf", "").encode()
        if not hmac.compare_digest(token, wish.session.csrf.encode()):
            raise ForgedForm
        if asked.get("decision") != "continue":
            return redirect(self.answers.home)
        await self.logout.end(wish.session, self.clock.now())
        return await self._after(wish, guest, call)

    async def _judged(self, pairs: Iterable[tuple[str, str]], call: Call) -> Answer:
        now = self.clock.now()
        asked = Parameters.parse(pairs)
        guest = self.refusals.guests.guest(call, asked.words("ui_locales"))
        wish = await self.logout.wish(asked, guest.visit, now)
        if wish.session is not None and wish.certain:
            await self.logout.end(wish.session, now)
            return await self._after(wish, guest, call)
        if wish.session is None:
            return await self._after(wish, guest, call)
        return self._question(asked, wish, wish.session, guest)

    def _question(
        self, asked: Parameters, wish: LogoutWish, session: Session, guest: Guest
    ) -> Answer:
        mount = Mount.of(self.logout.ground.issuer)
        client = wish.client.name((guest.language.tag,)) if wish.client and wish.then else ""
        content = {
            "action": f"{mount.path}/logout/confirm",
            "csrf": session.csrf,
            "client": client,
            "carried": [(name, asked[name]) for name in CARRIED if name in asked],
            "fault": "",
        }
        targets = (wish.then.uri,) if wish.then else ()
        setting = self.answers.setting(guest, f"{mount.path}/logout")
        return self.answers.page("logout", setting, content, targets)

    async def _after(self, wish: LogoutWish, guest: Guest, call: Call) -> Answer:
        if wish.then is not None:
            answer = redirect(wish.then.location)
        else:
            setting = self.answers.setting(
                guest, f"{Mount.of(self.logout.ground.issuer).path}/logout"
            )
            html = self.answers.pages.render("logged_out", setting, home=self.answers.home)
            answer = page_answer(html)
        answer.drop_cookie(self.refusals.guests.session_cookie, secure=call.secure)
        return await self.refusals.guests.give(answer, call, guest, None)
