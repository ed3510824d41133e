"""The web server plugged together. Read it to see which address is answered by what."""

from collections.abc import Sequence

import msgspec

from config import VERSION
from config.runtime.crashpoints import CrashHere, never
from config.runtime.database.unit import DatabaseUnavailable
from config.runtime.health import Health
from config.runtime.pages.assets import Assets
from config.runtime.tally import RequestTally
from config.runtime.telemetry import LoopLag, Metrics
from config.runtime.web import Answer, Budget, Call, Failure, FailurePage, House, Web
from config.runtime.web.openapi import openapi
from config.runtime.web.operations import Operations, budget_gauges, check_gauge
from config.wiring.application import Application
from config.wiring.certificates import origins, trusted_proxies
from config.wiring.login import residents_side
from config.wiring.machine import machine
from config.wiring.readiness import checks
from config.wiring.stores import Stores
from config.wiring.world import World
from esignet.pages.room import ROOM as SIGNING_PAGES
from idp.endpoints.answers import refusal_answer
from idp.endpoints.descriptions import described
from idp.endpoints.mounting import Mount
from idp.endpoints.page_refusals import PageRefusals
from idp.pages.room import load_pages
from idp.protocol.errors import TemporarilyUnavailable
from keystore.door import KeyServiceUnavailable


def build_application(world: World, crash_here: CrashHere = never) -> Application:
    """Return the application on ``world``. ``crash_here`` is for tests of what dying does."""
    settings = world.settings
    budgets = {
        "tokens": Budget("tokens", settings.web.concurrent_tokens, settings.web.concurrent_tokens),
        "logins": Budget("logins", settings.web.concurrent_logins, settings.web.concurrent_logins),
    }
    pages = load_pages(settings.pages, (SIGNING_PAGES,))
    stores = Stores.of(world)
    routes = list(Assets(pages.look).routes())
    explaining: list[tuple[Mount, PageRefusals]] = []
    for issuer in settings.issuers:
        for_machines = machine(world, issuer, stores, crash_here)
        refusals, for_residents = residents_side(world, issuer, for_machines, pages)
        explaining.append((Mount.of(issuer.address), refusals))
        routes += [*for_machines.routes, *for_residents]
    tally = RequestTally()
    house = House(
        origins=origins(settings.issuers),
        clock=world.clock,
        entropy=world.entropy,
        budgets=budgets,
        refusals={DatabaseUnavailable: _away, KeyServiceUnavailable: _away},
        failure_page=_failure_page(explaining),
        tally=tally,
        proxies=trusted_proxies(settings.web),
    )
    web = Web(routes, house)
    health, lag = Health(world.clock, checks(world)), LoopLag(world.clock)
    metrics = Metrics(tally, [*budget_gauges(budgets), check_gauge(health), lag.gauge()])
    mounts = [Mount.of(issuer.address).path for issuer in settings.issuers]
    document = msgspec.json.encode(openapi(described(routes, mounts), "Symbolon", VERSION))
    operations = Operations(health, metrics, lambda: web.draining, document)
    return Application(web, operations, lag)


def _failure_page(explaining: Sequence[tuple[Mount, PageRefusals]]) -> FailurePage:
    """Return what draws failures as the issuer that was asked does; else as the first one."""
    longest_first = sorted(explaining, key=lambda one: len(one[0].path), reverse=True)

    def page(failure: Failure, call: Call) -> Answer:
        asked = (one for mount, one in longest_first if mount.holds(call.origin, call.path))
        return next(asked, explaining[0][1]).failure_page(failure, call)

    return page


def _away(_: Exception, call: Call) -> Answer:
    """Tell a machine to come back: nothing happened, or whether it did is not known (R1)."""
    reason = "something that is needed is away; try again"
    return refusal_answer(TemporarilyUnavailable(reason), call)
