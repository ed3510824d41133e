"""Schemathesis drives every operation of the OpenAPI document: whatever it sends, no 500."""

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.config import SchemathesisConfig

from tests.demonstration import demonstration

pytestmark = [
    *(pytest.mark.server, pytest.mark.long, pytest.mark.attack("A26")),
    pytest.mark.timeout(600),
]

GENTLE = settings(
    max_examples=20,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
"""Derandomized: a run finds what the run before found. Some 80 operations at three issuers."""


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The OpenAPI document of a running demonstration with every issuer and feature."""
    directory = tmp_path_factory.mktemp("schemathesis")
    with demonstration(directory, "--tls", "--profile", "conformance") as demo:
        described = httpx2.get(f"{demo.ready['operations']}/openapi.json", timeout=60).json()
        config = SchemathesisConfig.discover()
        schema = schemathesis.openapi.from_dict(described, config=config)
        schema.config.update(base_url=demo.ready["issuer"], tls_verify=demo.ready["certificate"])
        yield schema


def test_no_operation_fails_on_our_side(document: Any) -> None:
    described, failures = 0, []
    for found in document.get_all_operations():
        operation = found.ok()
        described += 1
        if operation.path.startswith("/fapi2/"):
            continue  # the same as where signatures are demanded on top

        @GENTLE
        @given(case=operation.as_strategy())
        def sent(case: schemathesis.Case) -> None:
            answer = case.call()
            told = answer.headers.get("content-type", [""])[0]
            assert answer.status_code < 500 or answer.status_code == 503, answer.content
            if answer.status_code >= 400 and "json" in told:
                assert answer.json()["error"], "a machine is told a code"

        try:
            sent()
        except AssertionError as failure:
            failures.append(f"{operation.label}: {failure}")
    assert not failures
    assert described > 100


def test_what_machines_may_send_is_in_the_document(document: Any) -> None:
    described = {found.ok().label for found in document.get_all_operations()}
    for expected in ("POST /token", "POST /fapi2/par", "POST /fapi2-message-signing/bc-authorize"):
        assert expected in described
