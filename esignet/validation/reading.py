"""From a file to what was judged about it: recognise, check, judge."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from esignet.formats.format import Format, FormatError, Found, Item
from esignet.validation.engine import Judged, Trust, judge
from esignet.validation.recognise import recognised


@dataclass(frozen=True, slots=True)
class Validated:
    """The name of the format that a file is of, and every signature in it."""

    form: str
    signatures: tuple[Judged, ...]


def validate(
    content: bytes,
    items: Sequence[Item],
    formats: Mapping[str, Format],
    trust: Trust,
    now: int,
) -> Validated:
    """Return what every signature in ``content`` comes to at ``now``.

    ``items`` are the documents outside it, if it is detached. FormatError: it holds no signature
    that can be read; the message is for whoever brought it.
    """
    form, found = read(content, items, formats)
    return Validated(form, tuple(judge(one, trust, now) for one in found))


def read(
    content: bytes, items: Sequence[Item], formats: Mapping[str, Format]
) -> tuple[str, tuple[Found, ...]]:
    """Return the format and every signature; the first format that can read it counts."""
    refusal = FormatError("No format that is in use here reads this file.")
    for name in recognised(content):
        if name not in formats:
            continue
        try:
            found = formats[name].check(content, items)
        except FormatError as reason:
            refusal = reason
            continue
        if found:
            return name, found
        refusal = FormatError("There is no signature in this file.")
    raise refusal
