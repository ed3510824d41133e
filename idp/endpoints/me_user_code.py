"""``/me/user-code``: who may ask the person to sign in."""

from dataclasses import dataclass

from config.runtime.web import Answer, Call, Route
from idp.endpoints.mounting import Mount
from idp.endpoints.own_forms import OwnDoor, Visitor, done, own_page
from idp.flows.me_user_code import OwnUserCode, UnfitCode
from idp.protocol.login import IllegalMove

LONGEST_TYPED = 64


@dataclass(frozen=True, slots=True)
class MeUserCode:
    """The page of the code, open only soon after a proof."""

    door: OwnDoor
    own: OwnUserCode

    def routes(self) -> list[Route]:
        """Return the route under the issuer's address."""
        mount = Mount.of(self.door.me.ground.issuer)
        return [
            Route(
                path=f"{mount.path}/me/user-code",
                endpoints={
                    "GET": self.door.page(self.show, recently=True),
                    "POST": self.door.form(self.change, recently=True),
                },
                budget="logins",
                page=True,
                origins=(mount.origin,),
            )
        ]

    async def show(self, visitor: Visitor, call: Call) -> Answer:
        """Ask for a new code."""
        return await self._page(visitor, call, "")

    async def change(self, visitor: Visitor, call: Call) -> Answer:
        """Save a code, or remove it."""
        back = f"{self.door.login.answers.home}/approvals"
        match visitor.field("decision"):
            case "remove":
                await self.own.remove(visitor.person, visitor.now)
                return done(back, "no-user-code")
            case "save":
                try:
                    typed = visitor.field("user_code")[:LONGEST_TYPED]
                    await self.own.set(visitor.person, typed, visitor.now)
                except UnfitCode:
                    fault = visitor.guest.language.t("A code has 4 to 32 letters or digits.")
                    return await self._page(visitor, call, fault)
                return done(back, "user-code")
        raise IllegalMove("no such choice")

    async def _page(self, visitor: Visitor, call: Call, fault: str) -> Answer:
        content = {
            "fault": fault,
            "field": "user_code",
            "has_code": await self.own.is_set(visitor.person),
        }
        return own_page(self.door, "me_user_code", visitor, call, content)
