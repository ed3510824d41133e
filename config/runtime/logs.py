"""Structured logs: one JSON object a line, with the request id and without anything secret."""

import logging
import traceback
from contextvars import ContextVar
from types import TracebackType
from typing import Any, Generic, TypeVar

import msgspec

Kept = TypeVar("Kept")

REQUEST_ID: ContextVar[str] = ContextVar("request_id", default="")
"""The id of the request that this task answers; empty outside one."""

_OWN = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}


class Secret(Generic[Kept]):
    """A value that prints as ``***`` wherever it is printed; ``reveal()`` is the only way in."""

    __slots__ = ("_value",)

    def __init__(self, value: Kept) -> None:
        self._value = value

    def reveal(self) -> Kept:
        """Return the value; do not keep it, print it or put it into another text."""
        return self._value

    def __repr__(self) -> str:
        return "***"

    def __reduce__(self) -> str:
        raise TypeError("a secret is not pickled")


class JsonLines(logging.Formatter):
    """Writes a record as JSON: ``at``, ``level``, ``name``, ``text``, ``request_id``, extras.

    Of an exception it writes the classes and where they came from, never their text: an exception
    may quote what somebody sent (R10).
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return one line."""
        line: dict[str, Any] = {
            "at": round(record.created, 3),
            "level": record.levelname.lower(),
            "name": record.name,
            "text": record.getMessage(),
        }
        request_id = REQUEST_ID.get()
        if request_id:
            line["request_id"] = request_id
        for key, value in record.__dict__.items():
            if key not in _OWN and value is not None:
                line[key] = value
        if record.exc_info and record.exc_info[1] is not None:
            line["exception"] = _chain(record.exc_info[1])
        return msgspec.json.encode(line, enc_hook=repr).decode()


def _chain(fault: BaseException | None) -> list[dict[str, Any]]:
    chain: list[dict[str, Any]] = []
    while fault is not None and len(chain) < 8:
        chain.append({"class": type(fault).__qualname__, "frames": _frames(fault.__traceback__)})
        fault = fault.__cause__ or (None if fault.__suppress_context__ else fault.__context__)
    return chain


def _frames(trace: TracebackType | None) -> list[str]:
    return [
        f"{frame.filename}:{frame.lineno} {frame.name}"
        for frame in traceback.extract_tb(trace, limit=-12)
    ]


def configure_logs(level: str = "INFO") -> None:
    """Send every log of this process to standard error as JSON lines."""
    lines = logging.StreamHandler()
    lines.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [lines]
    root.setLevel(level)
