"""What factors are built from; wiring makes one and hands it to every module's ``build``."""

from collections.abc import Sequence
from dataclasses import dataclass

from config.runtime.database.unit import Database
from config.runtime.entropy import Entropy
from config.runtime.limits import Limits
from config.runtime.outbox import Outbox
from config.settings import Factors as FactorSettings
from config.settings import Limits as Rates
from idp.channels.channel import Channel
from idp.factors.budgets import Budgets
from idp.residents.port import Residents
from idp.stores.challenges import Challenges
from keystore.door import Door


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """``channels`` in the order in which they are tried, the first that reaches a person is taken.

    ``limits_secret`` (16 to 64 bytes) is the same in all processes that share ``limits``.
    """

    residents: Residents
    database: Database
    door: Door
    outbox: Outbox
    entropy: Entropy
    limits: Limits
    limits_secret: bytes
    rates: Rates
    channels: Sequence[Channel]
    settings: FactorSettings

    def budgets(self) -> Budgets:
        return Budgets(self.limits, self.rates, self.limits_secret)

    def challenges(self) -> Challenges:
        return Challenges(self.database)
