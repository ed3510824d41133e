"""Answers that are fetched later: ``operationMode`` A, and signatures/signPolling (§11.12)."""

from esignet.protocol.csc.faults import (
    PERIOD_OUT_OF_BOUNDS,
    USER_ID_GIVEN_POLLING,
    CscError,
    invalid,
)
from esignet.protocol.csc.fields import Fields

LONGEST_PERIOD = 3600
"""Seconds for which an answer is kept at most, and if nothing is said."""


def kept_for(fields: Fields) -> int | None:
    """Return for how many seconds the answer shall be kept; None answers at once.

    ``validity_period`` is in milliseconds and rounded up. Nobody is told at ``response_uri``: an
    address of the caller's choice would be called from inside our network.
    """
    if fields.word("operationMode", ("S", "A")) == "S":
        return None
    if fields.has("response_uri"):
        raise invalid("response_uri")
    period = fields.members.get("validity_period")
    if period is None:
        return LONGEST_PERIOD
    if type(period) is not int:
        raise invalid("validity_period")
    if not 0 < period <= LONGEST_PERIOD * 1000:
        raise CscError(PERIOD_OUT_OF_BOUNDS)
    return -(-period // 1000)


def polled(fields: Fields) -> str:
    """Return the ``requestID`` that is asked for."""
    identifier = fields.text("requestID")
    if fields.has("userID"):
        raise CscError(USER_ID_GIVEN_POLLING)
    if fields.has("clientData") and not isinstance(fields.members["clientData"], str):
        raise invalid("clientData")
    return identifier
