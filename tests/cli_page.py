"""The reference of the command line, made from the commands themselves: a page of the docs.

``python -m tests.cli_page`` prints ``docs/reference/cli.md``.
"""

from collections.abc import Iterator

import click

from config.cli.main import EPILOG, VERBS, Verbs

HEAD = """# Command line

Made by `python -m tests.cli_page`; a test fails when it is stale. `--help` says the same.

`symbolon [--settings FILE] VERB ...`. The settings file is also named by `SYMBOLON_SETTINGS`;
single settings by `SYMBOLON_SECTION__FIELD`. Relative paths in the file start at its directory.
"""


def commands() -> Iterator[tuple[str, click.Command]]:
    """Return every verb, and every command below it, by its full name."""
    group = Verbs(name="symbolon")
    context = click.Context(group)
    for verb in VERBS:
        command = group.get_command(context, verb)
        assert command is not None
        yield verb, command
        if isinstance(command, click.Group):
            for name, inner in sorted(command.commands.items()):
                yield f"{verb} {name}", inner


def options(command: click.Command) -> dict[str, click.Option]:
    """Return the options of a command by each of their spellings."""
    return {
        spelling: parameter
        for parameter in command.params
        if isinstance(parameter, click.Option)
        for spelling in (*parameter.opts, *parameter.secondary_opts)
    }


def page() -> str:
    """Return the page of the docs."""
    lines = [HEAD, "## Exit codes", "", EPILOG.removeprefix("Exit codes: "), ""]
    for name, command in commands():
        arguments = [
            parameter.metavar or (parameter.name or "").upper()
            for parameter in command.params
            if isinstance(parameter, click.Argument)
        ]
        lines += [
            f"## {' '.join([name, *arguments])}",
            "",
            " ".join((command.help or "").split()),
            "",
        ]
        shown = [p for p in command.params if isinstance(p, click.Option)]
        if shown:
            lines += ["| option | value | meaning |", "|---|---|---|"]
            lines += [_row(option) for option in shown] + [""]
    return "\n".join(lines).rstrip() + "\n"


def _row(option: click.Option) -> str:
    value = "" if option.is_flag else option.type.name
    if isinstance(option.type, click.Choice):
        value = ", ".join(map(str, option.type.choices))
    spellings = (*option.opts, *option.secondary_opts)
    meaning = " ".join((option.help or "").split())
    if option.show_default and option.default is not None:
        meaning = f"{meaning} Default: `{option.default}`.".strip()
    return f"| {', '.join(f'`{spelling}`' for spelling in spellings)} | {value} | {meaning} |"


if __name__ == "__main__":
    print(page(), end="")
