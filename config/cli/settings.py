"""``symbolon settings``: what is in force, and the reference made from the docstrings."""

import json
import re
from pathlib import Path

import click
import msgspec

from config.cli.opening import settings_of
from config.settings.builtin import builtin_markdown
from config.settings.reference import reference_markdown

_PASSWORD = re.compile(r"(://[^/?#@]*:)[^/?#]+(@)")
"""The password of an address such as ``postgresql://USER:PASSWORD@HOST/NAME``."""


@click.group()
def settings() -> None:
    """Show the settings in force, and the reference of all."""


@settings.command()
@click.pass_obj
def show(settings_file: str | None) -> None:
    """Print the settings in force as JSON, secrets as ***."""
    click.echo(json.dumps(_masked(msgspec.to_builtins(settings_of(settings_file))), indent=2))


@settings.command()
def reference() -> None:
    """Print every setting with its default and meaning, and the built-in limits, as Markdown."""
    click.echo(reference_markdown())
    click.echo(builtin_markdown(Path(__file__).parents[2]), nl=False)


def _masked(tree: dict[str, object]) -> dict[str, object]:
    shown: dict[str, object] = {}
    for name, value in tree.items():
        if isinstance(value, dict):
            shown[name] = _masked(value)
        elif name in ("password", "authorization", "inbox_token") and value:
            shown[name] = "***"
        elif isinstance(value, str):
            shown[name] = _PASSWORD.sub(r"\1***\2", value)
        else:
            shown[name] = value
    return shown
