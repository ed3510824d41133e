"""The error reference, made from ``idp/pages/errors.toml``: a page of the docs.

``python -m tests.errors_page`` prints ``docs/reference/errors.md``;
``python -m tests.errors_page missing`` what the program can send and the table does not explain.
"""

import ast
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from idp.endpoints.page_refusals import FAILURES, REFUSALS
from idp.pages.error_reference import Explained, error_reference
from idp.protocol import errors
from idp.protocol.errors import OAuthError

ROOT = Path(__file__).parents[1]

HEAD = """# Errors

Made by `python -m tests.errors_page`; a test fails when it is stale. Each issuer shows the same at
`/errors`, and every refusal leads there: `error_uri` is the page of its code.

At the token endpoint and the others for machines a refusal is JSON:

```json
{"error": "invalid_grant",
 "error_description": "the code was used before",
 "error_uri": "https://id.example.org/errors/invalid_grant"}
```

Where an access token is wanted it is a challenge as well, and at `/authorize` it travels in the
redirect, once the redirect URI is proven, with `state` and `iss`:

```
HTTP/1.1 401 Unauthorized
www-authenticate: Bearer realm="Symbolon", error="invalid_token", error_description="the access token was revoked", error_uri="https://id.example.org/errors/invalid_token"

HTTP/1.1 303 See Other
location: https://bank.example/cb?error=login_required&error_description=the+person+must+log+in&error_uri=https%3A%2F%2Fid.example.org%2Ferrors%2Flogin_required&state=x&iss=https%3A%2F%2Fid.example.org
```

`error_description` is for the engineer. Never act on its words, and never show it to a person.
Answers that no endpoint made carry `request_id`, which the log knows.

## Told to the client
"""  # noqa: E501 - a header is one line

PERSON = {
    "The website or app that sent you here made a mistake": (
        "unknown `client_id`, or a redirect URI that is not registered: nobody can be told",
        "the relying party compares its redirect URI with `symbolon rp show`, byte for byte",
    ),
    "This login is not open here": (
        "another browser, no cookies, or a login that ended",
        "start again at the service",
    ),
    "This login took too long": (
        "`lifetimes.login` passed (30 minutes)",
        "start again at the service",
    ),
    "This step was done already": (
        "the page was open twice, or sent twice",
        "the link leads to the page that is due",
    ),
    "This request is over": (
        "a request of another device that was answered before, or lapsed",
        "start again at the service",
    ),
    "We could not accept this form": (
        "it came from another site, or its token is missing",
        "the link leads back",
    ),
    "Many people are signing in from your network": (
        "`limits.logins_per_address`. For everybody at once: the proxy is not in "
        "`web.trusted_proxies`",
        "wait; raise the limit for large networks",
    ),
    "This does not work at the moment": (
        "database, key service or room",
        "`/readyz` on the operations port says which",
    ),
    "There is no such page": ("a wrong address, or another host than the issuer's", ""),
    "We could not read that": ("a malformed address or form", ""),
    "This page cannot be opened like that": ("another method than the page has", ""),
    "That was too much at once": ("a body or an address above the limit", ""),
    "Something went wrong on our side": (
        "a fault of ours; the page shows the request id",
        "look for it in the log, and report it",
    ),
}
"""Causes and remedies of what people are told, by its heading."""

TAIL = """
A wrong answer to a factor shows the page of the factor again: "That is not right, or it is too old.
Try again." It says the same when the person is unknown, locked, or out of tries: all look alike.
After the end of a login its pages say "This login is finished" (410).

## Told to the operator

`symbolon` says in one line what failed, and exits as [the command line](cli.md#exit-codes) says.
Settings that are wrong are named with the nearest that is right:

```
symbolon: symbolon.toml: Object contains unknown field `prot` - at `$.web`; did you mean `port`?
```
"""

SEEN = {
    "json": "JSON",
    "challenge": "a challenge",
    "redirect": "the redirect",
    "page": "a page",
    "command line": "the command line",
}


def kinds() -> dict[str, type[OAuthError]]:
    """Return every class of refusal by its name."""
    return {
        name: kind
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, OAuthError) and hasattr(kind, "code")
    }


def descriptions(root: Path = ROOT) -> dict[str, set[str]]:
    """Return, by code, what the program's text raises; ``...`` stands for what varies."""
    known, found = kinds(), defaultdict(set)
    for node in _nodes(root):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            kind = known.get(node.func.id)
            text = _text(node.args[0]) if node.args else ""
            if kind is not None and text.replace("...", "").strip():
                found[kind.code].add(text)
    return found


def _nodes(root: Path) -> Iterator[ast.AST]:
    for package in ("idp", "config"):
        for path in (root / package).rglob("*.py"):
            yield from ast.walk(ast.parse(path.read_text()))


def _text(node: ast.AST) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(str(v.value) if isinstance(v, ast.Constant) else "..." for v in node.values)
    return "..."


def missing() -> list[str]:
    """Return what the program can send and the table does not explain."""
    table = error_reference()
    gaps = [kind.code for kind in kinds().values() if kind.code not in table]
    for code, said in descriptions().items():
        explained = {says for says, _ in table[code].causes} if code in table else set()
        gaps += [f"{code}: {text}" for text in sorted(said - explained)]
    return gaps


def left_over(root: Path = ROOT) -> list[str]:
    """Return what the table explains and no text of the program says any more.

    A text may be the end of a sentence whose beginning varies.
    """
    texts = {_text(n) for n in _nodes(root) if isinstance(n, ast.Constant | ast.JoinedStr)}
    return [
        f"{code}: {says}"
        for code, one in error_reference().items()
        for says, _ in one.causes
        if texts.isdisjoint((says, says.removeprefix("... ")))
    ]


def page() -> str:
    """Return the page of the docs."""
    lines = [HEAD]
    status = {kind.code: kind.status for kind in kinds().values()}
    for code, one in error_reference().items():
        lines += _section(code, one, status.get(code, 400))
    lines += [
        "## Told to the person",
        "",
        "| page | status | cause | remedy |",
        "|---|---|---|---|",
    ]
    told: dict[str, set[int]] = defaultdict(set)
    for explanation in (*REFUSALS.values(), *FAILURES.values()):
        told[explanation.heading].add(explanation.status)
    for heading, statuses in told.items():
        cause, remedy = PERSON.get(heading, ("", ""))
        shown = ", ".join(map(str, sorted(statuses)))
        lines.append(f"| {heading} | {shown} | {cause} | {remedy} |")
    return "\n".join(lines) + "\n" + TAIL


def _section(code: str, one: Explained, status: int) -> Iterator[str]:
    where = [SEEN[seen] for seen in one.seen]
    if {"json", "challenge"} & set(one.seen):
        where[0] += f" with status {status}"
    yield from (f"### {code}", "", f"{one.meaning} It comes as {_joined(where)}.", "")
    yield from (f"**What to do:** {one.remedy}", "")
    if one.causes:
        yield from ("| `error_description` | what to do |", "|---|---|")
        yield from (f"| {says.replace('|', '/')} | {remedy} |" for says, remedy in one.causes)
        yield ""
    yield from (f"Specified in {_joined(one.specification)}.", "")


def _joined(words: list[str] | tuple[str, ...]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


if __name__ == "__main__":
    print("\n".join(missing() + left_over()) if sys.argv[1:] == ["missing"] else page(), end="")
