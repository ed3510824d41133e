"""What residents see of an issuer, plugged together: factors, the login, its pages."""

from collections.abc import Iterator

from config.runtime.audit.records import DatabaseAudit
from config.runtime.crashpoints import never
from config.runtime.journal import DatabaseJournal
from config.runtime.limits import Rate
from config.runtime.outbox import DatabaseOutbox
from config.runtime.pages.answers import PageAnswers
from config.runtime.pages.pages import Pages
from config.runtime.plugins import plugins
from config.runtime.web import Route
from config.settings import Issuer
from config.wiring.backchannel import approval_pages, notices
from config.wiring.certificates import trusted_proxies, with_aliases
from config.wiring.details import detail_types
from config.wiring.device import device_pages
from config.wiring.machine import Machine, Routed, tokens
from config.wiring.world import World
from idp.endpoints.authorize import Authorize
from idp.endpoints.authorize_challenge import AuthorizeChallenge
from idp.endpoints.errors import ErrorPages, explained
from idp.endpoints.guests import Guests, session_cookie
from idp.endpoints.login import LoginPages
from idp.endpoints.login_answers import LoginAnswers
from idp.endpoints.logout import LogoutPages
from idp.endpoints.me import MePages
from idp.endpoints.me_factors import MeFactors
from idp.endpoints.mounting import Mount
from idp.endpoints.own_forms import OwnDoor
from idp.endpoints.page_refusals import PageRefusals
from idp.factors.factor import Factor
from idp.factors.parts import Parts
from idp.flows.answers_signing import AnswerSigning
from idp.flows.consent import ConsentStep
from idp.flows.first_party import FirstPartyLogin
from idp.flows.front_channel import FrontChannel
from idp.flows.login import LoginFlow
from idp.flows.login_factors import FactorSteps
from idp.flows.login_ground import LoginGround, LoginStores
from idp.flows.login_pace import Pace
from idp.flows.logout import Logout
from idp.flows.me import Me
from idp.flows.me_factors import OwnFactors
from idp.pages.error_reference import error_reference
from idp.protocol.acr import Ladder


def residents_side(
    world: World, issuer: Issuer, machine: Machine, pages: Pages
) -> tuple[PageRefusals, tuple[Route, ...]]:
    """Return the pages of ``issuer``, and who explains what goes wrong on them."""
    ground = _ground(world, issuer, machine)
    flow = LoginFlow(ground)
    guests = Guests(
        pages.languages,
        trusted_proxies(world.settings.web),
        world.entropy,
        world.door,
        session_cookie(issuer.address),
    )
    answers = PageAnswers(pages, issuer.name, f"{Mount.of(issuer.address).path}/me")
    refusals = PageRefusals(guests, answers, world.settings.demo)
    login = LoginAnswers(
        FactorSteps(flow), ConsentStep(flow), answers, refusals, world.settings.factors.otp.digits
    )
    logout = Logout(ground, machine.keys)
    me = Me(flow, logout)
    door = OwnDoor(me, login, world.clock, Mount.of(issuer.address).origin)
    endpoints: list[Routed] = [
        Authorize(flow, machine.requests, login, world.clock),
        LoginPages(flow, login, world.clock),
        LogoutPages(logout, answers, refusals, world.clock),
        *device_pages(world, issuer, door),
        MePages(door),
        MeFactors(door, OwnFactors(me)),
        *approval_pages(issuer, door),
        *_first_party(world, machine, login),
        ErrorPages(issuer.address, error_reference(), answers, guests),
    ]
    routes = [route for endpoint in endpoints for route in endpoint.routes()]
    return refusals, with_aliases(explained(routes, issuer.address), issuer)


def _first_party(world: World, machine: Machine, login: LoginAnswers) -> Iterator[Routed]:
    """Yield the endpoint of first-party applications, where the issuer has it."""
    if machine.issuer.features.first_party:
        challenge = FirstPartyLogin(
            steps=login.steps,
            authentication=machine.authentication,
            senders=machine.senders,
            entropy=world.entropy,
        )
        yield AuthorizeChallenge(challenge, login.refusals.guests, world.clock)


def _ground(world: World, issuer: Issuer, machine: Machine) -> LoginGround:
    """Return what the logins of ``issuer`` stand on."""
    factors = _factors(world)
    told = notices(world, tokens(world, machine, {}, never))
    return LoginGround(
        issuer=issuer.address,
        names=issuer.name,
        ladder=Ladder.of(issuer.ladder, tuple(factors), issuer.features.signing_acr),
        factors=factors,
        clients=machine.known,
        residents=world.residents,
        stores=LoginStores.on(world.database, issuer.address, machine.requests.pushed),
        database=world.database,
        door=world.door,
        journal=DatabaseJournal(),
        audit=DatabaseAudit(),
        entropy=world.entropy,
        lifetimes=world.settings.lifetimes,
        signing=AnswerSigning(issuer, world.door, machine.nesting),
        detail_types=detail_types(issuer),
        notices=told,
        front=FrontChannel(tokens=told.tokens, opening=told.opening, entropy=world.entropy),
        features=issuer.features,
        pace=Pace(
            world.limits,
            Rate.parse(world.settings.limits.logins_per_address),
            world.limits_secret,
        ),
    )


def _factors(world: World) -> dict[str, Factor]:
    """Return the factors in use, the one asked by default first."""
    settings = world.settings
    channels = plugins("idp.channels", settings.channels.enabled)
    parts = Parts(
        residents=world.residents,
        database=world.database,
        door=world.door,
        outbox=DatabaseOutbox(),
        entropy=world.entropy,
        limits=world.limits,
        limits_secret=world.limits_secret,
        rates=settings.limits,
        channels=[module.build(settings) for module in channels.values()],
        settings=settings.factors,
    )
    modules = plugins("idp.factors", settings.factors.enabled)
    return {name: module.build(parts) for name, module in modules.items()}
