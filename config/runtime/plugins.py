"""One file, one plugin: a room's variants, found by the names that the settings use."""

from collections.abc import Iterable
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType


class UnknownPlugin(Exception):
    """The settings name a variant that the room does not have."""


def plugins(package: str, names: Iterable[str]) -> dict[str, ModuleType]:
    """Return the module of each of ``names`` in ``package`` (``idp.factors``), in their order.

    ``sms-http`` is the module ``sms_http``. Only a file of the room is imported, never whatever a
    name could otherwise reach. Raises UnknownPlugin, which says what there is.
    """
    room = import_module(package)
    present = sorted(module.name for module in iter_modules(room.__path__))
    found = {}
    for name in names:
        file = name.replace("-", "_")
        if file not in present:
            raise UnknownPlugin(f"{package} has no {name!r}; it has {', '.join(present)}")
        found[name] = import_module(f"{package}.{file}")
    return found
