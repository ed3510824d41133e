"""Which test shows which numbered behaviour and carries out which attack: a page of the docs.

``python -m tests.coverage_table`` prints ``docs/reference/behaviours.md``. The tests are read and
not run, so that the page depends on nothing but their text.
"""

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

TESTS = Path(__file__).parent

BEHAVIOURS: Mapping[int, str] = {
    1: "authorization requests by GET and by POST",
    2: "unknown parameters are ignored; the order of scopes and parameters does not matter",
    3: "a missing or unknown `response_type` is refused",
    4: "the redirect URI is compared as an exact string; a mismatch is a page and no redirect",
    5: "`nonce` comes back byte for byte; without one the ID token has none",
    6: "`prompt=none` never shows a page: silent answer, or the error that says what is missing",
    7: "`prompt=login` and `max_age` ask anew when they must, and tell `auth_time`",
    8: "`id_token_hint`: the same person silently, another one never",
    9: "`display`, `ui_locales`, `claims_locales` and `login_hint` are wishes and never an error",
    10: "`acr_values` is a wish; an essential `acr` that cannot be reached is refused",
    11: "`claims` is answered where it was asked; unknown claims are ignored",
    12: "claims of scopes come from userinfo",
    13: "request objects are refused by name, never ignored",
    14: "a PKCE challenge is welcome from every client",
    15: "errors are printable ASCII, `state` is unchanged, no parameter is unexpected",
    16: "`form_post` works without JavaScript",
    17: "a code that is used twice is refused and what it produced is revoked",
    18: "the token answer is typed, not cached, and keeps its claims at refresh",
    19: "the ID token: issuer, audience, lifetime, subject, key identifier",
    20: "`at_hash` is left out in the code flow; no unsigned ID tokens",
    21: "userinfo by GET and POST, as JSON or signed, with the subject of the ID token",
    22: "refresh tokens: bound to their client, never wider, reuse is detected",
    23: "client authentication: one method, no replay, exact audience",
    27: "a client's new key at `jwks_uri` is fetched, boundedly",
    28: "a new signing key is published before it signs; the old one stays until its tokens end",
    30: "logout at the client's wish redirects only to what is proven",
    31: "an expired ID token is a good logout hint; a mismatch is not",
    34: "FAPI: a request that was not pushed, or not for a code, is refused",
    35: "pushing: what is answered, what is refused, how long the reference is good and for whom",
    36: "a pushed request is used up when it is answered, not when its page is opened",
    37: "an assertion is for the issuer, as one string, signed as FAPI says, and in time",
    38: "a code is good for a minute, once, for its client and whoever has its verifier",
    39: "a client that owes a proof gets no token without one; a bound token needs its key",
    40: "a code that is bound to a key needs that key",
    41: "the window of a DPoP proof; nonces that rotate, at both kinds of server",
    42: "DPoP proofs, one by one: every refusal and every acceptance",
    43: "refresh tokens need their client or their key, and do not rotate where a key is proven",
    44: "`state` and `nonce`, however long, come back as they were or not at all; none is invented",
    45: "a person who says no: `access_denied` with `state` and `iss`",
    46: "TLS is strong, pages are closed to scripts of others, credentials are answered with 303",
    47: "request objects, one by one: every refusal and every acceptance",
    48: "what stands beside a request object is ignored",
    49: "answers that are one signed token (JARM), refusals too",
    50: "introspection that is signed for one resource server alone",
    51: "signed backchannel requests, one by one: every refusal",
    52: "backchannel requests: what is accepted; a message is shown as it was sent or refused",
    53: "polling: pending, slow down, denied, expired, and whose the request is",
    54: "pings: what they say, what an answer changes, no redirects, no end of retries",
    55: "what is pushed says whose it is; an auth_req_id is not guessed; user codes",
    56: "attested clients (of issuance, only this is here): every refusal of both tokens",
}
"""Numbers of the catalogue that the tests use; the words are ours."""

ATTACKS: Mapping[str, str] = {
    "A1": "algorithm confusion: `none`, a public key as a secret",
    "A2": "keys smuggled in a header: `jwk`, `jku`, `x5u`, `kid`",
    "A3": "tokens that two readers read differently",
    "A4": "a token of one kind used as another",
    "A5": "compressed or password-based encryption that exhausts the reader",
    "A6": "padding and decryption oracles",
    "A7": "weak or malformed keys and signatures",
    "A8": "redirect URIs that parsers read differently",
    "A9": "redirects to what is not proven",
    "A10": "script or direction characters in texts of pages",
    "A11": "codes that leak: referrer, cache, method after redirect",
    "A12": "forged forms",
    "A13": "a login handed over to another browser, session fixation",
    "A14": "codes replayed and raced",
    "A15": "PKCE left out or weakened",
    "A16": "mix-up of issuers",
    "A17": "pushed requests reused, by others or too late",
    "A18": "proofs of possession replayed, changed or left out",
    "A19": "client authentication: two methods, foreign assertions, headers as certificates",
    "A20": "tokens stolen, widened or used after a lock or a withdrawal",
    "A21": "a lock passed by at a later stage",
    "A22": "one-time codes and user codes guessed, confused or farmed",
    "A23": "finding out who exists",
    "A24": "addresses that make the server ask inside its own network",
    "A25": "unsound registrations",
    "A26": "oversized, deep, repeated or malformed input",
    "A27": "patterns that take exponential time",
    "A28": "statements smuggled into a query",
    "A29": "poisoned Host and X-Forwarded-* headers",
    "A30": "caches that mix issuers or people",
    "A31": "pages in frames; people who are asked until they give in",
    "A34": "signatures over bytes of the caller's choice",
    "A36": "keys that leave the HSM, PINs in logs",
    "A39": "consent widened or reused for another purpose",
    "A40": "clients that compare their users",
    "A41": "personal data and secrets in logs",
    "A42": "an altered, cut or reordered audit",
    "A43": "an operator's page or API without its checks",
    "A44": "a changed dependency",
    "A45": "a dependency with a known weakness",
    "A46": "secrets told by the time of an answer",
    "A47": "work that exhausts memory",
    "A48": "connections held open",
    "A49": "a level or demand that is left out",
    "A50": "a fix of one case where the whole class was open",
}

_LATER = (21, 22, 23, 24, 26, 27, 28, 29, 30, 31, 34, 36, 39, 40, 46, 47, 49, 50)
DEMANDED = tuple(f"A{number}" for number in (*range(1, 21), *_LATER))
"""Attacks that must have a test; of the others those stand on the page that have one."""

Marked = dict[str, dict[str, set[str]]]
"""By marker and its argument: the tests that carry it, as ``path::name``."""


def marked(tests: Path = TESTS) -> Marked:
    """Return every ``behaviour`` and ``attack`` marker with the tests that carry it."""
    found: Marked = {"behaviour": defaultdict(set), "attack": defaultdict(set)}
    for path in sorted(tests.rglob("test_*.py")):
        if "node_modules" in path.parts:
            continue
        module = f"tests/{path.relative_to(tests)}"
        for node in ast.parse(path.read_text()).body:
            name = _name(node)
            for marker, argument in _markers(node):
                found[marker][argument].add(f"{module}::{name}" if name else module)
    return found


def missing(found: Marked) -> list[str]:
    """Return the numbers that must have a test and have none, and those that nobody explains."""
    gaps = [f"behaviour {n}" for n in BEHAVIOURS if str(n) not in found["behaviour"]]
    gaps += [f"attack {a}" for a in DEMANDED if not found["attack"].get(a)]
    gaps += [f"behaviour {n}?" for n in found["behaviour"] if int(n) not in BEHAVIOURS]
    return gaps + [f"attack {a}?" for a in found["attack"] if a not in ATTACKS]


def page(found: Marked) -> str:
    """Return the page of the docs."""
    lines = [
        "# Behaviours and attacks, and the tests that show them",
        "",
        "Made by `python -m tests.coverage_table`; a test fails when this page is stale or a",
        "number has no test. A test carries its number as `@pytest.mark.behaviour(17)` or",
        '`@pytest.mark.attack("A14")`.',
        "",
        "## Behaviours of an OpenID provider",
        "",
        "| number | behaviour | shown by |",
        "|---|---|---|",
    ]
    for number, text in BEHAVIOURS.items():
        lines.append(f"| {number} | {text} | {_tests(found['behaviour'][str(number)])} |")
    lines += ["", "## Attacks", "", "| number | attack | carried out by |", "|---|---|---|"]
    for name, text in ATTACKS.items():
        shown = _tests(found["attack"].get(name, set()))
        if shown:
            lines.append(f"| {name} | {text} | {shown} |")
    return "\n".join(lines) + "\n"


def _tests(names: set[str]) -> str:
    by_file: dict[str, list[str]] = defaultdict(list)
    for name in sorted(names):
        file, _, test = name.partition("::")
        by_file[file].append(test)
    return "; ".join(
        f"[{Path(file).stem}](../../{file}): " + ", ".join(test or "all" for test in tests)
        for file, tests in by_file.items()
    )


def _name(node: ast.stmt) -> str:
    """Return the name under which pytest knows the node; "" is the whole module."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return node.name
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
        name = node.targets[0].id
        return "" if name == "pytestmark" else name
    return ""


def _markers(node: ast.stmt) -> Iterator[tuple[str, str]]:
    for call in ast.walk(node):
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
            continue
        on = call.func.value
        if not isinstance(on, ast.Attribute) or on.attr != "mark":
            continue
        if call.func.attr in ("behaviour", "attack"):
            for argument in call.args:
                assert isinstance(argument, ast.Constant), ast.unparse(call)
                yield call.func.attr, str(argument.value)


if __name__ == "__main__":
    print(page(marked()), end="")
