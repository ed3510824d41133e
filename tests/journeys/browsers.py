"""A browser without JavaScript: it keeps cookies, reads forms and presses their buttons."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import parse_qsl, urljoin, urlsplit

import httpx2


@dataclass(slots=True)
class Form:
    """A form of a page: where it goes, what it holds, and its buttons as (name, value)."""

    action: str
    method: str = "get"
    fields: list[tuple[str, str]] = field(default_factory=list)
    buttons: list[tuple[str, str]] = field(default_factory=list)


class Reader(HTMLParser):
    """Reads forms, links, ids and text of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.links: list[str] = []
        self.ids: list[str] = []
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.words: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attributes}
        self.tags.append((tag, values))
        if "id" in values:
            self.ids.append(values["id"])
        if tag == "form":
            self.forms.append(Form(values.get("action", ""), values.get("method", "get")))
        elif tag == "a":
            self.links.append(values.get("href", ""))
        elif tag == "button" and self.forms:
            self.forms[-1].buttons.append((values.get("name", ""), values.get("value", "")))
        elif tag == "input" and self.forms and "name" in values and _counts(values):
            self.forms[-1].fields.append((values["name"], values.get("value", "")))

    def handle_data(self, text: str) -> None:
        self.words.append(text)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def _counts(attributes: dict[str, str]) -> bool:
    return attributes.get("type") != "checkbox" or "checked" in attributes


@dataclass(slots=True)
class Page:
    """What the browser shows. ``location`` is set instead when it was sent elsewhere."""

    url: str
    response: httpx2.Response

    @property
    def status(self) -> int:
        return self.response.status_code

    @property
    def html(self) -> str:
        return self.response.text

    @property
    def reader(self) -> Reader:
        return Reader(self.html)

    @property
    def text(self) -> str:
        return self.reader.text

    @property
    def answer(self) -> dict[str, str]:
        """What travelled to the client in the address."""
        parts = urlsplit(self.url)
        return dict(parse_qsl(parts.query or parts.fragment))

    def form(self, ending: str, button: tuple[str, str] | None = None) -> Form:
        """The first form whose action ends so, and that has this button."""
        forms = [form for form in self.reader.forms if form.action.endswith(ending)]
        return next(form for form in forms if button is None or button in form.buttons)

    def has(self, element: str) -> bool:
        """Whether there is an element with this id."""
        return element in self.reader.ids


class Browser:
    """One browser with cookies of its own, in front of one application."""

    def __init__(self, app: object, origin: str, address: str = "203.0.113.9") -> None:
        self.origin = origin
        transport = httpx2.ASGITransport(app=app, client=(address, 40000))  # type: ignore[arg-type]
        self.client = httpx2.AsyncClient(transport=transport, base_url=origin)
        self.headers: dict[str, str] = {}

    async def request(
        self, method: str, url: str, form: list[tuple[str, str]] | None = None, **headers: str
    ) -> Page:
        """Ask once; follow redirects within the origin, stop where they lead out of it."""
        target = urljoin(self.origin, url)
        body = None if form is None else httpx2.QueryParams(form)
        sent = {**self.headers, **{k.replace("_", "-"): v for k, v in headers.items()}}
        if body is not None:
            sent["content-type"] = "application/x-www-form-urlencoded"
        response = await self.client.request(
            method, target, content=None if body is None else str(body), headers=sent
        )
        for _ in range(10):
            location = response.headers.get("location")
            if response.status_code not in (302, 303) or location is None:
                break
            target = urljoin(target, location)
            if not target.startswith(self.origin + "/"):
                return Page(target, response)
            response = await self.client.get(target, headers=self.headers)
        return Page(target, response)

    async def get(self, url: str, **headers: str) -> Page:
        return await self.request("GET", url, **headers)

    async def press(
        self,
        page: Page,
        ending: str,
        button: tuple[str, str] | None = None,
        *,
        headers: dict[str, str] | None = None,
        **typed: str,
    ) -> Page:
        """Fill in the form whose action ends so, and press a button of it (else the first)."""
        form = page.form(ending, button)
        fields = [(name, typed.get(name, value)) for name, value in form.fields]
        chosen = button or form.buttons[0]
        if chosen[0]:
            fields.append(chosen)
        return await self.request(
            form.method.upper(), urljoin(page.url, form.action), fields, **(headers or {})
        )

    def copy_cookies(self, other: "Browser") -> None:
        """Take over every cookie of another browser: what a thief would."""
        for cookie in other.client.cookies.jar:
            self.client.cookies.jar.set_cookie(cookie)
