"""A request that several threads share has one answer."""

from itertools import permutations

import pytest

from keystore.pkcs11.crew import Gathering
from keystore.pkcs11.messages import Outcome, Reply

PARTS = [Reply(serial=7, outcome=Outcome.DONE, texts=[b"%d" % index]) for index in range(3)]
ORDERS = list(permutations(range(3)))
FAILED = Reply(serial=7, outcome=Outcome.BAD_SIGNATURE, reason="bad")


def gathered(parts: list[Reply], order: tuple[int, ...]) -> list[Reply]:
    gathering = Gathering(len(parts))
    answers = [gathering.put(index, parts[index]) for index in order]
    return [answer for answer in answers if answer is not None]


@pytest.mark.parametrize("order", ORDERS)
def test_the_last_part_brings_the_answer_in_the_order_of_the_request(
    order: tuple[int, ...],
) -> None:
    whole = Reply(serial=7, outcome=Outcome.DONE, texts=[b"0", b"1", b"2"])
    assert gathered(PARTS, order) == [whole]


@pytest.mark.parametrize("order", ORDERS)
def test_one_failed_part_fails_the_whole_and_releases_nothing(order: tuple[int, ...]) -> None:
    assert gathered([PARTS[0], FAILED, PARTS[2]], order) == [FAILED]
