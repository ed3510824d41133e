"""The authorization challenge endpoint (draft-ietf-oauth-first-party-apps-04 §5)."""

from dataclasses import dataclass

from config.runtime.clock import Clock
from config.runtime.web.answer import Answer, json_answer
from config.runtime.web.call import Call
from config.runtime.web.sites import Route
from idp.endpoints.answers import refusal_answer
from idp.endpoints.guests import Guests
from idp.endpoints.machine import answered
from idp.endpoints.mounting import Mount
from idp.flows.first_party import FirstPartyLogin, Missing, Place
from idp.protocol.carried import Carried
from idp.protocol.errors import InsufficientAuthorization
from idp.protocol.parameters import Parameters


@dataclass(frozen=True, slots=True)
class AuthorizeChallenge:
    """``POST /authorize-challenge``."""

    login: FirstPartyLogin
    guests: Guests
    clock: Clock

    def routes(self) -> list[Route]:
        """Return the route under the issuer's address."""
        mount = Mount.of(self.login.steps.flow.ground.issuer)
        return [
            Route(
                path=f"{mount.path}/authorize-challenge",
                endpoints={"POST": self.challenge},
                budget="logins",
                origins=(mount.origin,),
            )
        ]

    async def challenge(self, call: Call) -> Answer:
        """Go on with a login of the application's person."""
        address = call.client_address(self.guests.proxies)

        async def act(asked: Parameters, brought: Carried) -> Answer:
            language = self.guests.languages.choose(asked.words("ui_locales"))
            place = Place(address=address, locale=language.tag)
            outcome = await self.login.challenge(asked, brought, place, self.clock.now())
            if isinstance(outcome, Missing):
                refusal = InsufficientAuthorization("the person has to say or prove more")
                return refusal_answer(refusal, call, more=outcome.told())
            if "code" in outcome:
                return json_answer({"authorization_code": outcome["code"]})
            return json_answer({k: v for k, v in outcome.items() if k != "iss"}, 400)

        return await answered(call, act)
