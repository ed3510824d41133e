"""Files of residents, read row by row: JSON Lines and CSV of any length, in constant memory.

Each entry says where it ends, so that an import can go on from there after a crash. A row that
cannot be read is an entry with the reason, and the next row is read as if it had not been there.
"""

import csv
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, BinaryIO

from config.runtime.malformed import Malformed
from config.runtime.strict_json import strict_json
from idp.residents.claims import ADDRESS_PARTS, CLAIMS, BadRow, unknown
from idp.residents.normalising import Numbering
from idp.residents.rows import COLUMNS, FIXED, Row, parse

LONGEST_ROW = 256 * 1024
"""Bytes of a row: room for a photo."""

_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Entry:
    """One row or refusal: ``line`` it begins on (from 1); ``end`` of it in bytes; ``next_line``."""

    line: int
    end: int
    next_line: int
    what: Row | BadRow


Read = Callable[[BinaryIO, Numbering, int, int], Iterator[Entry]]
"""Reads entries of a file from (position, line) on; (0, 1) is the beginning."""


class BadFile(Exception):
    """Nothing of the file can be taken."""


def json_lines(file: BinaryIO, numbering: Numbering, position: int, line: int) -> Iterator[Entry]:
    """Yield the entries of a file with one JSON object a line; empty lines are passed over."""
    file.seek(position)
    while raw := file.readline(LONGEST_ROW + 1):
        complete = _finish(file, raw)
        body = (raw.removeprefix(_BOM) if line == 1 else raw).strip()
        if body or not complete:
            what = _judged(_object, body, numbering) if complete else TOO_LONG
            yield Entry(line, file.tell(), line + 1, what)
        line += 1


def comma_separated(
    file: BinaryIO, numbering: Numbering, position: int, line: int
) -> Iterator[Entry]:
    """Yield the entries of a CSV file (RFC 4180, UTF-8) whose first line names the columns.

    Raises BadFile when the first line does. An empty cell is a column that the row does not have.
    """
    file.seek(0)
    columns = _header(file)
    if position:
        file.seek(position)
    else:
        line = 2
    while raw := _record(file):
        lines = max(1, raw.count(b"\n")) if raw is not TOO_LONG_RECORD else 1
        if raw is TOO_LONG_RECORD:
            yield Entry(line, file.tell(), line + 1, TOO_LONG)
        elif raw.strip():
            what = _judged(partial(_cells, columns), raw, numbering)
            yield Entry(line, file.tell(), line + lines, what)
        line += lines


TOO_LONG = BadRow("", f"the row is longer than {LONGEST_ROW} bytes, or a quote is not closed")
TOO_LONG_RECORD = b"too long"


def _finish(file: BinaryIO, raw: bytes) -> bool:
    """Return whether ``raw`` is a whole line; pass over the rest of one that is too long."""
    if len(raw) <= LONGEST_ROW or raw.endswith(b"\n"):
        return True
    while (rest := file.readline(LONGEST_ROW)) and not rest.endswith(b"\n"):
        pass
    return False


def _judged(
    read: Callable[[bytes], Mapping[str, Any]], raw: bytes, numbering: Numbering
) -> Row | BadRow:
    try:
        return parse(read(raw), numbering)
    except BadRow as refusal:
        return refusal


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        value = strict_json(body)
    except Malformed as malformed:
        raise BadRow("", malformed.description) from None
    if not isinstance(value, dict):
        raise BadRow("", "must be a JSON object")
    return value


def _header(file: BinaryIO) -> list[str]:
    raw = file.readline(LONGEST_ROW).removeprefix(_BOM)
    try:
        columns = [name.strip() for name in next(csv.reader([raw.decode()], strict=True), [])]
    except (UnicodeDecodeError, csv.Error):
        raise BadFile("the first line must name the columns, in UTF-8") from None
    for place, column in enumerate(columns, 1):
        if column.partition("#")[0] not in _CSV_COLUMNS:
            raise BadFile(f"column {place}: {unknown(column, _CSV_COLUMNS)}")
    if len(set(columns)) != len(columns):
        raise BadFile("a column is named twice")
    if "national_id" not in columns:
        raise BadFile("there is no column national_id")
    return columns


_NOT_IN_CSV = ("verification",)
_CSV_COLUMNS = [
    *(name for name in COLUMNS if name not in (*_NOT_IN_CSV, "address")),
    *(f"address.{part}" for part in ADDRESS_PARTS),
]


def _record(file: BinaryIO) -> bytes:
    """Return the lines of one record: quotes come in pairs, else it goes on in the next line.

    A quote that is never closed costs only the line that it stands on.
    """
    first = file.readline(LONGEST_ROW + 1)
    after_first = file.tell()
    if not _finish(file, first):
        return TOO_LONG_RECORD
    whole = first
    while whole.count(b'"') % 2:
        more = file.readline(LONGEST_ROW + 1)
        if not more or len(whole) + len(more) > LONGEST_ROW:
            file.seek(after_first)
            return TOO_LONG_RECORD
        whole += more
    return whole


def _cells(columns: list[str], raw: bytes) -> Mapping[str, Any]:
    try:
        # str.splitlines would cut cells at separators that CSV does not know (U+001E, U+2028 ...)
        lines = (f"{line}\n" for line in raw.decode().split("\n"))
        cells = next(csv.reader(lines, strict=True))
    except UnicodeDecodeError:
        raise BadRow("", "is not UTF-8") from None
    except csv.Error:
        raise BadRow("", "is not CSV") from None
    if len(cells) != len(columns):
        raise BadRow("", f"has {len(cells)} cells where the first line has {len(columns)}")
    record: dict[str, Any] = {}
    for column, cell in zip(columns, cells, strict=True):
        if not cell.strip():
            continue
        name, mark, language = column.partition("#")
        bare, _, part = name.partition(".")
        if bare == "address":
            record.setdefault(f"address{mark}{language}", {})[part] = cell
        else:
            record[column] = _value(column, cell)
    return record


def _value(column: str, cell: str) -> Any:
    """Return what a cell of CSV says, typed as JSON would have it."""
    if column in ("handles", "locked_factors"):
        return [each.strip() for each in cell.split(";") if each.strip()]
    if column == "virtual_ids":
        return [_virtual(each) for each in cell.split(";") if each.strip()]
    if column in ("email_verified", "phone_number_verified"):
        return {"true": True, "false": False}.get(cell.strip().lower(), cell)
    if column in ("verified_at", "updated_at") and cell.strip().isdecimal():
        return int(cell[:20])
    return cell.strip() if column in FIXED or column in CLAIMS else cell


def _virtual(written: str) -> Mapping[str, Any]:
    """Return the virtual number of ``NUMBER``, ``NUMBER|UNTIL`` or ``NUMBER|UNTIL|USES``."""
    number, _, rest = written.strip().partition("|")
    until, _, uses = rest.partition("|")
    virtual: dict[str, Any] = {"number": number.strip()}
    if until.strip():
        seconds = until.strip()
        virtual["valid_until"] = int(seconds[:20]) if seconds.isdecimal() else seconds
    if uses.strip():
        virtual["uses"] = int(uses[:9]) if uses.strip().isdecimal() else uses
    return virtual
