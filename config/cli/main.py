"""``symbolon``: finds the verb and loads only what that verb needs, so that --help is quick."""

import importlib
import sys

import click

from config import VERSION

VERBS = {
    "demo": ("config.cli.demo", "Run everything on this machine, with sample residents"),
    "serve": ("config.cli.serve", "Run the web server"),
    "work": ("config.cli.work", "Run the worker: messages, audit, cleaning"),
    "keys": ("config.cli.keys", "Run the key service; list and rotate keys"),
    "migrate": ("config.cli.migrate", "Bring the databases to this version"),
    "seals": ("config.cli.seals", "Enrol organisations that seal documents; show and disable them"),
    "rp": ("config.cli.rp", "Register, change, grade, list, show and remove relying parties"),
    "resident": ("config.cli.resident", "Import, show, lock, unlock and erase residents"),
    "audit": ("config.cli.audit", "Verify the audit logs, prove an entry, copy a log out"),
    "verify": ("config.cli.verify", "Judge the signatures in a file, offline"),
    "settings": ("config.cli.settings", "Show the settings in force, and the reference of all"),
    "doctor": ("config.cli.doctor", "Check this deployment and say what to mend"),
    "bench": ("config.cli.bench", "Measure, and print each figure as a ratio"),
    "check": ("config.cli.testing", "Run the tests that need no server"),
    "test": ("config.cli.testing", "Run all tests, with real servers"),
}

EPILOG = (
    "Exit codes: 0 done; 1 it failed, and the text says why; 2 the command line is wrong; "
    "3 the settings are wrong; 4 something needed cannot be reached; 130 interrupted."
)


class Verbs(click.Group):
    """A group whose verbs are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        module = importlib.import_module(VERBS[cmd_name][0])
        command = getattr(module, cmd_name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Verbs"):
            formatter.write_dl([(name, text) for name, (_, text) in VERBS.items()])


@click.group(cls=Verbs, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(VERSION, prog_name="symbolon")
@click.option(
    "--settings",
    "settings_file",
    envvar="SYMBOLON_SETTINGS",
    type=click.Path(dir_okay=False),
    help="Settings file (TOML); SYMBOLON_SECTION__FIELD overrides it.",
)
@click.pass_context
def cli(ctx: click.Context, settings_file: str | None) -> None:
    """Symbolon signs a country's residents in with their national ID."""
    ctx.obj = settings_file


def main() -> None:
    """Run the command line and exit as the epilog says."""
    try:
        status = cli.main(prog_name="symbolon", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        status = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        status = 130
    except Exception as error:
        status = _explain(error)
    sys.exit(status if isinstance(status, int) else 0)


def _explain(error: Exception) -> int:
    """Say in one line what failed, for the failures that an operator can mend."""
    from config.cli.failures import status_of

    status = status_of(error)
    if status is None:
        raise error
    click.echo(f"symbolon: {error}", err=True)
    return status


if __name__ == "__main__":
    main()
