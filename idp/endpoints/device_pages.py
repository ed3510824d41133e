"""The pages of a device: type its code, confirm that it is one's own, go back to it.

RFC 8628 §3.3, §5.4. They come before the login, and know nobody: what is shown about a device is
shown to whoever has its code.
"""

import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from config.runtime.clock import Clock
from config.runtime.pages.answers import Message, Way
from config.runtime.web import Answer, Call, Endpoint, Route, redirect
from idp.endpoints.guests import Guest
from idp.endpoints.login_answers import LoginAnswers
from idp.endpoints.mounting import Mount
from idp.endpoints.own_forms import OwnDoor, Visitor
from idp.endpoints.page_refusals import ForgedForm
from idp.flows.device_approval import DeviceApproval, UnknownCode, Waiting
from idp.flows.device_guesses import SignInFirst, TooManyCodes
from idp.protocol.device import LONGEST_TYPED, RANDOM_DIGITS, shown, typed
from idp.protocol.login import IllegalMove

Page = Callable[[Guest, Call, int], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class DevicePages:
    """``/device`` and what follows from it."""

    approval: DeviceApproval
    door: OwnDoor
    clock: Clock

    @property
    def login(self) -> LoginAnswers:
        """Return what shows the logins."""
        return self.door.login

    def routes(self) -> list[Route]:
        """Return the routes under the issuer's address."""
        pages: dict[str, dict[str, Endpoint]] = {
            "": {"GET": self._page(self.first), "POST": self._page(self.typed)},
            "/done": {"GET": self._page(self.done)},
            "/denied": {"GET": self._page(self.denied)},
            "/enter": {"GET": self.door.page(self.entered)},
            "/{user_code}": {"GET": self._page(self.question), "POST": self._page(self.decided)},
        }
        mount = Mount.of(self.approval.ground.issuer)
        return [
            Route(
                path=f"{mount.path}/device{path}",
                endpoints=endpoints,
                budget="logins",
                page=True,
                origins=(mount.origin,),
            )
            for path, endpoints in pages.items()
        ]

    @property
    def base(self) -> str:
        """Return the path of the first page."""
        return f"{Mount.of(self.approval.ground.issuer).path}/device"

    async def first(self, guest: Guest, call: Call, now: int) -> Answer:
        """Ask for the code."""
        return self._first(guest)

    async def typed(self, guest: Guest, call: Call, now: int) -> Answer:
        """A person typed a code: show whose it is, at an address that can be shown again."""
        form = dict(await call.form())
        _check(form, guest, "")
        text = form.get("user_code", "")
        code = typed(text)
        if code is None:
            return self._first(guest, text[:LONGEST_TYPED], _wrong(guest))
        return redirect(f"{self.base}/{shown(code)}")

    async def question(self, guest: Guest, call: Call, now: int) -> Answer:
        """Show which device waits for the code, and ask whether it is the person's own."""
        waiting = await self.approval.find(call.captured["user_code"], guest.visit, now)
        return self._question(waiting, guest, call, now)

    async def decided(self, guest: Guest, call: Call, now: int) -> Answer:
        """The person compared the codes: go on to the login, or tell the device no."""
        code = call.captured["user_code"]
        form = dict(await call.form())
        _check(form, guest, typed(code) or "")
        waiting = await self.approval.find(code, guest.visit, now)
        match form.get("decision"):
            case "confirm":
                draft = await self.approval.confirm(waiting, guest.visit, now)
                return await self.login.onward(draft, guest, call)
            case "deny":
                await self.approval.deny(waiting, now)
                return redirect(f"{self.base}/denied")
        raise IllegalMove("neither confirmed nor refused")

    async def done(self, guest: Guest, call: Call, now: int) -> Answer:
        """The login ended: lead the person back to the device."""
        if "error" in dict(call.query()):
            return redirect(f"{self.base}/denied")
        t = guest.language.t
        message = Message(
            heading=t("Go back to your device"),
            lines=(
                t("It goes on by itself in a few seconds. You can close this page."),
                t("On your own page you see what you share, and can stop it."),
            ),
            ways_on=(self._home(guest),),
            status=200,
        )
        return self.login.answers.message(message, guest, call)

    async def denied(self, guest: Guest, call: Call, now: int) -> Answer:
        """The person, or the login, said no."""
        t = guest.language.t
        message = Message(
            heading=t("The device was not let in"),
            lines=(
                t("Nothing was shared, and the device was told."),
                t("If it is yours, let it show you a new code, and start again."),
            ),
            ways_on=(Way(self.base, t("Type a code")), self._home(guest)),
            status=200,
        )
        return self.login.answers.message(message, guest, call)

    async def entered(self, visitor: Visitor, call: Call) -> Answer:
        """Who had to sign in before typing a code did."""
        return redirect(self.base)

    def _page(self, page: Page) -> Endpoint:
        """Return the endpoint of a page, with what is said of a code that leads nowhere."""

        async def endpoint(call: Call) -> Answer:
            guest = self.login.refusals.guests.guest(call)
            try:
                answer = await page(guest, call, self.clock.now())
            except UnknownCode:
                answer = self._first(guest, "", _wrong(guest))
            except SignInFirst:
                answer = self._sign_in_first(guest, call)
            except TooManyCodes as refusal:
                answer = self._too_many(refusal, guest, call)
            return await self.login.refusals.guests.give(answer, call, guest, None)

        return self.login.refusals.guarded(endpoint)

    def _first(self, guest: Guest, text: str = "", fault: str = "") -> Answer:
        content = {
            "action": self.base,
            "csrf": _token(guest, ""),
            "digits": RANDOM_DIGITS + 1,
            "typed": text,
            "fault": fault,
        }
        return self.login.answers.page(
            "device", self.login.answers.setting(guest, self.base), content
        )

    def _question(self, waiting: Waiting, guest: Guest, call: Call, now: int) -> Answer:
        tag, request = guest.language.tag, waiting.request
        code = typed(call.captured["user_code"]) or ""
        content = {
            "action": f"{self.base}/{shown(code)}",
            "csrf": _token(guest, code),
            "code": shown(code),
            "client": waiting.client.name((tag,)),
            "purpose": waiting.client.purpose((tag,)),
            "ago": max(1, now - request.created_at),
            "near": waiting.is_near(guest.visit),
            "network": request.asked_from,
            "fault": "",
        }
        setting = self.login.answers.setting(guest, f"{self.base}/{shown(code)}")
        return self.login.answers.page("device_confirm", setting, content)

    def _sign_in_first(self, guest: Guest, call: Call) -> Answer:
        t = guest.language.t
        message = Message(
            heading=t("Please sign in first"),
            lines=(
                t("Many wrong codes were typed. Somebody may be guessing."),
                t("When you are signed in, you can type the code of your device."),
            ),
            ways_on=(Way(f"{self.base}/enter", t("Sign in")),),
            status=429,
        )
        return self.login.answers.message(message, guest, call)

    def _too_many(self, refusal: TooManyCodes, guest: Guest, call: Call) -> Answer:
        language = guest.language
        wait = language.duration(refusal.retry_after)
        message = Message(
            heading=language.t("You typed too many wrong codes"),
            lines=(language.t("You can type the next one in {delay}.", delay=wait),),
            ways_on=(self._home(guest),),
            status=429,
        )
        answer = self.login.answers.message(message, guest, call)
        answer.headers.append((b"retry-after", str(refusal.retry_after).encode()))
        return answer

    def _home(self, guest: Guest) -> Way:
        return Way(self.login.answers.home, guest.language.t("Go to your own page"))


def _wrong(guest: Guest) -> str:
    return guest.language.t("This code is not right, or it is too old. Look at your device.")


def _token(guest: Guest, code: str) -> str:
    """Return the token of a form: bound to the browser's secret, and to the code (attack A12)."""
    return hmac.digest(guest.visit.browser, f"device {code}".encode(), "sha256").hex()


def _check(form: dict[str, str], guest: Guest, code: str) -> None:
    if not hmac.compare_digest(form.get("csrf", "").encode(), _token(guest, code).encode()):
        raise ForgedForm
