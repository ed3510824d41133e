"""HTTP on raw ASGI: strict readers, answers, routes and the error boundary.

Everything that an endpoint needs is imported from here.
"""

from config.runtime.malformed import Malformed
from config.runtime.web.addresses import TrustedProxies
from config.runtime.web.answer import (
    Answer,
    Streamed,
    bytes_answer,
    empty,
    form_target,
    json_answer,
    page_answer,
    redirect,
    streamed_answer,
)
from config.runtime.web.budget import Budget, Overloaded
from config.runtime.web.call import Call, cookie_name
from config.runtime.web.failures import Failure, FailurePage, Refusals
from config.runtime.web.router import House, Web
from config.runtime.web.sites import Endpoint, Route

__all__ = [
    "Answer",
    "Budget",
    "Call",
    "Endpoint",
    "Failure",
    "FailurePage",
    "House",
    "Malformed",
    "Overloaded",
    "Refusals",
    "Route",
    "Streamed",
    "TrustedProxies",
    "Web",
    "bytes_answer",
    "cookie_name",
    "empty",
    "form_target",
    "json_answer",
    "page_answer",
    "redirect",
    "streamed_answer",
]
