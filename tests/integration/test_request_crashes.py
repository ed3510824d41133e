"""Signing service and key service die in the middle of signatures: a few of the 200 cycles."""

import os
import random

import pytest

from tests.integration.document_kills import battlefield

CYCLES = int(os.environ.get("SYMBOLON_SIGNING_CRASH_CYCLES", "36"))


@pytest.mark.server
@pytest.mark.timeout(max(120, 5 * CYCLES))
async def test_whoever_dies_no_signature_is_lost_untold_or_made_twice() -> None:
    dice = random.Random(CYCLES)
    async with battlefield() as it:
        for _ in range(CYCLES):
            await it.cycle(dice)
        assert sum(it.ends.values()) == CYCLES
        assert it.ends["signed"], "nothing was ever gone on with"
