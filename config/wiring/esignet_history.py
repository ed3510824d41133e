"""A person's own list of signatures, plugged together: who they are, only the issuer knows."""

from dataclasses import dataclass

from config.runtime.database.unit import Database, Write
from config.runtime.web import Route
from config.settings import Issuer
from config.wiring.bearers import TokenCaller, bearers
from config.wiring.esignet_hosted import RegisteredParties
from config.wiring.world import World
from esignet.endpoints.history import HistoryEndpoint
from esignet.endpoints.own_list import OwnListPages
from esignet.endpoints.page_door import PageDoor
from esignet.flows.csc_approvals import Caller
from esignet.flows.history import History, Noting
from esignet.flows.hosted_login import HostedLogin
from esignet.flows.own_list import OwnList
from esignet.protocol.activation_subject import person_hash
from esignet.stores.history import Signatures
from idp.protocol.signing import sector
from idp.stores.clients import Clients
from idp.stores.subjects import Subjects
from keystore.door import SIGNING_CLIENT


@dataclass(frozen=True, slots=True)
class SignersOfIssuer:
    """The people of an issuer, as they sign at ``service`` for each client."""

    issuer: str
    service: str
    subjects: Subjects

    async def signers(self, caller: Caller) -> frozenset[str] | None:
        """See ``esignet.flows.history.People``."""
        if not isinstance(caller, TokenCaller) or not caller.resident_id:
            return None
        mine = sector(self.service, "")
        return frozenset(
            person_hash(subject)
            for issuer, among, subject in await self.subjects.every(caller.resident_id)
            if issuer == self.issuer and among.startswith(mine)
        )


def noting(world: World) -> Noting:
    """Return what notes for people what they signed."""
    return Noting(
        store=Signatures(world.database),
        door=world.door,
        entropy=world.entropy,
        lifetime=world.settings.esignet.history,
    )


def history(world: World, issuer: Issuer) -> History:
    """Return what lists for people of ``issuer`` what they signed, also on our own page."""
    esignet = world.settings.esignet
    return History(
        store=Signatures(world.database),
        people=SignersOfIssuer(issuer.address, esignet.address, Subjects(world.database)),
        parties=RegisteredParties(issuer.address, Clients(world.database)),
        door=world.door,
        entropy=world.entropy,
        own=frozenset((*esignet.history_clients, SIGNING_CLIENT)),
    )


def history_routes(world: World, issuer: Issuer, login: HostedLogin, door: PageDoor) -> list[Route]:
    """Return the addresses at which people of ``issuer`` read and erase what they signed."""
    service, kept = world.settings.esignet.address, history(world, issuer)
    callers = bearers(world, issuer, service)
    endpoint = HistoryEndpoint(history=kept, bearers=callers, clock=world.clock, origins=(service,))
    pages = OwnListPages(
        mine=OwnList(kept, login, callers),
        door=door,
        clock=world.clock,
        entropy=world.entropy,
        issuer=issuer.address,
        origins=(service,),
    )
    return [*endpoint.routes(), *pages.routes()]


async def signatures_forgotten(database: Database, resident_id: str) -> list[Write]:
    """Return the writes that erase everything that a resident signed from their list."""
    every = await Subjects(database).every(resident_id)
    return [Signatures.forgotten(person_hash(subject)) for _, _, subject in every]
