"""The structures of PKCS#11 v2.40 in memory, and values that keep their buffers alive."""

import ctypes
from collections.abc import Mapping
from typing import Any

CK_ULONG = ctypes.c_ulong

AttributeValue = bool | int | bytes


class InitializeArguments(ctypes.Structure):
    """CK_C_INITIALIZE_ARGS: no mutex functions of ours, so the module uses the system's."""

    _fields_ = [
        ("CreateMutex", ctypes.c_void_p),
        ("DestroyMutex", ctypes.c_void_p),
        ("LockMutex", ctypes.c_void_p),
        ("UnlockMutex", ctypes.c_void_p),
        ("flags", CK_ULONG),
        ("pReserved", ctypes.c_char_p),
    ]


class Attribute(ctypes.Structure):
    """CK_ATTRIBUTE."""

    _fields_ = [("type", CK_ULONG), ("pValue", ctypes.c_void_p), ("ulValueLen", CK_ULONG)]


class MechanismStructure(ctypes.Structure):
    """CK_MECHANISM."""

    _fields_ = [
        ("mechanism", CK_ULONG),
        ("pParameter", ctypes.c_void_p),
        ("ulParameterLen", CK_ULONG),
    ]


class PssParameters(ctypes.Structure):
    """CK_RSA_PKCS_PSS_PARAMS."""

    _fields_ = [("hashAlg", CK_ULONG), ("mgf", CK_ULONG), ("sLen", CK_ULONG)]


class GcmParameters(ctypes.Structure):
    """CK_GCM_PARAMS as modules lay it out, with ulIvBits (v2.40 errata 1 §2.8)."""

    _fields_ = [
        ("pIv", ctypes.c_char_p),
        ("ulIvLen", CK_ULONG),
        ("ulIvBits", CK_ULONG),
        ("pAAD", ctypes.c_char_p),
        ("ulAADLen", CK_ULONG),
        ("ulTagBits", CK_ULONG),
    ]


class TokenInfo(ctypes.Structure):
    """CK_TOKEN_INFO."""

    _fields_ = [
        ("label", ctypes.c_char * 32),
        ("manufacturerID", ctypes.c_char * 32),
        ("model", ctypes.c_char * 16),
        ("serialNumber", ctypes.c_char * 16),
        ("flags", CK_ULONG),
        ("counters", CK_ULONG * 10),
        ("hardwareVersion", ctypes.c_ubyte * 2),
        ("firmwareVersion", ctypes.c_ubyte * 2),
        ("utcTime", ctypes.c_char * 16),
    ]


class Template:
    """An array of CK_ATTRIBUTE and the buffers that it points to."""

    __slots__ = ("_buffers", "array", "count")

    def __init__(self, values: Mapping[int, AttributeValue]) -> None:
        self.count = len(values)
        self.array = (Attribute * self.count)()
        self._buffers: list[Any] = []
        for attribute, (kind, value) in zip(self.array, values.items(), strict=True):
            raw = encoded(value)
            buffer = ctypes.create_string_buffer(raw, max(len(raw), 1))
            self._buffers.append(buffer)
            attribute.type = kind
            attribute.pValue = ctypes.addressof(buffer)
            attribute.ulValueLen = len(raw)


class Mechanism:
    """A CK_MECHANISM and its parameters; never changed, so threads may share it."""

    __slots__ = ("_parameters", "reference", "structure")

    def __init__(self, kind: int, parameters: ctypes.Structure | None = None) -> None:
        self._parameters = parameters
        self.structure = MechanismStructure(kind, None, 0)
        if parameters is not None:
            self.structure.pParameter = ctypes.addressof(parameters)
            self.structure.ulParameterLen = ctypes.sizeof(parameters)
        self.reference = ctypes.byref(self.structure)


def encoded(value: AttributeValue) -> bytes:
    """Return an attribute's value in memory: CK_BBOOL, CK_ULONG or bytes."""
    if isinstance(value, bool):
        return b"\x01" if value else b"\x00"
    if isinstance(value, int):
        return bytes(CK_ULONG(value))
    return value
