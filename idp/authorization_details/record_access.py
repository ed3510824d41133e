"""``record_access``: reading or adding to somebody's records, until a day (RFC 9396 §2)."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from idp.authorization_details import fields
from idp.protocol.details import Row, Shown
from idp.protocol.errors import InvalidAuthorizationDetails

_ACTIONS = {"read": "Read your records", "add": "Add to your records"}
_HEADING, _WHAT, _WHICH, _UNTIL = "Use your records", "May", "Which", "Until"


class RecordAccess:
    """``actions`` (read, add) on ``records``, which are named in words, ``until`` a date."""

    name = "record_access"
    texts = (_HEADING, _WHAT, _WHICH, _UNTIL, *_ACTIONS.values())

    def check(self, detail: Mapping[str, Any]) -> None:
        """Actions are known ones, the date is one (ISO 8601)."""
        fields.only(detail, ("type", "actions", "records", "until", "locations"))
        if set(fields.texts(detail, "actions")) - set(_ACTIONS):
            raise InvalidAuthorizationDetails(f"actions are among {', '.join(_ACTIONS)}")
        fields.texts(detail, "records")
        if "until" in detail:
            _check_date(fields.text(detail, "until", 10))
        if "locations" in detail:
            fields.texts(detail, "locations")

    def shown(self, detail: Mapping[str, Any]) -> Shown:
        """What may be done, with what, and how long."""
        rows = [Row(_WHAT, _ACTIONS[action], is_ours=True) for action in detail["actions"]]
        rows += [Row(_WHICH, record) for record in detail["records"]]
        if "until" in detail:
            rows.append(Row(_UNTIL, detail["until"]))
        return Shown(_HEADING, tuple(rows))

    def within(self, wanted: Mapping[str, Any], granted: Mapping[str, Any]) -> bool:
        """Fewer actions, fewer records, fewer places, an earlier day."""
        return (
            set(wanted["actions"]) <= set(granted["actions"])
            and set(wanted["records"]) <= set(granted["records"])
            and ("until" not in granted or wanted.get("until", "9999") <= granted["until"])
            and (
                "locations" not in granted
                or set(wanted.get("locations", ("",))) <= set(granted["locations"])
            )
        )


def _check_date(text: str) -> None:
    try:
        date.fromisoformat(text)
    except ValueError:
        raise InvalidAuthorizationDetails("until must be a date") from None
    if text[4] + text[7] != "--":  # other forms of ISO 8601 cannot be compared as text
        raise InvalidAuthorizationDetails("until must be a date like 2030-12-31")


TYPE = RecordAccess()
