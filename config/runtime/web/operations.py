"""The operations port: /livez, /readyz, /metrics, /openapi.json; not for the public."""

from collections.abc import Callable, Mapping

from config.runtime.health import Health
from config.runtime.telemetry import Gauge, Metrics
from config.runtime.web.answer import Answer, bytes_answer, json_answer
from config.runtime.web.arriving import Receive
from config.runtime.web.budget import Budget
from config.runtime.web.call import Scope, Send


class Operations:
    """An ASGI application of its own. It answers every host name: probes come by address.

    ``draining`` tells whether this process was asked to stop: then it is alive and not ready.
    """

    def __init__(
        self, health: Health, metrics: Metrics, draining: Callable[[], bool], document: bytes
    ) -> None:
        """``document`` is the OpenAPI document of what the public reaches, as JSON."""
        self._health = health
        self._metrics = metrics
        self._draining = draining
        self._document = document

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI 3)."""
        if scope["type"] != "http":
            return
        answer = await self._answer(scope["method"], scope["path"])
        headers = [*answer.headers, (b"content-length", b"%d" % len(answer.body))]
        body = b"" if scope["method"] == "HEAD" else answer.body
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _answer(self, method: str, path: str) -> Answer:
        if method not in ("GET", "HEAD"):
            return json_answer({"error": "method_not_allowed"}, 405)
        if path == "/livez":
            return json_answer({"alive": True})
        if path == "/readyz":
            return await self._readiness()
        if path == "/metrics":
            return bytes_answer(self._metrics.text(), "text/plain; version=0.0.4; charset=utf-8")
        if path == "/openapi.json":
            return json_answer(self._document)
        return json_answer({"error": "not_found"}, 404)

    async def _readiness(self) -> Answer:
        findings = await self._health.findings()
        draining = self._draining()
        ready = not draining and not any(found.needed and found.reason for found in findings)
        return json_answer(
            {
                "ready": ready,
                "draining": draining,
                "checks": [
                    {
                        "name": found.name,
                        "ok": not found.reason,
                        "reason": found.reason,
                        "needed": found.needed,
                        "since": found.since,
                    }
                    for found in findings
                ],
            },
            200 if ready else 503,
        )


def check_gauge(health: Health) -> Gauge:
    """Return a gauge of what each check found last: 1 is well, 0 is not."""
    return Gauge(
        "symbolon_check_ok",
        "Whether a check found all well when it was asked last.",
        lambda: {found.name: float(not found.reason) for found in health.latest},
        "check",
    )


def budget_gauges(budgets: Mapping[str, Budget]) -> list[Gauge]:
    """Return gauges of how full each budget is, how many wait, and how many were told to go."""
    return [
        Gauge(
            "symbolon_budget_running",
            "Requests worked on, by budget.",
            lambda: {name: budget.running for name, budget in budgets.items()},
            "budget",
        ),
        Gauge(
            "symbolon_budget_waiting",
            "Requests that wait for room, by budget.",
            lambda: {name: budget.waiting for name, budget in budgets.items()},
            "budget",
        ),
        Gauge(
            "symbolon_budget_refused",
            "Requests answered 503 because there was no room, by budget.",
            lambda: {name: budget.refused for name, budget in budgets.items()},
            "budget",
        ),
    ]
