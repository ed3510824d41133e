"""A browser without JavaScript: follows redirects, keeps cookies, fills in forms and sends them.

It walks a login for ``symbolon demo --check``, for the tests and for the benchmarks.
"""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import httpx2


@dataclass(slots=True)
class Form:
    """A form as it stands in a page: where it goes, what it holds, which buttons it has.

    ``values`` are what would be sent; a name may have several (checkboxes).
    """

    action: str
    method: str
    values: dict[str, list[str]] = field(default_factory=dict)
    buttons: list[tuple[str, str]] = field(default_factory=list)
    fields: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Page:
    """What the browser shows now."""

    url: str
    status: int
    text: str
    forms: list[Form]
    headers: httpx2.Headers

    def form(self, name: str = "") -> Form:
        """Return the first form with a field or button called ``name`` (any form when empty)."""
        for form in self.forms:
            if not name or name in form.fields or any(name == button for button, _ in form.buttons):
                return form
        raise LookupError(f"no form with {name!r} at {self.url}: {self.status} {self.text[:400]}")

    def has(self, name: str) -> bool:
        """Return whether some form has a field called ``name``."""
        return any(name in form.fields for form in self.forms)


class Browser:
    """One person's browser. ``stop_at`` are address prefixes that it does not open but keeps."""

    def __init__(self, http: httpx2.AsyncClient, stop_at: tuple[str, ...] = ()) -> None:
        self._http = http
        self._stop_at = stop_at
        self.stopped_at: str | None = None
        self.requests = 0

    async def open(self, url: str, **headers: str) -> Page:
        """Follow ``url`` to a page."""
        return await self._load("GET", url, None, headers)

    async def submit(self, page: Page, form: Form, **answers: str) -> Page:
        """Fill in ``form`` of ``page`` and send it; an answer of "" leaves the field empty."""
        values = form.values | {name: [answer] for name, answer in answers.items()}
        url = urljoin(page.url, form.action)
        if form.method == "get":
            return await self._load("GET", str(httpx2.URL(url, params=values)), None, {})
        return await self._load("POST", url, values, {"origin": _origin(page.url)})

    async def _load(
        self, method: str, url: str, values: dict[str, list[str]] | None, headers: dict[str, str]
    ) -> Page:
        for _ in range(20):
            if any(url.startswith(prefix) for prefix in self._stop_at):
                self.stopped_at = url
                return Page(url, 0, "", [], httpx2.Headers())
            self.requests += 1
            answer = await self._http.request(
                method, url, data=values, headers=headers, follow_redirects=False
            )
            if answer.status_code not in (301, 302, 303):
                return Page(
                    url, answer.status_code, answer.text, forms(answer.text), answer.headers
                )
            url = urljoin(url, answer.headers["location"])
            method, values, headers = "GET", None, {}
        raise RecursionError(f"too many redirects: {url}")


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def forms(html: str) -> list[Form]:
    """Return the forms of a page."""
    reader = _FormReader()
    reader.feed(html)
    return reader.forms


class _FormReader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._open: Form | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._open = Form(given.get("action", ""), given.get("method", "get").lower())
            self.forms.append(self._open)
        elif self._open is not None and given.get("name"):
            self._field(self._open, tag, given)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None

    def _field(self, form: Form, tag: str, given: dict[str, str]) -> None:
        name, value, kind = given["name"], given.get("value", ""), given.get("type", "text")
        if tag == "button" or kind == "submit":
            form.buttons.append((name, value))
        elif tag in ("input", "select", "textarea"):
            form.fields.add(name)
            if kind not in ("checkbox", "radio"):
                form.values[name] = [value]
            elif "checked" in given:
                form.values.setdefault(name, []).append(value or "on")
