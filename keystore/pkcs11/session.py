"""One PKCS#11 session: one thread at a time, one active operation at a time."""

import ctypes
from collections.abc import Mapping, Sequence

from keystore.pkcs11 import constants as ck
from keystore.pkcs11.errors import check
from keystore.pkcs11.library import Library
from keystore.pkcs11.structures import CK_ULONG, Attribute, AttributeValue, Mechanism, Template

_LONGEST_SIGNATURE = 1024
_LONGEST_WRAPPED = 4096
_TAG_AND_PADDING = 64
_LACKING = (0x11, 0x12)  # CKR_ATTRIBUTE_SENSITIVE, CKR_ATTRIBUTE_TYPE_INVALID


class Session:
    """Asks the token. Checked out by one thread and never shared; closed by its owner."""

    __slots__ = (
        "_buffer",
        "_functions",
        "_length",
        "_length_at",
        "_library",
        "generation",
        "handle",
        "keeps_keys",
    )

    def __init__(self, library: Library, slot: int, *, generation: int, writing: bool) -> None:
        """Open a session. ``generation`` tells which opening of the token it belongs to."""
        self.handle = library.open_session(slot, writing=writing)
        self.generation = generation
        self.keeps_keys = False
        """Whether keys were made in this session that end with it."""
        self._library = library
        self._functions = library.functions
        self._buffer = ctypes.create_string_buffer(_LONGEST_SIGNATURE)
        self._length = CK_ULONG(0)
        self._length_at = ctypes.byref(self._length)

    def close(self) -> None:
        """Close the session; that it is gone already is no error."""
        self._functions.C_CloseSession(self.handle)

    def sign(self, mechanism: Mechanism, key: int, message: bytes) -> bytes:
        """Return the signature or MAC of ``message`` in the mechanism's own form."""
        functions = self._functions
        check(functions.C_SignInit(self.handle, mechanism.reference, key), "C_SignInit")
        self._length.value = _LONGEST_SIGNATURE
        code = functions.C_Sign(self.handle, message, len(message), self._buffer, self._length_at)
        check(code, "C_Sign")
        return ctypes.string_at(self._buffer, self._length.value)

    def encrypt(self, mechanism: Mechanism, key: int, plaintext: bytes) -> bytes:
        """Return the ciphertext, with AES-GCM followed by the tag."""
        functions = self._functions
        check(functions.C_EncryptInit(self.handle, mechanism.reference, key), "C_EncryptInit")
        buffer, size = self._room(plaintext)
        code = functions.C_Encrypt(self.handle, plaintext, len(plaintext), buffer, size)
        check(code, "C_Encrypt")
        return ctypes.string_at(buffer, self._length.value)

    def decrypt(self, mechanism: Mechanism, key: int, ciphertext: bytes) -> bytes:
        """Return the plaintext, or raise what the module says of an altered one."""
        functions = self._functions
        check(functions.C_DecryptInit(self.handle, mechanism.reference, key), "C_DecryptInit")
        buffer, size = self._room(ciphertext)
        code = functions.C_Decrypt(self.handle, ciphertext, len(ciphertext), buffer, size)
        check(code, "C_Decrypt")
        plaintext = ctypes.string_at(buffer, self._length.value)
        ctypes.memset(buffer, 0, len(buffer))
        return plaintext

    def find(self, values: Mapping[int, AttributeValue], most: int = 2) -> list[int]:
        """Return the handles of at most ``most`` objects with these attributes."""
        functions, template = self._functions, Template(values)
        code = functions.C_FindObjectsInit(
            self.handle, ctypes.byref(template.array), template.count
        )
        check(code, "C_FindObjectsInit")
        found = (CK_ULONG * most)()
        self._length.value = 0
        code = functions.C_FindObjects(self.handle, ctypes.byref(found), most, self._length_at)
        functions.C_FindObjectsFinal(self.handle)
        check(code, "C_FindObjects")
        return list(found[: self._length.value])

    def read(
        self, key: int, kinds: Sequence[int], longest: int = _LONGEST_SIGNATURE
    ) -> list[bytes | None]:
        """Return an object's attributes, None for one that it lacks or hides. In one call, if the
        module is willing: a token may be far away."""
        room = ctypes.create_string_buffer(len(kinds) * longest)
        at = ctypes.addressof(room)
        wanted = (Attribute(kind, at + i * longest, longest) for i, kind in enumerate(kinds))
        array = (Attribute * len(kinds))(*wanted)
        code = self._functions.C_GetAttributeValue(
            self.handle, key, ctypes.byref(array), len(kinds)
        )
        if code in _LACKING and any(each.ulValueLen == longest for each in array):
            return [self._read(key, kind) for kind in kinds]  # it stopped at the first it lacks
        if code not in _LACKING:
            check(code, "C_GetAttributeValue")
        return [_value(attribute) for attribute in array]

    def _read(self, key: int, kind: int) -> bytes | None:
        buffer = ctypes.create_string_buffer(_LONGEST_SIGNATURE)
        attribute = Attribute(kind, ctypes.addressof(buffer), len(buffer))
        code = self._functions.C_GetAttributeValue(self.handle, key, ctypes.byref(attribute), 1)
        if code in _LACKING:
            return None
        check(code, "C_GetAttributeValue")
        return _value(attribute)

    def generate_key(self, mechanism: Mechanism, values: Mapping[int, AttributeValue]) -> int:
        """Make a secret key and return its handle."""
        template = Template(values)
        code = self._functions.C_GenerateKey(
            self.handle,
            mechanism.reference,
            ctypes.byref(template.array),
            template.count,
            self._length_at,
        )
        check(code, "C_GenerateKey")
        return self._length.value

    def generate_pair(
        self,
        mechanism: Mechanism,
        public: Mapping[int, AttributeValue],
        private: Mapping[int, AttributeValue],
    ) -> tuple[int, int]:
        """Make a key pair and return the handles of its public and its private key."""
        for_public, for_private = Template(public), Template(private)
        public_handle, private_handle = CK_ULONG(0), CK_ULONG(0)
        code = self._functions.C_GenerateKeyPair(
            self.handle,
            mechanism.reference,
            ctypes.byref(for_public.array),
            for_public.count,
            ctypes.byref(for_private.array),
            for_private.count,
            ctypes.byref(public_handle),
            ctypes.byref(private_handle),
        )
        check(code, "C_GenerateKeyPair")
        return public_handle.value, private_handle.value

    def wrap(self, mechanism: Mechanism, kek: int, key: int) -> bytes:
        """Return ``key`` encrypted under ``kek``."""
        buffer = ctypes.create_string_buffer(_LONGEST_WRAPPED)
        self._length.value = _LONGEST_WRAPPED
        code = self._functions.C_WrapKey(
            self.handle, mechanism.reference, kek, key, buffer, self._length_at
        )
        check(code, "C_WrapKey")
        return ctypes.string_at(buffer, self._length.value)

    def unwrap(
        self,
        mechanism: Mechanism,
        kek: int,
        wrapped: bytes,
        values: Mapping[int, AttributeValue],
    ) -> int:
        """Make an object of a wrapped key and return its handle."""
        template = Template(values)
        code = self._functions.C_UnwrapKey(
            self.handle,
            mechanism.reference,
            kek,
            wrapped,
            len(wrapped),
            ctypes.byref(template.array),
            template.count,
            self._length_at,
        )
        check(code, "C_UnwrapKey")
        return self._length.value

    def destroy(self, key: int) -> None:
        """Destroy an object for ever."""
        check(self._functions.C_DestroyObject(self.handle, key), "C_DestroyObject")

    def _room(self, text: bytes) -> tuple["ctypes.Array[ctypes.c_char]", object]:
        buffer = ctypes.create_string_buffer(len(text) + _TAG_AND_PADDING)
        self._length.value = len(buffer)
        return buffer, self._length_at


def _value(attribute: Attribute) -> bytes | None:
    if attribute.ulValueLen == ck.CK_UNAVAILABLE_INFORMATION:
        return None
    return ctypes.string_at(attribute.pValue, attribute.ulValueLen)
