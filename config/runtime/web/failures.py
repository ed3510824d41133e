"""What the error boundary answers when no endpoint did: for machines as JSON, for people a page."""

import html
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from config.runtime.web.answer import Answer, json_answer, page_answer
from config.runtime.web.call import Call


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """``code`` is the one word for machines (RFC 6749 §5.2 where it has one), ``description`` a
    sentence without anything that was sent; both are safe to show.
    """

    status: int
    code: str
    description: str


FailurePage = Callable[[Failure, Call], Answer]
Refusals = Mapping[type[Exception], Callable[[Exception, Call], Answer]]


def failure_json(failure: Failure, call: Call) -> Answer:
    """Answer ``failure`` as OAuth does (RFC 6749 §5.2), with the request id for the log."""
    body = {
        "error": failure.code,
        "error_description": failure.description,
        "request_id": call.request_id,
    }
    if explained := call.error_uri(failure.code):
        body["error_uri"] = explained
    return json_answer(body, failure.status)


def plain_failure_page(failure: Failure, call: Call) -> Answer:
    """Answer ``failure`` as a page without any style, until wiring supplies one that has."""
    return page_answer(
        "<!doctype html><html lang=en><meta charset=utf-8><title>Symbolon</title>"
        f"<h1>{html.escape(failure.description)}</h1>"
        f"<p>{html.escape(call.request_id)}</p></html>",
        failure.status,
    )
