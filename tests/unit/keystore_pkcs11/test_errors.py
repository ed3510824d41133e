"""Each return value of a module leads to the remedy that helps."""

import pytest

from keystore.pkcs11 import errors


@pytest.mark.parametrize(
    ("code", "name", "remedy"),
    [
        (0x0B3, "CKR_SESSION_HANDLE_INVALID", errors.SessionGone),
        (0x090, "CKR_OPERATION_ACTIVE", errors.SessionGone),
        (0x032, "CKR_DEVICE_REMOVED", errors.TokenGone),
        (0x030, "CKR_DEVICE_ERROR", errors.TokenGone),
        (0x0E0, "CKR_TOKEN_NOT_PRESENT", errors.TokenGone),
        (0x101, "CKR_USER_NOT_LOGGED_IN", errors.LoginNeeded),
        (0x060, "CKR_KEY_HANDLE_INVALID", errors.KeyGone),
        (0x0A0, "CKR_PIN_INCORRECT", errors.PinRefused),
        (0x0A4, "CKR_PIN_LOCKED", errors.PinRefused),
        (0x005, "CKR_GENERAL_ERROR", errors.ModuleFault),
        (0x190, "CKR_CRYPTOKI_NOT_INITIALIZED", errors.ModuleFault),
        (0x070, "CKR_MECHANISM_INVALID", errors.NotSupported),
        (0x068, "CKR_KEY_FUNCTION_NOT_PERMITTED", errors.NotAllowed),
        (0x0B1, "CKR_SESSION_COUNT", errors.Busy),
        (0x0D1, "CKR_TEMPLATE_INCONSISTENT", errors.BadArgument),
        (0x040, "CKR_ENCRYPTED_DATA_INVALID", errors.Altered),
        (0x80000001, "CKR 0x80000001", errors.ModuleFault),
    ],
)
def test_remedies(code: int, name: str, remedy: type[errors.Pkcs11Error]) -> None:
    with pytest.raises(remedy, match=f"C_Sign: {name} ") as raised:
        errors.check(code, "C_Sign")
    assert raised.value.code == code


def test_ok_is_no_error() -> None:
    errors.check(0, "C_Sign")


def test_a_refused_pin_is_never_tried_again_as_if_it_could_recover() -> None:
    assert not issubclass(errors.PinRefused, errors.Recoverable)
