"""What every frame begins with."""

import msgspec


class Numbered(msgspec.Struct, array_like=True, frozen=True):
    """An array of its ``tag``, the ``id`` that pairs a request with its reply, and its fields."""

    id: int
