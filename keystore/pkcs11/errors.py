"""What a PKCS#11 return value asks of us: one exception class per remedy, not per number."""

from typing import ClassVar


class Pkcs11Error(Exception):
    """A function of the module returned something else than CKR_OK."""

    remedy: ClassVar[str] = "look the return value up in PKCS#11 v2.40 §11.1"

    def __init__(self, code: int, function: str) -> None:
        super().__init__(f"{function}: {name_of(code)} ({self.remedy})")
        self.code = code
        self.function = function


class Recoverable(Pkcs11Error):
    """Opening the token again may help; if it does not, a fresh process may."""


class SessionGone(Recoverable):
    """The session is closed or out of step with us."""

    remedy = "open sessions again"


class TokenGone(Recoverable):
    """The token was taken out, switched off or cannot be reached."""

    remedy = "wait for the token to come back"


class ModuleFault(Recoverable):
    """The module failed without saying why, or is not initialised."""

    remedy = "start the module in a fresh process"


class LoginNeeded(Recoverable):
    """The token forgot that we logged in."""

    remedy = "log in again"


class KeyGone(Recoverable):
    """A handle no longer names an object."""

    remedy = "find the key again"


class PinRefused(Pkcs11Error):
    """The token refused the PIN. Never repeated: a token locks after a few."""

    remedy = "correct the PIN, then start again"


class Busy(Pkcs11Error):
    """The token has no room for a further session or object."""

    remedy = "use fewer threads, or remove objects from the token"


class NotSupported(Pkcs11Error):
    """The token cannot do this at all."""

    remedy = "use another algorithm or another token"


class NotAllowed(Pkcs11Error):
    """The token's policy or the key's attributes forbid this."""

    remedy = "use a key that was made for this"


class BadArgument(Pkcs11Error):
    """What we asked for makes no sense to this token."""

    remedy = "report this as a defect of the binding"


class Altered(Pkcs11Error):
    """A ciphertext or signature does not verify."""

    remedy = "reject the input"


_NAMES: dict[int, tuple[str, type[Pkcs11Error]]] = {
    0x001: ("CKR_CANCEL", ModuleFault),
    0x002: ("CKR_HOST_MEMORY", ModuleFault),
    0x003: ("CKR_SLOT_ID_INVALID", TokenGone),
    0x005: ("CKR_GENERAL_ERROR", ModuleFault),
    0x006: ("CKR_FUNCTION_FAILED", ModuleFault),
    0x007: ("CKR_ARGUMENTS_BAD", BadArgument),
    0x008: ("CKR_NO_EVENT", BadArgument),
    0x009: ("CKR_NEED_TO_CREATE_THREADS", NotSupported),
    0x00A: ("CKR_CANT_LOCK", NotSupported),
    0x010: ("CKR_ATTRIBUTE_READ_ONLY", BadArgument),
    0x011: ("CKR_ATTRIBUTE_SENSITIVE", NotAllowed),
    0x012: ("CKR_ATTRIBUTE_TYPE_INVALID", BadArgument),
    0x013: ("CKR_ATTRIBUTE_VALUE_INVALID", BadArgument),
    0x01B: ("CKR_ACTION_PROHIBITED", NotAllowed),
    0x020: ("CKR_DATA_INVALID", BadArgument),
    0x021: ("CKR_DATA_LEN_RANGE", BadArgument),
    0x030: ("CKR_DEVICE_ERROR", TokenGone),
    0x031: ("CKR_DEVICE_MEMORY", Busy),
    0x032: ("CKR_DEVICE_REMOVED", TokenGone),
    0x040: ("CKR_ENCRYPTED_DATA_INVALID", Altered),
    0x041: ("CKR_ENCRYPTED_DATA_LEN_RANGE", Altered),
    0x050: ("CKR_FUNCTION_CANCELED", ModuleFault),
    0x051: ("CKR_FUNCTION_NOT_PARALLEL", BadArgument),
    0x054: ("CKR_FUNCTION_NOT_SUPPORTED", NotSupported),
    0x060: ("CKR_KEY_HANDLE_INVALID", KeyGone),
    0x062: ("CKR_KEY_SIZE_RANGE", BadArgument),
    0x063: ("CKR_KEY_TYPE_INCONSISTENT", BadArgument),
    0x064: ("CKR_KEY_NOT_NEEDED", BadArgument),
    0x065: ("CKR_KEY_CHANGED", KeyGone),
    0x066: ("CKR_KEY_NEEDED", BadArgument),
    0x067: ("CKR_KEY_INDIGESTIBLE", BadArgument),
    0x068: ("CKR_KEY_FUNCTION_NOT_PERMITTED", NotAllowed),
    0x069: ("CKR_KEY_NOT_WRAPPABLE", NotAllowed),
    0x06A: ("CKR_KEY_UNEXTRACTABLE", NotAllowed),
    0x070: ("CKR_MECHANISM_INVALID", NotSupported),
    0x071: ("CKR_MECHANISM_PARAM_INVALID", NotSupported),
    0x082: ("CKR_OBJECT_HANDLE_INVALID", KeyGone),
    0x090: ("CKR_OPERATION_ACTIVE", SessionGone),
    0x091: ("CKR_OPERATION_NOT_INITIALIZED", SessionGone),
    0x0A0: ("CKR_PIN_INCORRECT", PinRefused),
    0x0A1: ("CKR_PIN_INVALID", PinRefused),
    0x0A2: ("CKR_PIN_LEN_RANGE", PinRefused),
    0x0A3: ("CKR_PIN_EXPIRED", PinRefused),
    0x0A4: ("CKR_PIN_LOCKED", PinRefused),
    0x0B0: ("CKR_SESSION_CLOSED", SessionGone),
    0x0B1: ("CKR_SESSION_COUNT", Busy),
    0x0B3: ("CKR_SESSION_HANDLE_INVALID", SessionGone),
    0x0B4: ("CKR_SESSION_PARALLEL_NOT_SUPPORTED", BadArgument),
    0x0B5: ("CKR_SESSION_READ_ONLY", NotAllowed),
    0x0B6: ("CKR_SESSION_EXISTS", NotAllowed),
    0x0B7: ("CKR_SESSION_READ_ONLY_EXISTS", NotAllowed),
    0x0B8: ("CKR_SESSION_READ_WRITE_SO_EXISTS", NotAllowed),
    0x0C0: ("CKR_SIGNATURE_INVALID", Altered),
    0x0C1: ("CKR_SIGNATURE_LEN_RANGE", Altered),
    0x0D0: ("CKR_TEMPLATE_INCOMPLETE", BadArgument),
    0x0D1: ("CKR_TEMPLATE_INCONSISTENT", BadArgument),
    0x0E0: ("CKR_TOKEN_NOT_PRESENT", TokenGone),
    0x0E1: ("CKR_TOKEN_NOT_RECOGNIZED", TokenGone),
    0x0E2: ("CKR_TOKEN_WRITE_PROTECTED", NotAllowed),
    0x0F0: ("CKR_UNWRAPPING_KEY_HANDLE_INVALID", KeyGone),
    0x0F1: ("CKR_UNWRAPPING_KEY_SIZE_RANGE", BadArgument),
    0x0F2: ("CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT", BadArgument),
    0x100: ("CKR_USER_ALREADY_LOGGED_IN", BadArgument),
    0x101: ("CKR_USER_NOT_LOGGED_IN", LoginNeeded),
    0x102: ("CKR_USER_PIN_NOT_INITIALIZED", PinRefused),
    0x103: ("CKR_USER_TYPE_INVALID", BadArgument),
    0x104: ("CKR_USER_ANOTHER_ALREADY_LOGGED_IN", NotAllowed),
    0x105: ("CKR_USER_TOO_MANY_TYPES", NotAllowed),
    0x110: ("CKR_WRAPPED_KEY_INVALID", Altered),
    0x112: ("CKR_WRAPPED_KEY_LEN_RANGE", Altered),
    0x113: ("CKR_WRAPPING_KEY_HANDLE_INVALID", KeyGone),
    0x114: ("CKR_WRAPPING_KEY_SIZE_RANGE", BadArgument),
    0x115: ("CKR_WRAPPING_KEY_TYPE_INCONSISTENT", BadArgument),
    0x120: ("CKR_RANDOM_SEED_NOT_SUPPORTED", NotSupported),
    0x121: ("CKR_RANDOM_NO_RNG", NotSupported),
    0x130: ("CKR_DOMAIN_PARAMS_INVALID", NotSupported),
    0x140: ("CKR_CURVE_NOT_SUPPORTED", NotSupported),
    0x150: ("CKR_BUFFER_TOO_SMALL", BadArgument),
    0x170: ("CKR_INFORMATION_SENSITIVE", NotAllowed),
    0x180: ("CKR_STATE_UNSAVEABLE", NotSupported),
    0x190: ("CKR_CRYPTOKI_NOT_INITIALIZED", ModuleFault),
    0x191: ("CKR_CRYPTOKI_ALREADY_INITIALIZED", BadArgument),
    0x1A0: ("CKR_MUTEX_BAD", ModuleFault),
    0x1A1: ("CKR_MUTEX_NOT_LOCKED", ModuleFault),
    0x1C1: ("CKR_FIPS_SELF_TEST_FAILED", ModuleFault),
    0x200: ("CKR_FUNCTION_REJECTED", NotAllowed),
}


def name_of(code: int) -> str:
    """Return the standard name of a return value, its number if it has none."""
    known = _NAMES.get(code)
    return known[0] if known else f"CKR 0x{code:x}"


def error_of(code: int, function: str) -> Pkcs11Error:
    """Return the exception for a return value; an unknown one is a fault of the module."""
    known = _NAMES.get(code)
    return (known[1] if known else ModuleFault)(code, function)


def check(code: int, function: str) -> None:
    """Raise the exception that belongs to ``code`` unless it is CKR_OK."""
    if code:
        raise error_of(code, function)
