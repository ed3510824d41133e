"""A loaded PKCS#11 module: initialised with OS locking, called without the GIL."""

import ctypes
import os
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

from keystore.pkcs11 import constants as ck
from keystore.pkcs11.errors import PinRefused, check
from keystore.pkcs11.structures import CK_ULONG, InitializeArguments, TokenInfo

FUNCTION_LIST = """
C_Initialize C_Finalize C_GetInfo C_GetFunctionList C_GetSlotList C_GetSlotInfo
C_GetTokenInfo C_GetMechanismList C_GetMechanismInfo C_InitToken C_InitPIN C_SetPIN
C_OpenSession C_CloseSession C_CloseAllSessions C_GetSessionInfo C_GetOperationState
C_SetOperationState C_Login C_Logout C_CreateObject C_CopyObject C_DestroyObject
C_GetObjectSize C_GetAttributeValue C_SetAttributeValue C_FindObjectsInit C_FindObjects
C_FindObjectsFinal C_EncryptInit C_Encrypt C_EncryptUpdate C_EncryptFinal C_DecryptInit
C_Decrypt C_DecryptUpdate C_DecryptFinal C_DigestInit C_Digest C_DigestUpdate C_DigestKey
C_DigestFinal C_SignInit C_Sign C_SignUpdate C_SignFinal C_SignRecoverInit C_SignRecover
C_VerifyInit C_Verify C_VerifyUpdate C_VerifyFinal C_VerifyRecoverInit C_VerifyRecover
C_DigestEncryptUpdate C_DecryptDigestUpdate C_SignEncryptUpdate C_DecryptVerifyUpdate
C_GenerateKey C_GenerateKeyPair C_WrapKey C_UnwrapKey C_DeriveKey C_SeedRandom
C_GenerateRandom
""".split()  # noqa: SIM905 - a table is easier to compare with the standard
"""CK_FUNCTION_LIST in its fixed order, as far as anything here is used."""

_POINTER, _BYTES = ctypes.c_void_p, ctypes.c_char_p

Function = Callable[..., int]


class _FunctionList(ctypes.Structure):
    _fields_ = [
        ("version", ctypes.c_ubyte * 2),
        *((name, ctypes.c_void_p) for name in FUNCTION_LIST),
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Functions:
    """The functions of a module that the binding calls. CFUNCTYPE releases the GIL around each."""

    C_Initialize: Function
    C_Finalize: Function
    C_GetSlotList: Function
    C_GetTokenInfo: Function
    C_OpenSession: Function
    C_CloseSession: Function
    C_Login: Function
    C_DestroyObject: Function
    C_GetAttributeValue: Function
    C_FindObjectsInit: Function
    C_FindObjects: Function
    C_FindObjectsFinal: Function
    C_EncryptInit: Function
    C_Encrypt: Function
    C_DecryptInit: Function
    C_Decrypt: Function
    C_SignInit: Function
    C_Sign: Function
    C_GenerateKey: Function
    C_GenerateKeyPair: Function
    C_WrapKey: Function
    C_UnwrapKey: Function


_ARGUMENTS: dict[str, tuple[Any, ...]] = {
    "C_Initialize": (_POINTER,),
    "C_Finalize": (_POINTER,),
    "C_GetSlotList": (ctypes.c_ubyte, _POINTER, _POINTER),
    "C_GetTokenInfo": (CK_ULONG, _POINTER),
    "C_OpenSession": (CK_ULONG, CK_ULONG, _POINTER, _POINTER, _POINTER),
    "C_CloseSession": (CK_ULONG,),
    "C_Login": (CK_ULONG, CK_ULONG, _POINTER, CK_ULONG),
    "C_DestroyObject": (CK_ULONG, CK_ULONG),
    "C_GetAttributeValue": (CK_ULONG, CK_ULONG, _POINTER, CK_ULONG),
    "C_FindObjectsInit": (CK_ULONG, _POINTER, CK_ULONG),
    "C_FindObjects": (CK_ULONG, _POINTER, CK_ULONG, _POINTER),
    "C_FindObjectsFinal": (CK_ULONG,),
    "C_EncryptInit": (CK_ULONG, _POINTER, CK_ULONG),
    "C_Encrypt": (CK_ULONG, _BYTES, CK_ULONG, _POINTER, _POINTER),
    "C_DecryptInit": (CK_ULONG, _POINTER, CK_ULONG),
    "C_Decrypt": (CK_ULONG, _BYTES, CK_ULONG, _POINTER, _POINTER),
    "C_SignInit": (CK_ULONG, _POINTER, CK_ULONG),
    "C_Sign": (CK_ULONG, _BYTES, CK_ULONG, _POINTER, _POINTER),
    "C_GenerateKey": (CK_ULONG, _POINTER, _POINTER, CK_ULONG, _POINTER),
    "C_GenerateKeyPair": (
        CK_ULONG, _POINTER, _POINTER, CK_ULONG, _POINTER, CK_ULONG, _POINTER, _POINTER,
    ),
    "C_WrapKey": (CK_ULONG, _POINTER, CK_ULONG, CK_ULONG, _POINTER, _POINTER),
    "C_UnwrapKey": (
        CK_ULONG, _POINTER, CK_ULONG, _BYTES, CK_ULONG, _POINTER, CK_ULONG, _POINTER,
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenDescription:
    """What a token says of itself, padding removed (PKCS#11 v2.40 §3.3)."""

    slot: int
    label: bytes
    manufacturer: bytes
    model: bytes
    serial: bytes
    flags: int


class ForkedProcess(Exception):
    """The module was initialised by another process: its state must not be used in this one."""


class Library:
    """One PKCS#11 module of this process. Finalised at exit only."""

    def __init__(self, path: str, reserved: str = "") -> None:
        """Load and initialise ``path``. ``reserved`` is the string that NSS wants in pReserved.

        Raises OSError if the file is no library, Pkcs11Error if it refuses to start.
        """
        self._module = ctypes.CDLL(path)
        self.functions = _functions(self._module)
        self._pid = os.getpid()
        arguments = InitializeArguments()
        # Without this flag a module may drop its mutexes; SoftHSM then crashes under two threads.
        arguments.flags = ck.CKF_OS_LOCKING_OK
        arguments.pReserved = reserved.encode() or None
        check(self.functions.C_Initialize(ctypes.byref(arguments)), "C_Initialize")

    def refuse_fork(self) -> None:
        """Raise ForkedProcess if this process did not initialise the module."""
        if os.getpid() != self._pid:
            raise ForkedProcess("a PKCS#11 module does not survive fork; initialise it after")

    def tokens(self) -> list[TokenDescription]:
        """Return the tokens that are present."""
        count = CK_ULONG(0)
        listing = self.functions.C_GetSlotList
        check(listing(1, None, ctypes.byref(count)), "C_GetSlotList")
        slots = (CK_ULONG * max(count.value, 1))()
        check(listing(1, ctypes.byref(slots), ctypes.byref(count)), "C_GetSlotList")
        found = (self._describe(slot) for slot in slots[: count.value])
        return [token for token in found if token is not None]

    def _describe(self, slot: int) -> TokenDescription | None:
        token = TokenInfo()
        if self.functions.C_GetTokenInfo(slot, ctypes.byref(token)):
            return None  # removed between the list and the question
        return TokenDescription(
            slot=slot,
            label=token.label.rstrip(b" "),
            manufacturer=token.manufacturerID.rstrip(b" "),
            model=token.model.rstrip(b" "),
            serial=token.serialNumber.rstrip(b" "),
            flags=token.flags,
        )

    def open_session(self, slot: int, *, writing: bool = False) -> int:
        """Return the handle of a new session."""
        self.refuse_fork()
        flags = ck.CKF_SERIAL_SESSION | (ck.CKF_RW_SESSION if writing else 0)
        handle = CK_ULONG(0)
        code = self.functions.C_OpenSession(slot, flags, None, None, ctypes.byref(handle))
        check(code, "C_OpenSession")
        return handle.value

    def login(self, session: int, token: TokenDescription, pin: bytearray) -> None:
        """Log this process in to the token and wipe ``pin``. Raises PinRefused.

        A token that would lock at the next wrong PIN is left alone: a person must look first.
        """
        buffer = (ctypes.c_char * max(len(pin), 1)).from_buffer(pin or bytearray(1))
        try:
            for flag in (ck.CKF_USER_PIN_LOCKED, ck.CKF_USER_PIN_FINAL_TRY):
                if token.flags & flag:
                    raise PinRefused(0xA4, "C_Login was not tried, the next failure locks:")
            code = self.functions.C_Login(session, ck.CKU_USER, ctypes.byref(buffer), len(pin))
            if code != 0x100:  # CKR_USER_ALREADY_LOGGED_IN: a session of ours was faster
                check(code, "C_Login")
        finally:
            ctypes.memset(buffer, 0, len(buffer))

    def finalize(self) -> None:
        """End the module's use by this process; nothing of it may be called afterwards."""
        self.functions.C_Finalize(None)


def _functions(module: ctypes.CDLL) -> Functions:
    found = ctypes.POINTER(_FunctionList)()
    check(module.C_GetFunctionList(ctypes.byref(found)), "C_GetFunctionList")
    names = [field.name for field in fields(Functions)]
    return Functions(
        **{
            name: ctypes.CFUNCTYPE(CK_ULONG, *_ARGUMENTS[name])(getattr(found.contents, name))
            for name in names
        }
    )
