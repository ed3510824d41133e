"""``/me``: what a resident agreed to, where they are signed in, what happened in their name."""

from dataclasses import dataclass

from config.runtime.web import Answer, Call, Endpoint, Route, redirect
from idp.endpoints.mounting import Mount
from idp.endpoints.own_forms import OwnDoor, Visitor, done, own_page
from idp.pages.claim_names import FACTOR_NAMES
from idp.pages.consent_items import groups
from idp.protocol.ciba import GRANT_TYPE
from idp.protocol.consent import OFFLINE
from idp.protocol.login import IllegalMove
from idp.protocol.signing_client import LIST_PATH


@dataclass(frozen=True, slots=True)
class MePages:
    """The resident's pages that change nothing about how they log in."""

    door: OwnDoor

    def routes(self) -> list[Route]:
        """Return the routes under the issuer's address."""
        door = self.door
        pages: dict[str, dict[str, Endpoint]] = {
            "": {"GET": door.page(self.home)},
            "/consents": {"GET": door.page(self.consents), "POST": door.form(self.withdraw)},
            "/sessions": {"GET": door.page(self.sessions), "POST": door.form(self.end)},
            "/history": {"GET": door.page(self.history)},
        }
        mount = Mount.of(door.me.ground.issuer)
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

    async def home(self, visitor: Visitor, call: Call) -> Answer:
        """Show what there is."""
        name = await self.door.me.name(visitor.person, visitor.guest.language.tag)
        features = self.door.me.ground.features
        signing = features.signing_service
        content = {
            "person": name,
            "approves": GRANT_TYPE in features.grant_types,
            "signatures": f"{signing}{LIST_PATH}" if signing else "",
        }
        return own_page(self.door, "me", visitor, call, content)

    async def consents(self, visitor: Visitor, call: Call) -> Answer:
        """Show who may know what."""
        t = visitor.guest.language.tag
        found = await self.door.me.consents(visitor.person, visitor.now)
        rows = [
            {
                "client_id": client.client_id,
                "client": client.name((t,)),
                "purpose": client.purpose((t,)),
                "claims": groups(consent.agreed),
                "offline": OFFLINE in consent.scope,
                "given_at": consent.given_at,
            }
            for consent, client in found
        ]
        return own_page(self.door, "me_consents", visitor, call, {"rows": rows})

    async def withdraw(self, visitor: Visitor, call: Call) -> Answer:
        """Take a consent back."""
        client_id = visitor.field("client_id")
        if not client_id:
            raise IllegalMove("no client was named")
        await self.door.me.withdraw(visitor.person, client_id, visitor.now)
        return done(call.path, "withdrawn")

    async def sessions(self, visitor: Visitor, call: Call) -> Answer:
        """Show where the person is signed in."""
        found = await self.door.me.sessions(visitor.person, visitor.now)
        here = visitor.person.session.id
        return own_page(self.door, "me_sessions", visitor, call, {"rows": found, "here": here})

    async def end(self, visitor: Visitor, call: Call) -> Answer:
        """Sign out of one session, or of all others."""
        session_id = visitor.field("session")
        if session_id == "others":
            await self.door.me.end_others(visitor.person, visitor.now)
            return done(call.path, "others")
        await self.door.me.end(visitor.person, session_id, visitor.now)
        if session_id == visitor.person.session.id:
            return redirect(f"{Mount.of(self.door.me.ground.issuer).path}/logout")
        return done(call.path, "ended")

    async def history(self, visitor: Visitor, call: Call) -> Answer:
        """Show what happened."""
        language = visitor.guest.language
        rows = [
            {
                "event": past.event,
                "client": past.client.name((language.tag,)) if past.client else "",
                "ways": ", ".join(
                    language.t(FACTOR_NAMES[factor])
                    for factor in past.event.factors
                    if factor in FACTOR_NAMES
                ),
            }
            for past in await self.door.me.history(visitor.person)
        ]
        return own_page(self.door, "me_history", visitor, call, {"rows": rows})
