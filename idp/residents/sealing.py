"""What the cells of a person hold and are bound to: one that is moved to another row stays shut."""

from typing import Any

import msgspec

from idp.residents.port import Attribute
from keystore.cells import Cells, row


class _Cell(msgspec.Struct, frozen=True, array_like=True):
    """An authority can tell where somebody lives: it is sealed with the value."""

    value: Any
    verified_at: int | None
    authority: str


_DECODER = msgspec.json.Decoder(_Cell)


def sealed(cells: Cells, resident_id: str, attribute: Attribute) -> bytes:
    """Return the cell of an attribute."""
    content = _Cell(attribute.value, attribute.verified_at, attribute.authority)
    bound_to = attribute_row(resident_id, attribute.name, attribute.locale)
    return cells.seal(msgspec.json.encode(content), bound_to)


def opened(cells: Cells, resident_id: str, name: str, locale: str, cell: bytes) -> Attribute:
    """Return the attribute of a cell, or raise keystore.door.BadSeal."""
    content = _DECODER.decode(cells.open(cell, attribute_row(resident_id, name, locale)))
    return Attribute(
        name=name,
        locale=locale,
        value=content.value,
        verified_at=content.verified_at,
        authority=content.authority,
    )


def attribute_row(resident_id: str, name: str, locale: str) -> bytes:
    """Return what the cell of an attribute is bound to."""
    return row("attribute", resident_id, name, locale)


def secret_row(resident_id: str, factor: str) -> bytes:
    """Return what the cell of an enrolled secret is bound to."""
    return row("secret", resident_id, factor)
