"""A person's own list of signatures, plugged together: who they are, only the issuer knows."""

from dataclasses import dataclass

from config.runtime.database.unit import Database, Write
from config.runtime.web import Route
from config.settings import Issuer
from config.wiring.bearers import TokenCaller, bearers
from config.wiring.esignet_hosted import RegisteredParties
from config.wiring.world import World
from esignet.endpoints.history import HistoryEndpoint
from esignet.flows.csc_approvals import Caller
from esignet.flows.history import History, Noting
from esignet.protocol.activation_subject import person_hash
from esignet.stores.history import Signatures
from idp.protocol.signing import sector
from idp.stores.clients import Clients
from idp.stores.subjects import Subjects


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


def history_routes(world: World, issuer: Issuer) -> list[Route]:
    """Return the addresses at which people of ``issuer`` read and erase what they signed."""
    esignet = world.settings.esignet
    history = History(
        store=Signatures(world.database),
        people=SignersOfIssuer(issuer.address, esignet.address, Subjects(world.database)),
        parties=RegisteredParties(issuer.address, Clients(world.database)),
        door=world.door,
        entropy=world.entropy,
        own=frozenset(esignet.history_clients),
    )
    return HistoryEndpoint(
        history=history,
        bearers=bearers(world, issuer, esignet.address),
        clock=world.clock,
        origins=(esignet.address,),
    ).routes()


async def signatures_forgotten(database: Database, resident_id: str) -> list[Write]:
    """Return the writes that erase everything that a resident signed from their list."""
    every = await Subjects(database).every(resident_id)
    return [Signatures.forgotten(person_hash(subject)) for _, _, subject in every]
