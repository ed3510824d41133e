"""JSON objects from outside, read as strictly as request bodies are."""

from typing import Any

from config.runtime.malformed import Malformed
from config.runtime.strict_json import strict_json


def json_object(raw: bytes) -> dict[str, Any]:
    """Return the object in ``raw`` (UTF-8, no name twice, 32 levels), or raise ValueError."""
    try:
        value = strict_json(raw)
    except Malformed as reason:
        raise ValueError(reason.description) from reason
    if not isinstance(value, dict):
        raise ValueError("not an object")
    return value
