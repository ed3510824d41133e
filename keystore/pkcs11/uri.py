"""Names of tokens and keys as URIs (RFC 7512), as far as a key reference needs them."""

import re
from dataclasses import dataclass

from keystore.pkcs11.library import TokenDescription

_SCHEME = "pkcs11:"
_LONGEST = 1024
# RFC 7512 §2.3: unreserved, pk11-res-avail and percent-encoded octets.
_VALUE = re.compile(r"(?:[A-Za-z0-9\-._~:\[\]@!$'()*+,=&]|%[0-9A-Fa-f]{2})*")
_NAMES_OF_TOKEN = ("token", "manufacturer", "model", "serial")
_TYPES = ("private", "public", "secret-key")


class BadUri(Exception):
    """This is no PKCS#11 URI that can name a key or a token here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pkcs11Uri:
    """The attributes of a URI, percent-decoded; empty means that anything matches."""

    token: bytes = b""
    manufacturer: bytes = b""
    model: bytes = b""
    serial: bytes = b""
    id: bytes = b""
    object: bytes = b""
    type: bytes = b""

    @classmethod
    def parse(cls, text: str) -> "Pkcs11Uri":
        """Read a URI. Raises BadUri; a query (PIN, module path) is refused, for settings say those.

        An unknown attribute is refused too (RFC 7512 §2.3 lets a consumer decide).
        """
        if len(text) > _LONGEST or text[: len(_SCHEME)].lower() != _SCHEME:
            raise BadUri("not a pkcs11 URI")
        path = text[len(_SCHEME) :]
        values: dict[str, bytes] = {}
        for part in path.split(";") if path else ():
            name, separator, value = part.partition("=")
            if not separator or name in values or name not in cls.__slots__:
                raise BadUri("an attribute is unknown, repeated or has no value")
            if _VALUE.fullmatch(value) is None:
                raise BadUri(f"the value of {name} has characters that must be percent-encoded")
            values[name] = _decoded(value)
        if values.get("type", b"private").decode("latin-1") not in _TYPES:
            raise BadUri("type is private, public or secret-key")
        return cls(**values)

    def __str__(self) -> str:
        parts = ((name, getattr(self, name)) for name in self.__slots__)
        return _SCHEME + ";".join(
            f"{name}={_encoded(value, everything=name == 'id')}" for name, value in parts if value
        )

    def names(self, token: TokenDescription) -> bool:
        """Say whether this URI means that token."""
        said = (token.label, token.manufacturer, token.model, token.serial)
        asked = (self.token, self.manufacturer, self.model, self.serial)
        return all(not wanted or wanted == is_ for wanted, is_ in zip(asked, said, strict=True))

    def within(self, token: "Pkcs11Uri") -> bool:
        """Say whether this key may be on that token: no attribute contradicts."""
        pairs = ((getattr(self, name), getattr(token, name)) for name in _NAMES_OF_TOKEN)
        return all(not mine or not its or mine == its for mine, its in pairs)


def _decoded(value: str) -> bytes:
    if "%" not in value:
        return value.encode("ascii")
    head, *rest = value.split("%")
    return head.encode() + b"".join(bytes.fromhex(part[:2]) + part[2:].encode() for part in rest)


def _encoded(value: bytes, *, everything: bool) -> str:
    if everything:  # RFC 7512 §2.3: CKA_ID should be percent-encoded as a whole
        return "".join(f"%{octet:02x}" for octet in value)
    keep = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
    return "".join(chr(octet) if octet in keep else f"%{octet:02X}" for octet in value)
