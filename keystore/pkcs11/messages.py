"""What the key service and the child that holds a PKCS#11 module say to one another.

A frame is four octets of length, big-endian, and a MessagePack array. Both ends are ours and of the
same release, so there is no version; the socket pair between them has no name in the file system.
"""

from collections.abc import Callable
from enum import StrEnum

import msgspec

LENGTH = 4
_LONGEST = 1 << 30


class Verb(StrEnum):
    """What may be asked of the child."""

    GENERATE = "generate"
    PUBLIC_KEY = "public_key"
    SIGN = "sign"
    MAC = "mac"
    ENCRYPT = "encrypt"
    DECRYPT = "decrypt"
    DESTROY = "destroy"
    PROBE = "probe"
    ONE_TIME = "one_time"
    SIGN_ONCE = "sign_once"
    DISCARD = "discard"
    WRAP = "wrap"
    REWRAP = "rewrap"
    SIGN_WRAPPED = "sign_wrapped"
    SIGN_WRAPPED_DIGESTS = "sign_wrapped_digests"


class Outcome(StrEnum):
    """How it went."""

    DONE = "done"
    LOADED = "loaded"  # the child runs and is about to touch the module
    UNKNOWN_KEY = "unknown_key"
    UNSUPPORTED = "unsupported"
    UNAVAILABLE = "unavailable"
    BAD_SIGNATURE = "bad_signature"
    PIN_REFUSED = "pin_refused"  # final: nobody tries this PIN again


class Opening(msgspec.Struct, frozen=True, array_like=True, kw_only=True):
    """The first frame to the child: which module and token, and how many threads."""

    module: str
    reserved: str
    address: str
    pin_file: str
    pin_variable: str
    variables: dict[str, str]
    threads: int
    verified: list[str]


class Request(msgspec.Struct, frozen=True, array_like=True, kw_only=True):
    """One thing to do. ``until`` is on the machine's monotonic scale, which both ends share.

    ``key_id`` is a CKA_ID, the label of a key to be made, or the name of a one-time key. ``blob``
    is a wrapped key; what wraps it anew is named in ``texts``.
    """

    serial: int
    verb: Verb
    until: float
    algorithm: str = ""
    key_id: bytes = b""
    texts: list[bytes] = []
    bound_to: list[bytes] = []
    blob: bytes = b""


class Reply(msgspec.Struct, frozen=True, array_like=True, kw_only=True):
    """The answer to the request of that serial number; 0 is the answer to the opening."""

    serial: int
    outcome: Outcome
    texts: list[bytes | None] = []
    reason: str = ""


class Unframed(Exception):
    """The other end sent something that is no frame."""


def frame(message: object) -> bytes:
    """Return ``message`` as a frame."""
    body = msgspec.msgpack.encode(message)
    return len(body).to_bytes(LENGTH, "big") + body


def unframe(received: bytearray, whole: Callable[[bytes], None]) -> None:
    """Take every complete frame off the front of ``received``; pass on the body of each.

    Raises Unframed if the announced length is absurd.
    """
    start = 0
    while len(received) - start >= LENGTH:
        length = int.from_bytes(received[start : start + LENGTH], "big")
        if length > _LONGEST:
            raise Unframed("a frame is too long")
        end = start + LENGTH + length
        if len(received) < end:
            break
        whole(bytes(received[start + LENGTH : end]))
        start = end
    del received[:start]
