"""What OpenAPI says of the endpoints: their parameters, as the specifications name them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from config.runtime.web.sites import Route

_CREDENTIALS = ("client_id", "client_secret", "client_assertion", "client_assertion_type")
_ASKED = (
    *("scope", "claims", "claims_locales", "ui_locales", "acr_values", "max_age", "resource"),
    *("authorization_details", "grant_id", "grant_management_action"),
)
_AUTHORIZATION = (
    *("client_id", "redirect_uri", "response_type", "response_mode", "state", "nonce", "prompt"),
    *("display", "login_hint", "id_token_hint", "code_challenge", "code_challenge_method"),
    *("request", "request_uri", "dpop_jkt", *_ASKED),
)
_TOKEN = (
    *("grant_type", "code", "redirect_uri", "code_verifier", "refresh_token", "scope", "resource"),
    *("device_code", "auth_req_id", "assertion", "subject_token", "subject_token_type"),
    *("actor_token", "actor_token_type", "requested_token_type", "audience"),
    *("authorization_details", *_CREDENTIALS),
)
_BACKCHANNEL = (
    *("login_hint", "id_token_hint", "login_hint_token", "binding_message", "user_code"),
    *("requested_expiry", "client_notification_token", "request", *_ASKED, *_CREDENTIALS),
)
_FORM = ("csrf", "decision")


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """``fields`` are sent in the query of a GET, and in the form of a POST."""

    summary: str
    fields: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    answer: str = "application/json"

    def described(self, method: str) -> dict[str, Any]:
        """Return the operation object (OpenAPI 3.1.1 §4.8.10)."""
        told: dict[str, Any] = {"summary": self.summary, "responses": _responses(self.answer)}
        if self.fields and method == "GET":
            told["parameters"] = [
                {"name": name, "in": "query", "required": name in self.required, "schema": _TEXT}
                for name in self.fields
            ]
        elif self.fields:
            schema = {
                "type": "object",
                "properties": dict.fromkeys(self.fields, _TEXT),
                "required": list(self.required),
            }
            told["requestBody"] = {"content": {_URLENCODED: {"schema": schema}}}
        return told


_URLENCODED = "application/x-www-form-urlencoded"
_TEXT = {"type": "string"}


def _responses(answer: str) -> dict[str, Any]:
    error = {
        "type": "object",
        "properties": dict.fromkeys(("error", "error_description", "error_uri"), _TEXT),
        "required": ["error"],
    }
    return {
        "200": {"description": "Answered.", "content": {answer: {}}},
        "default": {
            "description": "Refused: /errors explains each code.",
            "content": {"application/json": {"schema": error}},
        },
    }


def _page(summary: str, *fields: str, required: tuple[str, ...] = ()) -> Operation:
    return Operation(summary=summary, fields=fields, required=required, answer="text/html")


_LOGIN = "/login/{login_id}"
OPERATIONS: Mapping[str, Mapping[str, Operation]] = {
    "/authorize": {
        "GET": _page("Begin a login.", *_AUTHORIZATION, required=("client_id",)),
        "POST": _page("Begin a login with a form.", *_AUTHORIZATION, required=("client_id",)),
    },
    "/par": {
        "POST": Operation(
            summary="Push an authorization request.",
            fields=(*_AUTHORIZATION, *_CREDENTIALS[1:]),
        )
    },
    "/token": {
        "POST": Operation(
            summary="Exchange a grant for tokens.", fields=_TOKEN, required=("grant_type",)
        )
    },
    "/introspect": {
        "POST": Operation(
            summary="Ask whether a token is good.",
            fields=("token", "token_type_hint", *_CREDENTIALS),
            required=("token",),
        )
    },
    "/revoke": {
        "POST": Operation(
            summary="End the grant of a token.",
            fields=("token", "token_type_hint", *_CREDENTIALS),
            required=("token",),
        )
    },
    "/device_authorization": {
        "POST": Operation(summary="Begin a device's login.", fields=(*_ASKED, *_CREDENTIALS))
    },
    "/bc-authorize": {
        "POST": Operation(summary="Ask a person on their own device.", fields=_BACKCHANNEL)
    },
    "/authorize-challenge": {
        "POST": Operation(
            summary="Go on with the login of a first-party application.",
            fields=(
                *("auth_session", "individual_id", "factor", "otp", "pin", "totp"),
                *("code_challenge", "code_challenge_method", *_ASKED, *_CREDENTIALS),
            ),
        )
    },
    "/challenge": {"POST": Operation(summary="Get a challenge for the proof of an attested key.")},
    "/userinfo": {
        "GET": Operation(summary="Tell about the person of an access token."),
        "POST": Operation(
            summary="Tell about the person of an access token.", fields=("access_token",)
        ),
    },
    "/grants/{grant_id}": {
        "GET": Operation(summary="Tell what a grant allows."),
        "DELETE": Operation(summary="End a grant."),
    },
    "/resource": {
        "GET": Operation(summary="Try an access token.", fields=("acr_values", "max_age")),
        "POST": Operation(summary="Try an access token."),
    },
    "/logout": {
        "GET": _page(
            "Log out.",
            *("id_token_hint", "client_id", "post_logout_redirect_uri", "state", "ui_locales"),
        )
    },
    "/device": {"GET": _page("Type a user code.", "user_code")},
    _LOGIN: {"GET": _page("Show the step that is due.")},
    f"{_LOGIN}/identify": {"POST": _page("Say who one is.", "individual_id", *_FORM)},
    f"{_LOGIN}/factor": {"POST": _page("Choose how to prove it.", "factor", *_FORM)},
    f"{_LOGIN}/prove": {"POST": _page("Prove it.", "otp", "pin", "totp", *_FORM)},
    f"{_LOGIN}/account": {"POST": _page("Choose who goes on.", "account", *_FORM)},
    f"{_LOGIN}/consent": {"POST": _page("Agree.", "claim", "offline", *_FORM)},
}
"""By path under the issuer's address, and method. What is not here has no parameters of its own."""


def described(routes: Iterable[Route], mounts: Iterable[str]) -> list[Route]:
    """Return ``routes`` with what OpenAPI says of them; ``mounts`` are the issuers' paths."""
    longest_first = sorted(mounts, key=len, reverse=True)
    return [_described(route, longest_first) for route in routes]


def _described(route: Route, mounts: list[str]) -> Route:
    for mount in mounts:
        path = route.path.removeprefix(mount)
        operations = OPERATIONS.get(path) if route.path.startswith(mount) else None
        if operations is not None:
            told = {
                method: operations[method].described(method)
                for method in route.endpoints
                if method in operations
            }
            return replace(route, operations=told)
    return route
