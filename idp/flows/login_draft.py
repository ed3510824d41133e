"""A login on its way from what is stored to what will be: nothing is written before the end."""

from msgspec import Struct, structs

from config.runtime.database.unit import Write
from idp.flows.login_ground import Visit
from idp.protocol.authorization import Reply
from idp.protocol.client import Client
from idp.protocol.consent import Consent, Wish
from idp.protocol.login import Login
from idp.protocol.next_step import Step
from idp.protocol.session import Session
from idp.residents.port import Resident


class Draft(Struct, frozen=True, kw_only=True):
    """``stored`` is the login as the database has it (None: not yet), ``login`` as it became.

    ``session`` is the live session of this browser, ``resident`` whom login or session names, once
    that matters. ``wish`` is what the request asks to know, ``decided`` what the person decided
    about this client before, and ``consented`` whether that covers it: read when the person is
    known, ``decided`` not where everything is asked again (prompt=consent). ``subject`` is what the
    client calls the person, where that was read too.
    ``writes`` go into the unit of the move. At the end either ``step`` names the page to show or
    ``reply`` is the answer to the client. ``session_cookie`` is set when the browser gets a new
    one, ``device_of`` when it proved this resident just now, with the ``device_marks`` that were
    looked at for that. ``asks``: where a factor is due, the
    first that leads on is asked at once, without a page of choice.

    A Struct, because it is copied some thirty times in a login (see ``Login``).
    """

    visit: Visit
    client: Client
    stored: Login | None
    login: Login
    session: Session | None = None
    resident: Resident | None = None
    wish: Wish | None = None
    decided: Consent | None = None
    subject: str | None = None
    consented: bool = False
    writes: tuple[Write, ...] = ()
    session_cookie: str | None = None
    device_of: str | None = None
    device_marks: tuple[str, ...] = ()
    asks: bool = False
    step: Step | None = None
    reply: Reply | None = None

    def moved(self, login: Login, *writes: Write) -> "Draft":
        """Return the draft with the login moved on, and what must be written with that."""
        return structs.replace(self, login=login, writes=(*self.writes, *writes))

    def written(self) -> "Draft":
        """Return the draft when all of it is stored."""
        return structs.replace(self, stored=self.login, writes=())

    @property
    def is_done(self) -> bool:
        """Return whether there is something to answer."""
        return self.step is not None or self.reply is not None
