"""What belongs together on the consent page is one row."""

from idp.pages.consent_items import groups, ticked
from idp.protocol.claims import STANDARD


def test_claims_are_told_by_group_in_one_order() -> None:
    found = groups(frozenset({"birthdate", "email", "family_name", "name"}))
    assert [(group.name, group.claims) for group in found] == [
        ("Your name", ("name", "family_name")),
        ("Contact", ("email",)),
        ("About you", ("birthdate",)),
    ]


def test_whether_an_address_was_checked_goes_with_the_address() -> None:
    [contact] = groups(frozenset({"email", "email_verified", "phone_number_verified"}))
    assert contact.claims == ("email", "phone_number_verified")
    assert ticked(["email"]) == {"email", "email_verified"}


def test_nothing_that_is_asked_for_stays_unsaid() -> None:
    told = {claim for group in groups(STANDARD) for claim in group.claims}
    assert STANDARD - told == {"email_verified", "phone_number_verified"}
