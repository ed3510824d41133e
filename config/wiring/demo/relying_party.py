"""A sample relying party: Starlette and Authlib, private_key_jwt and PKCE, nothing of ours.

It shows what an engineer of a bank or clinic writes to sign residents in. ``application`` is the
whole of it.
"""

import json
import ssl
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from authlib.integrations.starlette_client import OAuth, OAuthError
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from joserfc.jwk import ECKey
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from config.wiring.demo.contract import Contracts

SCOPE = "openid profile email phone"

_STYLE = """
:root{--ink:#16191d;--soft:#4a5260;--paper:#fff;--ground:#f3f5f7;--faint:#d5dae0;--accent:#0b3d5b;
--link:#0b3d5b;color-scheme:light dark}
@media (prefers-color-scheme:dark){:root{--ink:#f0f2f5;--soft:#b4bcc8;--paper:#1e2227;
--ground:#16191d;--faint:#3a414b;--link:#8cc4e8}}
*{box-sizing:border-box}
html{font:100%/1.5 system-ui,sans-serif;background:var(--ground);color:var(--ink)}
body{margin:0}
header{border-top:.375rem solid var(--link);padding:1rem}
header div,main{max-width:36rem;margin:0 auto}
header span{color:var(--soft)}
main{padding:0 .5rem 2rem}
.card{background:var(--paper);border:1px solid var(--faint);border-radius:.5rem;padding:1.5rem}
h1{font-size:1.75rem;line-height:1.25;margin:0 0 1rem;overflow-wrap:anywhere}
h2{font-size:1.1875rem;margin:1.75rem 0 .5rem}
.button{border:0;font-size:1rem;cursor:pointer;display:inline-block;background:var(--accent);color:#fff;font-weight:700;
padding:.75rem 1.25rem;border-radius:.25rem;text-decoration:none;margin-top:.5rem}
:focus-visible{outline:.25rem solid #ffbf1f;outline-offset:.125rem}
table{width:100%;border-collapse:collapse;margin:0 0 1.5rem}
th,td{text-align:start;vertical-align:top;padding:.5rem .5rem .5rem 0;overflow-wrap:anywhere;
border-top:1px solid var(--faint)}
td{white-space:pre-line}
th{color:var(--soft);font-weight:400;width:38%}
summary{cursor:pointer;color:var(--link)}
pre{overflow:auto;background:var(--ground);padding:1rem;font-size:.875rem}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """What the relying party knows of itself: what ``symbolon rp add`` printed."""

    issuer: str
    address: str
    client_id: str
    private_key: dict[str, str]
    cookie_secret: str
    esignet: str
    certificate: str = ""

    @property
    def redirect_uri(self) -> str:
        return f"{self.address}/cb"

    @classmethod
    def read(cls, path: Path) -> "Registration":
        """Return the registration that is kept in a JSON file."""
        return cls(**json.loads(path.read_text()))


def application(registration: Registration) -> Starlette:
    """Return the relying party as an ASGI application."""
    service = _Service(registration)
    return Starlette(
        routes=[
            Route("/", service.home),
            Route("/login", service.login),
            Route("/cb", service.callback),
            Route("/account.json", service.account_json),
            Route("/logout", service.logout),
            *service.contracts.routes(),
        ],
        middleware=[
            Middleware(
                SessionMiddleware,
                secret_key=registration.cookie_secret,
                session_cookie="relying_party",
                https_only=registration.address.startswith("https:"),
            )
        ],
    )


class _Service:
    def __init__(self, registration: Registration) -> None:
        self._registration = registration
        self._accounts: dict[str, dict[str, Any]] = {}
        trust = ssl.create_default_context(cafile=registration.certificate or None)
        issuer = registration.issuer
        self._symbolon = OAuth().register(
            "symbolon",
            client_id=registration.client_id,
            client_secret=ECKey.import_key(dict(registration.private_key)),
            server_metadata_url=f"{issuer}/.well-known/openid-configuration",
            client_auth_methods=[PrivateKeyJWT(token_endpoint=issuer, alg="ES256")],
            client_kwargs={
                "scope": SCOPE,
                "token_endpoint_auth_method": "private_key_jwt",
                "code_challenge_method": "S256",
                "verify": trust,
            },
        )
        self.contracts = Contracts(
            symbolon=self._symbolon,
            address=registration.address,
            esignet=registration.esignet,
            page=_page,
            name=self._name,
        )

    def _name(self, request: Request) -> str:
        """Return what the person is called who signed in here, or nothing."""
        account = self._accounts.get(request.session.get("account", ""), {})
        return str(account.get("userinfo", {}).get("name", ""))

    async def home(self, request: Request) -> Response:
        account = self._accounts.get(request.session.get("account", ""))
        return HTMLResponse(_page(_greeting() if account is None else _welcome(account)))

    async def login(self, request: Request) -> Response:
        uri = self._registration.redirect_uri
        redirect: Response = await self._symbolon.authorize_redirect(request, uri)
        return redirect

    async def callback(self, request: Request) -> Response:
        if request.query_params.get("iss") != self._registration.issuer:  # RFC 9207 §2.4
            return HTMLResponse(_page(_failed("The answer came from another issuer.")), 400)
        try:
            token = await self._symbolon.authorize_access_token(request)
            userinfo = await self._symbolon.userinfo(token=token)
        except OAuthError as error:
            return HTMLResponse(_page(_failed(f"{error.error}: {error.description}")), 400)
        claims = dict(token["userinfo"])
        self._accounts[claims["sub"]] = {
            "id_token": claims,
            "userinfo": dict(userinfo),
            "id_token_hint": token["id_token"],
        }
        request.session["account"] = claims["sub"]
        return RedirectResponse("/", 303)

    async def account_json(self, request: Request) -> Response:
        account = self._accounts.get(request.session.get("account", ""))
        if account is None:
            return JSONResponse({"error": "not signed in"}, 401)
        return JSONResponse({name: account[name] for name in ("id_token", "userinfo")})

    async def logout(self, request: Request) -> Response:
        account = self._accounts.pop(request.session.pop("account", ""), None)
        if account is None:
            return RedirectResponse("/", 303)
        redirect: Response = await self._symbolon.logout_redirect(
            request,
            post_logout_redirect_uri=f"{self._registration.address}/",
            id_token_hint=account["id_token_hint"],
        )
        return redirect


def _page(body: str) -> str:
    return f"""<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>Harbour Clinic</title>
<link rel="icon" href="data:,"><style>{_STYLE}</style></head><body>
<header><div><strong>Harbour Clinic</strong> <span>a sample service</span></div></header>
<main><div class="card">{body}</div></main></body></html>"""


def _greeting() -> str:
    return (
        "<h1>Your appointments</h1><p>Sign in to see them.</p>"
        '<p><a class="button" href="/login">Sign in with your national ID</a></p>'
    )


def _welcome(account: dict[str, Any]) -> str:
    shown = {name: account[name] for name in ("id_token", "userinfo")}
    name = escape(str(account["userinfo"].get("name", "you")))
    tokens = escape(json.dumps(shown, indent=2, ensure_ascii=False))
    rows = "".join(_row(claim, value) for claim, value in account["userinfo"].items())
    return (
        f"<h1>Welcome, <bdi>{name}</bdi></h1><p>You have no appointments.</p>"
        f"<h2>What the clinic was told</h2><table><tbody>{rows}</tbody></table>"
        f'<details><summary>ID token and userinfo as JSON</summary><pre tabindex="0">{tokens}</pre>'
        '</details><p><a class="button" href="/sign">Sign a document</a></p>'
        '<p><a class="button" href="/logout">Sign out</a></p>'
    )


def _row(claim: str, value: object) -> str:
    """Return a line of the table; a photo that travelled in the claim is shown."""
    if claim == "picture" and str(value).startswith("data:image/png;base64,"):
        shown = f'<img src="{escape(str(value))}" alt="Photo">'
    elif isinstance(value, bool):
        shown = "yes" if value else "no"
    elif isinstance(value, dict):
        shown = escape(str(value.get("formatted") or ", ".join(map(str, value.values()))))
    else:
        shown = escape(str(value))
    return f'<tr><th scope="row">{escape(claim)}</th><td><bdi>{shown}</bdi></td></tr>'


def _failed(reason: str) -> str:
    return (
        f"<h1>You are not signed in</h1><p>{escape(reason)}</p>"
        '<p><a class="button" href="/">Back to the start</a></p>'
    )
