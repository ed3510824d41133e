"""The page of a person's own list: to the issuer, back with a code, and what it opens is shown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from config.runtime.clock import Clock
from config.runtime.entropy import Entropy
from config.runtime.pages.visitors import Visitor
from config.runtime.web import Answer, Call, Endpoint, Route, redirect
from esignet.endpoints.page_door import PageDoor, own_form, page_route
from esignet.flows.hosted_login import Login
from esignet.flows.own_list import CALLBACK, NOBODY, PATH, NotShown, OwnList
from esignet.pages.own_list import shown_entries

BETWEEN = "~"
"""In ``state``, between the place in the list and the secret of the attempt: in neither."""

_FORM = "mine"


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnListPages:
    """``/mine``; ``issuer`` is where people log in, ``origins`` those of this service."""

    mine: OwnList
    door: PageDoor
    clock: Clock
    entropy: Entropy
    issuer: str
    origins: Sequence[str]

    def routes(self) -> Sequence[Route]:
        """Return the addresses."""
        return [
            self._route(PATH, "GET", self.door.page(self.intro)),
            self._route(f"{PATH}/start", "POST", self.door.page(self.start)),
            self._route(CALLBACK, "GET", self.door.page(self.back)),
        ]

    async def intro(self, call: Call, visitor: Visitor) -> Answer:
        """Show what there is, and the button."""
        content = {"again": "again" in dict(call.query())}
        return self._page("mine", visitor, content)

    async def start(self, call: Call, visitor: Visitor) -> Answer:
        """Send the browser to the issuer (attack A12: only from a form of ours)."""
        form = await own_form(call, visitor, _FORM)
        state = f"{form.get('before', '')}{BETWEEN}{self.entropy.token()}"
        login = Login(
            party=NOBODY,
            details=(),
            state=state,
            verifier=_verifier(visitor, state),
            language=visitor.language.tag,
        )
        return redirect(await self.mine.begun(login, self.clock.now()))

    async def back(self, call: Call, visitor: Visitor) -> Answer:
        """Take the answer of the issuer (RFC 6749 §4.1.2, RFC 9207), and show what it opens.

        The verifier is made of the browser's secret and the state: no other browser's code, and no
        other state, opens anything. A page that is loaded again begins again.
        """
        told = dict(call.query())
        state = told.get("state", "")
        if told.get("iss") != self.issuer or "code" not in told:
            return redirect(f"{PATH}?again=1")
        verifier, before = _verifier(visitor, state), state.partition(BETWEEN)[0]
        try:
            listed = await self.mine.listed(told["code"], verifier, before, self.clock.now())
        except NotShown:
            return redirect(f"{PATH}?again=1")
        content = {
            "entries": shown_entries(listed.entries, visitor.language.tag),
            "following": listed.following,
        }
        return self._page("mine_list", visitor, content)

    def _page(self, name: str, visitor: Visitor, content: Mapping[str, object]) -> Answer:
        usual: dict[str, object] = {
            "base": PATH,
            "csrf": visitor.token(_FORM),
            "own": f"{self.issuer}/me",
        }
        setting = self.door.answers.setting(visitor, PATH)
        return self.door.answers.page(name, setting, {**usual, **content}, (self.issuer,))

    def _route(self, path: str, method: str, endpoint: Endpoint) -> Route:
        cross_site = path in (PATH, CALLBACK)
        return page_route(path, method, endpoint, self.origins, cross_site=cross_site)


def _verifier(visitor: Visitor, state: str) -> str:
    """Return what only this browser can bring for this attempt (RFC 7636 §4.1): kept nowhere."""
    return visitor.token(f"list:{state}")
