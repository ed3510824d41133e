"""``payment_initiation``: one payment to one creditor (RFC 9396 §2, its first example)."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from idp.authorization_details import fields
from idp.protocol.details import Row, Shown
from idp.protocol.errors import InvalidAuthorizationDetails

_AMOUNT = re.compile(r"(0|[1-9][0-9]{0,14})(\.[0-9]{1,5})?\Z", re.ASCII)
_CURRENCY = re.compile(r"[A-Z]{3}\Z", re.ASCII)  # ISO 4217
_ACCOUNT = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}\Z", re.ASCII)  # ISO 13616

_HEADING = "Make this payment"
_TO, _AMOUNT_LABEL, _ACCOUNT_LABEL, _FOR = "To", "Amount", "Account", "What for"


class PaymentInitiation:
    """A payment: ``instructedAmount``, ``creditorName``, ``creditorAccount`` and what it is for."""

    name = "payment_initiation"
    texts = (_HEADING, _TO, _AMOUNT_LABEL, _ACCOUNT_LABEL, _FOR)

    def check(self, detail: Mapping[str, Any]) -> None:
        """Amounts are decimal numbers, accounts are IBANs with a right check (ISO 7064)."""
        fields.only(
            detail,
            (
                *("type", "instructedAmount", "creditorName", "creditorAccount"),
                *("remittanceInformationUnstructured", "locations"),
            ),
        )
        amount = fields.part(detail, "instructedAmount", ("amount", "currency"))
        if not _AMOUNT.match(fields.text(amount, "amount")) or not Decimal(amount["amount"]):
            raise InvalidAuthorizationDetails("amount must be a decimal number above zero")
        if not _CURRENCY.match(fields.text(amount, "currency")):
            raise InvalidAuthorizationDetails("currency must be a code of three letters")
        fields.text(detail, "creditorName")
        account = fields.part(detail, "creditorAccount", ("iban",))
        if not _is_iban(fields.text(account, "iban")):
            raise InvalidAuthorizationDetails("iban is not valid")
        if "remittanceInformationUnstructured" in detail:
            fields.text(detail, "remittanceInformationUnstructured")
        if "locations" in detail:
            fields.texts(detail, "locations")

    def shown(self, detail: Mapping[str, Any]) -> Shown:
        """Everything that decides about the payment."""
        amount = detail["instructedAmount"]
        rows = [
            Row(_TO, detail["creditorName"]),
            Row(_AMOUNT_LABEL, f"{amount['amount']} {amount['currency']}"),
            Row(_ACCOUNT_LABEL, detail["creditorAccount"]["iban"]),
        ]
        if purpose := detail.get("remittanceInformationUnstructured"):
            rows.append(Row(_FOR, purpose))
        return Shown(_HEADING, tuple(rows))

    def within(self, wanted: Mapping[str, Any], granted: Mapping[str, Any]) -> bool:
        """A payment cannot be narrowed."""
        return wanted == granted


def _is_iban(text: str) -> bool:
    if not _ACCOUNT.match(text):
        return False
    digits = "".join(str(int(character, 36)) for character in text[4:] + text[:4])
    return int(digits) % 97 == 1


TYPE = PaymentInitiation()
