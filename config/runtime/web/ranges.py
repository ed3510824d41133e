"""Downloads that can be gone on with: ranges of octets, and on which condition (RFC 9110 §13, §14).

Of several ranges at once the whole is answered, as §14.2 allows: nobody who resumes asks for them.
"""

import re

from config.runtime.readable import Readable
from config.runtime.web.answer import Answer, Streamed, json_answer, streamed_answer
from config.runtime.web.call import Call

_RANGE = re.compile(r"bytes=(.*)", re.ASCII | re.IGNORECASE)
_SPAN = re.compile(r"(?P<first>[0-9]{1,18})-(?P<last>[0-9]{1,18})?|-(?P<suffix>[0-9]{1,18})")
_TAG = re.compile(r'(W/)?"[\x21\x23-\x7e\x80-\xff]*"')


class _Unsatisfiable(Exception):
    """None of the octets that are asked for is there (§15.5.17)."""


def download(call: Call, found: Readable, media_type: str) -> Answer:
    """Answer all of ``found``, or the range that was asked for; its octets never change.

    200, 206, 304, 412 or 416. HEAD is told of the whole (§14.2: ranges are of GET alone).
    """
    tag = f'"{found.tag}"'
    answer = _conditional(call, tag)
    if answer is None:
        try:
            wanted = _wanted(call, found.size, tag)
        except _Unsatisfiable:
            told = "none of these octets is there"
            body = {"error": "range_not_satisfiable", "error_description": told}
            answer = json_answer(body, 416)
            answer.headers.append((b"content-range", b"bytes */%d" % found.size))
        else:
            answer = _answered(found, wanted, media_type)
    answer.headers += [(b"etag", tag.encode()), (b"accept-ranges", b"bytes")]
    return answer


def _answered(found: Readable, wanted: range | None, media_type: str) -> Answer:
    if wanted is None:
        return streamed_answer(Streamed(found.size, found.whole()), media_type)
    answer = streamed_answer(Streamed(len(wanted), found.read(wanted)), media_type)
    answer.status = 206
    place = f"bytes {wanted.start}-{wanted.stop - 1}/{found.size}"
    answer.headers.append((b"content-range", place.encode()))
    return answer


def _conditional(call: Call, tag: str) -> Answer | None:
    """Return the answer where a condition keeps the octets back, in the order of §13.2.2."""
    match, none_match = call.header("if-match"), call.header("if-none-match")
    if match is not None and match.strip() != "*" and tag not in _tags(match):
        told = "what is here has another ETag"
        return json_answer({"error": "precondition_failed", "error_description": told}, 412)
    if none_match is not None and (
        none_match.strip() == "*" or tag in [one.removeprefix("W/") for one in _tags(none_match)]
    ):
        return Answer(304, [(b"cache-control", b"no-store")])
    return None


def _tags(text: str) -> list[str]:
    return [found[0] for found in _TAG.finditer(text)]


def _wanted(call: Call, size: int, tag: str) -> range | None:
    """Return the octets that are wanted, None for all: also where the field cannot be read."""
    asked = call.header("range")
    only_if = call.header("if-range")
    if asked is None or call.method != "GET" or (only_if is not None and only_if.strip() != tag):
        return None  # a date in If-Range fits nothing: no Last-Modified was ever told (§13.1.5)
    unit = _RANGE.fullmatch(asked.strip())
    spans = [one.strip(" \t") for one in unit[1].split(",")] if unit else []
    spans = [one for one in spans if one]
    span = _SPAN.fullmatch(spans[0]) if len(spans) == 1 else None
    return None if span is None else _within(span, size)


def _within(span: re.Match[str], size: int) -> range | None:
    if span["suffix"] is not None:
        length = min(int(span["suffix"]), size)
        if not length:
            raise _Unsatisfiable
        return range(size - length, size)
    first, last = int(span["first"]), int(span["last"] or size)
    if span["last"] is not None and last < first:  # §14.1.1: invalid, and so ignored
        return None
    if first >= size:
        raise _Unsatisfiable
    return range(first, min(last + 1, size))
