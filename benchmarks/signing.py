"""Signatures, time-stamps and answers about certificates through HTTP, beside what bounds them.

Signatures are at B-LT from digests, one under an approval and fifty. pyHanko signs in slices of its
own between; time-stamps and answers stand beside the bare key that signs them.
"""

import asyncio
import json
import time
from base64 import b64encode, urlsafe_b64decode
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial

from benchmarks import signing_deployment
from benchmarks.approvals import Approvals
from benchmarks.ours import Plan
from benchmarks.processes import children, cpu_seconds, family_mb
from benchmarks.pyhanko_peer import Peer
from benchmarks.scenarios import CONNECTIONS, Begin, Scenario
from benchmarks.signing_deployment import House
from benchmarks.slices import Bench, Pace, Series, Slice
from benchmarks.targets import Target
from benchmarks.tokens import SIGNERS, far_module
from benchmarks.wire import Connection, post_json
from benchmarks.works import Same, Work, look_at
from keystore.backends.backend import Algorithm, Backend
from tests import pdf_files
from tests.keyrings import software_backend
from tests.softhsm import pkcs11_backend, start_softhsm

PYHANKO = "pyHanko"
TOGETHER = 50
"""Signatures under one approval in the scenario of many."""

PAGES = 10

AIM, AIM_RATIO, AIM_BUSY_MS = 700, 25, 10


@dataclass(frozen=True, slots=True)
class Signed:
    """What was measured of signing: a series per scenario and deployment, and of each yardstick."""

    series: list[Series] = field(default_factory=list)
    titles: dict[str, str] = field(default_factory=dict)
    memory: dict[str, dict[str, float]] = field(default_factory=dict)
    """Resident MB by deployment and process with its own, after all of it."""


@dataclass(frozen=True, slots=True)
class Signing:
    """One connection that has what was approved signed."""

    approvals: Approvals

    async def once(self, connection: Connection) -> None:
        """Send one request, which signs."""
        request = await self.approvals.next()
        look_at(await connection.ask(request), 200, b'"SignatureObject"', request)


@dataclass(frozen=True, slots=True)
class Yardstick:
    """What a figure is held against: ``once`` does ``counts`` of it, in this process."""

    name: str
    once: Callable[[], Awaitable[object]]
    counts: int = 1
    children: tuple[int, ...] = ()

    async def measure(self, seconds: float) -> Slice:
        """Do it for ``seconds``."""
        mine, theirs = time.process_time(), cpu_seconds(self.children)
        begun, rounds = time.perf_counter(), 0
        while time.perf_counter() < begun + seconds:
            await self.once()
            rounds += self.counts
        spent = time.process_time() - mine + cpu_seconds(self.children) - theirs
        return Slice(
            rounds=rounds,
            wall=time.perf_counter() - begun,
            cpu={self.name: spent},
            database_cpu={},
            generator_cpu=0.0,
            latencies=(0.0,),
        )


@dataclass(frozen=True, slots=True)
class SigningPdf:
    """One connection that gives a PDF, and has it signed as it was approved."""

    approvals: Approvals
    creation: bytes

    async def once(self, connection: Connection) -> None:
        """Create a signature request, approve it, and have it signed."""
        made = await connection.ask(self.creation)
        look_at(made, 201, b'"documentDigests"', self.creation)
        told = json.loads(made.body)
        digests = [urlsafe_b64decode(f"{one['hash']}==") for one in told["documentDigests"]]
        [token] = await self.approvals.approved([digests])
        path = f"/signature-requests/{told['id']}/signatures"
        request = post_json(self.approvals.host, path, b"{}", token)
        look_at(await connection.ask(request), 200, b'"content"', request)


async def measured(plans: Sequence[Plan], pace: Pace, report: Callable[[str], None]) -> Signed:
    """Measure every scenario on every plan, and each yardstick in slices between."""
    outcome, peer = Signed(), Peer()
    yardsticks = {
        "sign": Yardstick(PYHANKO, peer.message),
        "sign-many": Yardstick(PYHANKO, peer.message),
        "sign-pdf": Yardstick(PYHANKO, partial(peer.pdf, pdf_files.document(PAGES))),
    }
    for plan in plans:
        report(f"{plan.name} starts to sign")
        async with signing_deployment.running(plan) as house, _bare(plan) as bare:
            for scenario in _scenarios(house, plan):
                report(f"{scenario.title} on {plan.name}")
                outcome.titles[scenario.name] = scenario.title
                beside = yardsticks.get(scenario.name, bare)
                outcome.series.extend(await _beside(house, scenario, beside, pace))
            outcome.memory[plan.name] = {
                name: family_mb(pid) for name, pid in house.target.processes.items()
            }
    return outcome


async def _beside(
    house: House, scenario: Scenario, yardstick: Yardstick, pace: Pace
) -> list[Series]:
    bench = await Bench.open(house.target, scenario, pace)
    other = Series(scenario.name, f"{yardstick.name} beside {house.target.name}")
    await yardstick.measure(min(0.2, pace.seconds))
    for _ in range(pace.slices):
        bench.series.slices.append(await bench.measure(pace.seconds))
        other.slices.append(await yardstick.measure(pace.seconds))
    await bench.sample(3 * pace.seconds)
    return [bench.series, other]


def _scenarios(house: House, plan: Plan) -> list[Scenario]:
    """Return what is measured: on a token that is far away, only that many sign at once."""
    one = Scenario(
        "sign",
        "signature at B-LT from a digest, an approval each",
        _signing(house, 1),
        signs=True,
        first_rate=400,
    )
    if plan.far:
        crowd = "signature at B-LT from a digest, 32 signers and a token 5 ms away"
        return [replace(one, name="sign-far", title=crowd, connections=SIGNERS)]
    return [
        one,
        Scenario(
            "sign-many",
            f"signature at B-LT from a digest, {TOGETHER} under an approval",
            _signing(house, TOGETHER),
            signs=True,
            counts=TOGETHER,
            connections=4,
            first_rate=20,
        ),
        Scenario(
            "sign-pdf",
            f"a PDF of {PAGES} pages given, approved and signed at B-LT",
            _signing_pdf(house),
            connections=4,
        ),
        Scenario("stamp", "time-stamp (RFC 3161)", _same(house.stamp_request, b"\x30\x82")),
        Scenario("status", "answer about a certificate (RFC 6960)", _status(house)),
    ]


def _signing(house: House, count: int) -> Begin:
    async def begin(_: Target, connections: Sequence[Connection]) -> Sequence[Work]:
        house.approvals.begin(count)
        return [Signing(house.approvals)] * len(connections)

    return begin


def _signing_pdf(house: House) -> Begin:
    async def begin(_: Target, connections: Sequence[Connection]) -> Sequence[Work]:
        given = {
            "name": "a.pdf",
            "media_type": "application/pdf",
            "content": b64encode(pdf_files.document(PAGES)).decode(),
        }
        asked = json.dumps({"format": "pades", "level": "B-LT", "documents": [given]}).encode()
        token = await house.approvals.own()
        creation = post_json(house.target.host, "/signature-requests", asked, token)
        return [SigningPdf(house.approvals, creation)] * len(connections)

    return begin


def _same(request: bytes, expected: bytes) -> Begin:
    async def begin(_: Target, connections: Sequence[Connection]) -> Sequence[Work]:
        return [Same(request, expected)] * len(connections)

    return begin


def _status(house: House) -> Begin:
    """Ask about a certificate that was given out just now."""

    async def begin(_: Target, connections: Sequence[Connection]) -> Sequence[Work]:
        request = await house.status_request(connections[0])
        return [Same(request, b"\x30\x82")] * len(connections)

    return begin


@asynccontextmanager
async def _bare(plan: Plan) -> AsyncIterator[Yardstick]:
    """The rate of a kept key of the same backend, asked by as many side by side."""
    before = set(children())
    backend, count = _backend(plan), SIGNERS if plan.far else CONNECTIONS
    try:
        ref = (await backend.generate(Algorithm.ES256, "benchmark")).ref

        async def once() -> None:
            signing = (backend.sign(ref, Algorithm.ES256, [b"text"]) for _ in range(count))
            await asyncio.gather(*signing)

        await once()
        yield Yardstick("bare key", once, count, tuple(set(children()) - before))
    finally:
        await backend.close()


def _backend(plan: Plan) -> Backend:
    place = plan.directory / "bare"
    place.mkdir()
    if not plan.hsm:
        return software_backend(place)
    hsm = start_softhsm(place / "token")
    if plan.far:
        return pkcs11_backend(hsm, module=far_module(place), threads=SIGNERS)
    return pkcs11_backend(hsm)
