"""What the cells of a person are bound to: a cell that is moved to another row does not open."""

from keystore.cells import row


def attribute_row(resident_id: str, name: str, locale: str) -> bytes:
    """Return what the cell of an attribute is bound to."""
    return row("attribute", resident_id, name, locale)


def secret_row(resident_id: str, factor: str) -> bytes:
    """Return what the cell of an enrolled secret is bound to."""
    return row("secret", resident_id, factor)
