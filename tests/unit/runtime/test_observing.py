"""What operators see: health with reasons, metrics, logs without secrets."""

import asyncio
import json
import logging
import pickle

import pytest

from config.runtime.health import Check, Health
from config.runtime.logs import REQUEST_ID, JsonLines, Secret, configure_logs
from config.runtime.tally import RequestTally
from config.runtime.telemetry import Gauge, LoopLag, Metrics
from config.runtime.web import Answer, Budget, Call, Route
from config.runtime.web.operations import Operations, budget_gauges
from tests.unit.web.asking import Asked, HandClock, ask, hello, web


class Part:
    """A dependency whose state a test sets."""

    def __init__(self) -> None:
        self.reason: str | None = None
        self.asked = 0

    async def check(self) -> str | None:
        self.asked += 1
        return self.reason


def operations(health: Health, draining: bool = False, *gauges: Gauge) -> Operations:
    return Operations(health, Metrics(RequestTally(), gauges), lambda: draining, b"{}")


async def test_readiness_names_the_reason_and_since_when() -> None:
    clock, database, redis = HandClock(), Part(), Part()
    checks = [Check("database", database.check), Check("redis", redis.check, needed=False)]
    app = operations(Health(clock, checks))
    first = await ask(app, Asked(path="/readyz", host=None))
    assert first.status == 200 and json.loads(first.body)["ready"] is True
    began = clock.now()

    clock.passed += 100
    database.reason = "connection refused"
    reply = await ask(app, Asked(path="/readyz", host="10.1.2.3:9000"))
    assert reply.status == 503
    told = json.loads(reply.body)
    assert told["ready"] is False
    assert told["checks"] == [
        {
            "name": "database",
            "ok": False,
            "reason": "connection refused",
            "needed": True,
            "since": began + 100,
        },
        {"name": "redis", "ok": True, "reason": "", "needed": False, "since": began},
    ]
    clock.passed += 100
    database.reason = "still not there"
    told = json.loads((await ask(app, Asked(path="/readyz"))).body)
    assert told["checks"][0]["since"] == began + 100
    assert told["checks"][0]["reason"] == "still not there"
    assert (await ask(app, Asked(path="/livez"))).status == 200  # alive all the while

    clock.passed += 100
    database.reason, redis.reason = None, "gone"
    reply = await ask(app, Asked(path="/readyz"))
    told = json.loads(reply.body)
    assert reply.status == 200 and told["checks"][0]["since"] == began + 300
    assert told["checks"][1]["reason"] == "gone"


async def test_a_check_that_hangs_or_fails_is_a_reason() -> None:
    async def hangs() -> str | None:
        await asyncio.Event().wait()
        return None

    async def fails() -> str | None:
        raise ConnectionError("password=canary")

    health = Health(HandClock(), [Check("a", hangs), Check("b", fails)], seconds=0.01)
    reply = await ask(operations(health), Asked(path="/readyz"))
    assert reply.status == 503 and b"canary" not in reply.body
    reasons = [check["reason"] for check in json.loads(reply.body)["checks"]]
    assert reasons == ["no answer within 0.01 s", "ConnectionError"]


async def test_probes_do_not_ask_more_than_once_a_second() -> None:
    clock, part = HandClock(), Part()
    app = operations(Health(clock, [Check("database", part.check)]))
    await asyncio.gather(*(ask(app, Asked(path="/readyz")) for _ in range(20)))
    assert part.asked == 1
    clock.passed += 1
    await ask(app, Asked(path="/readyz"))
    assert part.asked == 2


async def test_a_draining_server_is_alive_and_not_ready() -> None:
    app = web([])
    health = Health(HandClock(), [])
    probe = Operations(health, Metrics(RequestTally(), []), lambda: app.draining, b"{}")
    assert (await ask(probe, Asked(path="/readyz"))).status == 200
    app.drain()
    reply = await ask(probe, Asked(path="/readyz"))
    assert reply.status == 503 and json.loads(reply.body)["draining"] is True
    assert (await ask(probe, Asked(path="/livez"))).status == 200


async def test_the_operations_port_knows_nothing_else() -> None:
    app = operations(Health(HandClock(), []))
    assert (await ask(app, Asked(path="/"))).status == 404
    assert (await ask(app, Asked("POST", "/readyz"))).status == 405
    head = await ask(app, Asked("HEAD", "/livez"))
    assert (head.status, head.body) == (200, b"")


async def test_requests_are_counted_by_template_and_never_by_address() -> None:
    async def fails(call: Call) -> Answer:
        raise RuntimeError

    tally = RequestTally()
    budgets = {"token": Budget("token", 5, 5)}
    app = web(
        [
            Route(path="/login/{login_id}", endpoints={"GET": hello}, budget="token"),
            Route(path="/fails", endpoints={"GET": fails}, budget="token"),
        ],
        tally=tally,
        budgets=budgets,
    )
    for path in ("/login/canary1", "/login/canary2", "/fails", "/canary3"):
        await ask(app, Asked(path=path))
    gauge = Gauge("symbolon_outbox_lag_seconds", "Age of the oldest message.", lambda: {"": 2.5})
    metrics = Metrics(tally, [*budget_gauges(budgets), gauge])
    probe = Operations(Health(HandClock(), []), metrics, lambda: False, b"{}")
    reply = await ask(probe, Asked(path="/metrics"))
    assert reply.header("content-type") == "text/plain; version=0.0.4; charset=utf-8"
    text = reply.body.decode()
    assert 'symbolon_requests_total{route="/login/{login_id}",status="200"} 2.0' in text
    assert 'symbolon_requests_total{route="/fails",status="500"} 1.0' in text
    assert 'symbolon_requests_total{route="",status="404"} 1.0' in text
    assert 'symbolon_request_seconds_count{route="/login/{login_id}"} 2.0' in text
    assert 'symbolon_request_seconds_bucket{le="+Inf",route="/fails"} 1.0' in text
    assert 'symbolon_budget_running{budget="token"} 0.0' in text
    assert "symbolon_outbox_lag_seconds 2.5" in text
    assert "canary" not in text


def test_latencies_are_cumulative() -> None:
    tally = RequestTally()
    for seconds in (0.0005, 0.003, 0.003, 99.0):
        tally.count("/x", 200, seconds)
    text = Metrics(tally, []).text().decode()
    assert 'symbolon_request_seconds_bucket{le="0.001",route="/x"} 1.0' in text
    assert 'symbolon_request_seconds_bucket{le="0.005",route="/x"} 3.0' in text
    assert 'symbolon_request_seconds_bucket{le="10.0",route="/x"} 3.0' in text
    assert 'symbolon_request_seconds_bucket{le="+Inf",route="/x"} 4.0' in text


async def test_a_loop_that_is_held_up_shows() -> None:
    class Jumping(HandClock):
        def elapsed(self) -> float:
            self.passed += 0.7  # between falling asleep and waking up
            return self.passed

    lag = LoopLag(Jumping(), every=0.001)
    task = asyncio.create_task(lag.watch())
    async with asyncio.timeout(20):
        while not lag.worst:
            await asyncio.sleep(0)
    task.cancel()
    assert lag.worst == pytest.approx(0.699)
    assert lag.gauge().read() == {"": lag.worst}


def test_a_secret_prints_stars() -> None:
    secret = Secret("canary")
    assert f"{secret} {secret!r} {[secret]} {secret!s:>3}".count("canary") == 0
    assert str(secret) == "***" and secret.reveal() == "canary"
    with pytest.raises(TypeError):
        pickle.dumps(secret)


def line_of(record: logging.LogRecord) -> dict[str, object]:
    text = JsonLines().format(record)
    assert "\n" not in text
    return json.loads(text)  # type: ignore[no-any-return]


def test_a_log_line_is_json_with_the_request_and_without_secrets() -> None:
    token = REQUEST_ID.set("abc")
    try:
        try:
            try:
                raise KeyError("canary")
            except KeyError as fault:
                raise ValueError("canary too") from fault
        except ValueError as fault:
            record = logging.getLogger("x").makeRecord(
                *("symbolon.web", logging.ERROR, "file", 1, "unexpected %s\n%s", ("a", Secret(1))),
                (type(fault), fault, fault.__traceback__),
                extra={"path": "/x", "secret": Secret("canary"), "empty": None},
            )
        line = line_of(record)
    finally:
        REQUEST_ID.reset(token)
    assert line["text"] == "unexpected a\n***"
    assert (line["level"], line["name"], line["request_id"]) == ("error", "symbolon.web", "abc")
    assert (line["path"], line["secret"]) == ("/x", "***")
    assert "empty" not in line
    assert "canary" not in json.dumps(line)
    exception = line["exception"]
    assert isinstance(exception, list)
    assert [part["class"] for part in exception] == ["ValueError", "KeyError"]
    assert "test_observing.py" in exception[0]["frames"][0]


def test_logs_go_to_standard_error_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    try:
        configure_logs("WARNING")
        logging.getLogger("symbolon.test").warning("hello")
        logging.getLogger("symbolon.test").info("not this")
    finally:
        root.handlers[:] = before
        root.setLevel(level)
    lines = capsys.readouterr().err.splitlines()
    assert [json.loads(line)["text"] for line in lines] == ["hello"]
