"""Answers that are the same for everybody: metadata, keys, style sheets."""

import gzip
import hashlib

from config.runtime.web.answer import Answer, Headers
from config.runtime.web.call import Call
from config.runtime.web.wire import gzip_wanted

_SMALLEST_WORTH = 1024
"""Bytes below which gzip saves no packet."""


class Cached:
    """Bytes made once, answered from memory with ETag and max-age (RFC 9110 §13, RFC 9111).

    ``max_age`` in seconds. ``immutable`` promises that the address never shows anything else.
    """

    __slots__ = ("_plain", "_small", "_tags", "_unchanged")

    def __init__(
        self, body: bytes, content_type: str, max_age: int, immutable: bool = False
    ) -> None:
        tag = hashlib.sha256(body).hexdigest()[:24]
        lasting = f"public, max-age={max_age}" + (", immutable" if immutable else "")
        common: Headers = [
            (b"cache-control", lasting.encode()),
            (b"vary", b"Accept-Encoding"),
        ]
        kind = (b"content-type", content_type.encode())
        plain_tag, small_tag = f'"{tag}"', f'"{tag}-gzip"'
        self._tags = frozenset((plain_tag, small_tag))
        self._unchanged = [*common, (b"etag", plain_tag.encode())]
        self._plain = (200, [kind, *common, (b"etag", plain_tag.encode())], body)
        self._small = None
        if len(body) >= _SMALLEST_WORTH and content_type != "image/png":
            coding = (b"content-encoding", b"gzip")
            small = gzip.compress(body, 9, mtime=0)
            self._small = (200, [kind, *common, (b"etag", small_tag.encode()), coding], small)

    def answer(self, call: Call) -> Answer:
        """Return the bytes, or 304 when the client has them."""
        held = call.header("if-none-match")
        if held is not None and self._is_held(held):
            return Answer(304, list(self._unchanged))
        status, headers, body = self._plain
        if self._small is not None and gzip_wanted(call):
            status, headers, body = self._small
        return Answer(status, list(headers), body)

    async def endpoint(self, call: Call) -> Answer:
        """Answer as an endpoint of a `Route`."""
        return self.answer(call)

    def _is_held(self, held: str) -> bool:
        tags = (tag.strip().removeprefix("W/") for tag in held.split(","))
        return any(tag in self._tags or tag == "*" for tag in tags)
