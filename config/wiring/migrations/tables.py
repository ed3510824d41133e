"""Which tables belong to which branch: those that the modules of its package declare."""

import importlib
from pathlib import Path

from sqlalchemy import Table

ROOT = Path(__file__).parents[3]

_PACKAGES = {"runtime": "config.runtime", "audit": "config.runtime.audit"}
"""Where a branch is not simply the package of its name."""


def tables_of(branch: str) -> list[Table]:
    """Return the tables of ``branch`` in the order in which they can be made."""
    found = _declared(_PACKAGES.get(branch, branch))
    if branch == "runtime":
        found -= _declared(_PACKAGES["audit"])
    return sorted(found, key=lambda table: table.name)


def _declared(package: str) -> set[Table]:
    tables: set[Table] = set()
    for path in sorted((ROOT / package.replace(".", "/")).rglob("*.py")):
        if "Table(" in path.read_text():
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            module = importlib.import_module(name.removesuffix(".__init__"))
            tables |= {item for item in vars(module).values() if isinstance(item, Table)}
    return tables
