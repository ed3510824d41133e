"""Colours that everybody can read, and pages that a thin line carries."""

import re
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from config.runtime.pages.look import UnfitLook, contrast, load_look
from config.runtime.pages.pages import Setting
from config.runtime.pages.rooms import SHARED
from config.settings import Pages as PageSettings
from idp.factors.factor import Offer
from idp.pages.consent_items import groups
from idp.pages.error_reference import WORDS, error_reference, marked
from idp.pages.room import ROOM, load_pages
from idp.pages.signing_page import Asker, ShownDocument, SigningPage
from idp.protocol.claims import STANDARD
from tests.page_judging import judge_structure, weight

LIGHT, DARK = 0, 1
REFERENCE = error_reference()
SIGNING = SigningPage(
    language="en",
    asker=Asker(client="A long name of a client", host="client.example", purpose="A purpose"),
    rows=(("Signature", "Advanced signature"), ("Shown as", "A pseudonym")),
    documents=tuple(
        ShownDocument(
            name=f"Contract of {number} rooms, with {sha256(b'%d' % number).hexdigest()}",
            pages=number + 1,
            address=f"https://client.example/documents/{sha256(b'x%d' % number).hexdigest()}",
            algorithm="SHA-256",
            digest=sha256(b"digest %d" % number).hexdigest(),
            file_algorithm="SHA-256",
            of_file=sha256(b"file %d" % number).hexdigest(),
        )
        for number in range(500)
    ),
    shares={"essential": (), "voluntary": (), "known": (), "offline": ()},
)
"""The longest list, whose digests no compression shortens."""


def colours() -> list[dict[str, str]]:
    """The custom properties of the style sheet, light and dark."""
    sheet = load_look(PageSettings().accent, "").style.body.decode()
    found = []
    for block in re.findall(r":root\{([^}]*)\}", sheet):
        found.append(dict(re.findall(r"--([a-z-]+):([^;}]+)", block)))
    accent, light, dark = found
    return [{**accent, **light}, {**accent, **light, **dark}]


def value(scheme: dict[str, str], name: str) -> str:
    text = scheme[name]
    while (match := re.fullmatch(r"var\(--([a-z-]+)\)", text)) is not None:
        text = scheme[match[1]]
    return text


@pytest.mark.spec("WCAG 2.2 §1.4.3")
@pytest.mark.parametrize("scheme", [LIGHT, DARK])
@pytest.mark.parametrize(
    ("ink", "ground"),
    [
        ("ink", "paper"),
        ("ink", "ground"),
        ("soft", "paper"),
        ("soft", "ground"),
        ("link", "paper"),
        ("link", "ground"),
        ("bad", "paper"),
        ("bad", "bad-ground"),
        ("ink", "bad-ground"),
    ],
)
def test_every_text_can_be_read(scheme: int, ink: str, ground: str) -> None:
    of = colours()[scheme]
    assert contrast(value(of, ink), value(of, ground)) >= 4.5


@pytest.mark.spec("WCAG 2.2 §1.4.11")
@pytest.mark.parametrize("scheme", [LIGHT, DARK])
def test_fields_and_buttons_can_be_seen(scheme: int) -> None:
    of = colours()[scheme]
    assert contrast(value(of, "line"), value(of, "paper")) >= 3
    assert contrast("#ffffff", value(of, "button")) >= 4.5
    assert contrast(value(of, "link"), value(of, "paper")) >= 3
    assert contrast(value(of, "focus"), "#16191d") >= 3


@pytest.mark.parametrize("accent", ["#ffd200", "#00c8ff", "red", "#12345", ""])
def test_a_colour_that_cannot_be_read_is_refused_at_start(accent: str) -> None:
    with pytest.raises(UnfitLook):
        load_look(accent, "")


def test_known_contrasts() -> None:
    assert contrast("#000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("name", ["logo.svg", "logo.png"])
def test_a_logo_goes_into_the_page(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"<svg xmlns='http://www.w3.org/2000/svg'/>")
    assert load_look("#0b5d3b", str(tmp_path / name)).logo.startswith("data:image/")


def test_a_logo_that_is_too_heavy_or_of_another_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "big.png").write_bytes(b"x" * 5000)
    (tmp_path / "logo.gif").write_bytes(b"x")
    for name in ("big.png", "logo.gif", "missing.svg"):
        with pytest.raises(UnfitLook):
            load_look("#0b5d3b", str(tmp_path / name))


def content(name: str) -> dict[str, Any]:
    """Everything that the page shows, at its longest."""
    needed = groups(frozenset({"name", "email"}))
    chosen = groups(STANDARD - {"name", "email"})
    step = {"base": "/login/" + "x" * 43, "csrf": "x" * 22, "client": "A long name of a client"}
    ways = {"otp": "a way", "pin": "another way", "totp": "a third way"}
    return {
        **step,
        "fault": "Something is wrong with that",
        "field": name,
        "typed": "",
        "others": ["pin", "totp"],
        "ways": ways,
        "offer": Offer(tries_left=3, resend_at=30),
        "wait": 30,
        "digits": 6,
        "person": "Amina Odhiambo",
        "purpose": "A purpose of some length " * 4,
        "essential": needed,
        "voluntary": chosen,
        "known": needed,
        "details": [("Make this payment", [("Amount", "123.50 EUR")] * 5)],
        "offline": True,
        "uri": "https://client.example/cb",
        "fields": [("code", "x" * 43)],
        "heading": "A heading",
        "lines": ["A line"] * 3,
        "ways_on": [],
        "reference": "x" * 16,
        "home": "/me",
        "back": "/me",
        "done": "It is done",
        "host": "client.example",
        "reason": "invalid_request: client_id is unknown",
        "factor": "pin",
        "logout": "/logout/confirm",
        "action": "/logout/confirm",
        "carried": [("id_token_hint", "x" * 900)],
        "rows": [],
        "here": "x",
        "qr": "<svg/>" * 500,
        "seed": "x" * 28,
        "written": "ABCD " * 8,
        "elsewhere": True,
        "enrolment": "https://registry.example/apply?return_to=x",
        "shares": True,
        "keys": True,
        "signed": True,
        "near": False,
        "network": "198.51.100.0/24",
        "ago": 60,
        "wrong": "x",
        "has_code": True,
        "approves": True,
        "signatures": "https://sign.example/mine",
        "row": {
            "name": "x" * 43,
            "client": "A long name of a client",
            "purpose": "A purpose of some length " * 4,
            "message": "1234",
            "number": True,
            "at": 1_800_000_000,
            "ends_at": 1_800_000_300,
        },
        "codes": REFERENCE,
        "code": "x" * 40,
        "one": max(REFERENCE.values(), key=lambda one: len(repr(one))),
        "words": WORDS,
        "marked": marked,
        "signing": SIGNING,
        "sheet": SIGNING.sheet("2"),
    }


PAGES = load_pages(PageSettings())
PARTS = ("compare", "approval_item", "base", "footer", "step", "factor", "own", "claim_groups")
SHOWN = [name for name in PAGES.templates if name not in PARTS]


@pytest.mark.parametrize("tag", PageSettings().languages)
@pytest.mark.parametrize("name", SHOWN)
def test_a_page_is_light(name: str, tag: str) -> None:
    language = PAGES.languages.find(tag)
    assert language is not None
    html = PAGES.render(name, Setting(language, "/login/x", "National ID"), **content(name))
    assert weight(html, PAGES.look) <= 14_000
    assert f'<html lang="{tag}" dir="{language.direction}">' in html


@pytest.mark.parametrize("name", SHOWN)
def test_ids_are_unique_and_every_field_has_a_label(name: str) -> None:
    html = PAGES.render(
        name, Setting(PAGES.languages.default, "/login/x", "National ID"), **content(name)
    )
    judge_structure(html)


def test_nothing_of_the_style_needs_more_than_our_policy_allows() -> None:
    for file in (*SHARED.static.iterdir(), *ROOM.static.iterdir()):
        text = file.read_text()
        assert "url(" not in text and "@import" not in text and "http" not in text
