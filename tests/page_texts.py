"""Which texts the pages of a room say: read from its templates and from the code beside them."""

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

from babel.messages.pofile import read_po
from jinja2 import Environment, nodes

from config.runtime.pages.explanations import Explanation
from config.runtime.pages.rooms import Room


def in_templates(room: Room) -> Iterator[str]:
    for file in room.templates.glob("*.html"):
        for call in Environment(autoescape=True).parse(file.read_text()).find_all(nodes.Call):
            if isinstance(call.node, nodes.Name) and call.node.name == "t":
                assert isinstance(call.args[0], nodes.Const), file
                yield call.args[0].value


def in_code(*directories: Path) -> Iterator[str]:
    for directory in directories:
        for file in directory.glob("*.py"):
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.Call):
                    name = getattr(node.func, "id", "") or getattr(node.func, "attr", "")
                    if name == "t" and isinstance(node.args[0], ast.Constant):
                        yield str(node.args[0].value)


def in_explanations(explained: Iterable[Explanation]) -> Iterator[str]:
    for one in explained:
        yield one.heading
        yield from one.lines


def said(room: Room, tag: str) -> dict[str, str]:
    """The catalogue of a language; nothing in it waits for a translator."""
    with (room.locales / tag / "LC_MESSAGES" / "messages.po").open("rb") as file:
        catalogue = read_po(file, locale=tag)
    assert not [message for message in catalogue if message.fuzzy and message.id]
    return {str(message.id): str(message.string) for message in catalogue if message.id}
