"""``/me/factors``, ``/me/pin``, ``/me/totp``: how a resident logs in."""

import io
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass

import segno
from markupsafe import Markup

from config.runtime.pages.answers import Message, Way
from config.runtime.pages.languages import visible
from config.runtime.web import Answer, Call, Endpoint, Route
from config.settings.localized import localized
from idp.endpoints.mounting import Mount
from idp.endpoints.own_forms import OwnDoor, Visitor, done, own_page
from idp.factors.factor import NotProven
from idp.factors.pin import WeakPin
from idp.factors.totp import otpauth, written
from idp.flows.me_factors import OwnFactors
from idp.flows.me_pins import BORN, GUESSED, SHORT
from idp.protocol.login import IllegalMove

QR_MODULE = 4
"""Pixels of one module of a QR code."""

WEAK: Mapping[str, str] = {
    SHORT: "A PIN has 6 to 12 digits.",
    GUESSED: "This PIN is easy to guess: its digits repeat or follow each other. Choose another.",
    BORN: "This PIN is your date of birth, which others know. Choose another.",
}
"""Why a PIN is refused: originals."""


@dataclass(frozen=True, slots=True)
class MeFactors:
    """The resident's pages that change how they log in: open only soon after a proof."""

    door: OwnDoor
    own: OwnFactors

    def routes(self) -> list[Route]:
        """Return the routes under the issuer's address, of the factors in use."""
        door, ground = self.door, self.door.me.ground
        pages: dict[str, dict[str, Endpoint]] = {
            "/factors": {
                "GET": door.page(self.factors, recently=True),
                "POST": door.form(self.lock, recently=True),
            }
        }
        if "pin" in ground.factors:
            pages["/pin"] = {
                "GET": door.page(self.pin, recently=True),
                "POST": door.form(self.set_pin, recently=True),
            }
        if "totp" in ground.factors:
            pages["/totp"] = {
                "GET": door.page(self.totp, recently=True),
                "POST": door.form(self.set_totp, recently=True),
            }
        mount = Mount.of(ground.issuer)
        return [
            Route(
                path=f"{mount.path}/me{path}",
                endpoints=endpoints,
                budget="logins",
                page=True,
                origins=(mount.origin,),
            )
            for path, endpoints in pages.items()
        ]

    async def factors(self, visitor: Visitor, call: Call) -> Answer:
        """Show the ways to log in."""
        resident = visitor.person.resident
        rows = [
            {
                "name": name,
                "enrolled": name in resident.enrolled,
                "locked": name in resident.locked_factors,
            }
            for name in self.door.me.ground.factors
        ]
        return own_page(self.door, "me_factors", visitor, call, {"rows": rows})

    async def lock(self, visitor: Visitor, call: Call) -> Answer:
        """Lock or unlock one way to log in."""
        factor, wish = visitor.field("factor"), visitor.field("decision")
        if factor not in self.door.me.ground.factors or wish not in ("lock", "unlock"):
            raise IllegalMove("no such choice")
        if wish == "unlock":
            await self.own.unlock(visitor.person, factor, visitor.now)
            return done(call.path, "unlocked")
        if self.own.is_last(visitor.person, factor) and visitor.field("sure") != "yes":
            asked = {"factor": factor, "back": call.path}
            return own_page(self.door, "me_lock", visitor, call, asked)
        person = await self.own.lock(visitor.person, factor, visitor.now)
        return done(call.path, "locked") if person.stands else self._locked_out(visitor, call)

    def _locked_out(self, visitor: Visitor, call: Call) -> Answer:
        """Say why the person is signed out: what they signed in with is locked."""
        t, answers = visitor.guest.language.t, self.door.login.answers
        message = Message(
            heading=t("You are signed out"),
            lines=(t("You locked the way in which you signed in here. Nobody can use it now."),),
            ways_on=(Way(answers.home, t("Sign in again")),),
            status=200,
        )
        return answers.message(message, visitor.guest, call)

    async def pin(self, visitor: Visitor, call: Call) -> Answer:
        """Ask for a new PIN."""
        return self._pin(visitor, call, "")

    async def set_pin(self, visitor: Visitor, call: Call) -> Answer:
        """Set a new PIN, typed twice."""
        t = visitor.guest.language.t
        chosen = visitor.field("new_pin")[:64]
        fault = ""
        if chosen != visitor.field("new_pin_again")[:64]:
            fault = t("The two PINs are not the same.")
        else:
            try:
                await self.own.set_pin(visitor.person, chosen, visitor.now)
            except WeakPin as weak:
                fault = t(WEAK.get(weak.args[0] if weak.args else "", WEAK[GUESSED]))
        if fault:
            return self._pin(visitor, call, fault)
        return done(self._back, "pin")

    async def totp(self, visitor: Visitor, call: Call) -> Answer:
        """Show a new secret for an application."""
        return self._totp(visitor, call, self.own.seed(), "")

    async def set_totp(self, visitor: Visitor, call: Call) -> Answer:
        """Enrol the application that shows the right code."""
        try:
            packed = visitor.field("seed")[:64]
            seed = urlsafe_b64decode(packed.encode())
        except ValueError:
            seed = b""
        try:
            await self.own.set_totp(visitor.person, seed, visitor.field("totp")[:64], visitor.now)
        except NotProven:
            fault = visitor.guest.language.t("That is not right, or it is too old. Try again.")
            shown = seed if len(seed) == len(self.own.seed()) else self.own.seed()
            return self._totp(visitor, call, shown, fault)
        return done(self._back, "totp")

    @property
    def _back(self) -> str:
        return f"{self.door.login.answers.home}/factors"

    def _pin(self, visitor: Visitor, call: Call, fault: str) -> Answer:
        content = {"fault": fault, "field": "new_pin", "back": self._back}
        return own_page(self.door, "me_pin", visitor, call, content)

    def _totp(self, visitor: Visitor, call: Call, seed: bytes, fault: str) -> Answer:
        language = visitor.guest.language
        service = visible(localized(self.door.login.answers.names, (language.tag,)) or "Symbolon")
        drawn = io.BytesIO()
        segno.make(otpauth(seed, service, service), error="m").save(
            drawn, kind="svg", scale=QR_MODULE, xmldecl=False, svgns=False, nl=False
        )
        content = {
            "fault": fault,
            "field": "totp",
            "back": self._back,
            "seed": urlsafe_b64encode(seed).decode(),
            "written": " ".join(_groups(written(seed))),
            "qr": Markup(drawn.getvalue().decode()),  # noqa: S704 (drawn by segno: paths only)
        }
        return own_page(self.door, "me_totp", visitor, call, content)


def _groups(text: str) -> list[str]:
    return [text[start : start + 4] for start in range(0, len(text), 4)]
